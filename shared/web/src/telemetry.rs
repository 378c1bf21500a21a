//! Logs and metrics of a process.

pub(crate) mod cloud;
pub(crate) mod trace;

use std::sync::Arc;

use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// Upper bounds of the histogram of answers, in seconds: from a cached answer to the time-out.
const SECONDS: &[f64] = &[
    0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Where lines go when they go to Cloud Logging.
#[derive(Clone, Debug, Default)]
pub struct CloudLogging {
    /// The project that traces belong to; without it lines don't say theirs.
    pub project: Option<String>,
}

/// Cloud Logging's JSON when there is a `cloud`, readable lines otherwise; `filter` as in `RUST_LOG`.
pub fn init_logs(cloud: Option<CloudLogging>, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = if let Some(cloud) = cloud {
        // A panic too is one line, and one entry.
        std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
        cloud::layer(cloud.project.as_deref(), std::io::stdout).boxed()
    } else {
        tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .with_writer(std::io::stderr)
            .boxed()
    };
    // A second call, in a test, keeps the first subscriber.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
}

/// What stands behind `/metrics`.
#[derive(Clone)]
pub struct Metrics {
    registry: prometheus::Registry,
    gauges: Arc<dyn Fn() + Send + Sync>,
}

impl Metrics {
    /// The same, with gauges that are set whenever somebody looks.
    #[must_use]
    pub fn with_gauges(self, gauges: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            gauges: Arc::new(gauges),
            ..self
        }
    }

    /// Everything that was counted, in Prometheus' text format.
    pub fn render(&self) -> String {
        (self.gauges)();
        // Names and labels were checked when they were registered; a gap is better than a 500.
        prometheus::TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_default()
    }
}

/// Where `metrics::counter!` and its like are counted. The first call of a process installs it, later ones have their own.
pub fn init_metrics() -> Metrics {
    let registry = prometheus::Registry::new();
    let mut builder = metrics_prometheus::Recorder::builder().with_registry(&registry);
    // Counters and gauges register themselves at their first use; a histogram must say its bounds before.
    let durations = prometheus::HistogramOpts::new(
        "http_request_duration_seconds",
        "From the head of a request to the head of its answer.",
    )
    .buckets(SECONDS.to_vec());
    if let Ok(durations) = prometheus::HistogramVec::new(durations, &["method", "route"]) {
        builder = builder.with_metric(durations);
    }
    let _ = metrics::set_global_recorder(builder.build());
    Metrics {
        registry,
        gauges: Arc::new(|| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_can_be_read() {
        let first = init_metrics();
        metrics::counter!("tries_total", "became" => "sent").increment(2);
        metrics::histogram!("http_request_duration_seconds", "method" => "GET", "route" => "/a")
            .record(0.004);
        let text = first.render();
        assert!(text.contains("tries_total{became=\"sent\"} 2"), "{text}");
        let bucket =
            "http_request_duration_seconds_bucket{method=\"GET\",route=\"/a\",le=\"0.005\"} 1";
        assert!(text.contains(bucket), "{text}");
        let gauged = first.with_gauges(|| metrics::gauge!("open_doors").set(3.0));
        let text = gauged.render();
        assert!(text.contains("\nopen_doors 3"), "{text}");
        // A platform in the same process, in another test.
        assert_eq!(init_metrics().render(), "");
    }
}

//! Logs and metrics.

pub(crate) mod cloud;
pub(crate) mod trace;

use std::sync::Arc;

use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// Upper bounds of the request duration histogram, in seconds.
const DURATION_BUCKETS: &[f64] = &[
    0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Settings for Cloud Logging.
#[derive(Clone, Debug, Default)]
pub struct CloudLogging {
    /// The project that traces belong to; without it, log lines have no trace.
    pub project: Option<String>,
}

/// Initialises logging: JSON for Cloud Logging if `cloud` is set, readable lines otherwise; `filter` as in `RUST_LOG`.
pub fn init_logs(cloud: Option<CloudLogging>, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = if let Some(cloud) = cloud {
        // A panic is one line too, and therefore one entry.
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

/// The metrics served at `/metrics`.
#[derive(Clone)]
pub struct Metrics {
    registry: prometheus::Registry,
    gauges: Arc<dyn Fn() + Send + Sync>,
}

impl Metrics {
    /// Adds gauges that are updated on every scrape.
    #[must_use]
    pub fn with_gauges(self, gauges: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            gauges: Arc::new(gauges),
            ..self
        }
    }

    /// All metrics in the Prometheus text format.
    pub fn render(&self) -> String {
        (self.gauges)();
        // Names and labels were checked at registration; an incomplete response is better than a 500.
        prometheus::TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_default()
    }
}

/// Installs the recorder of `metrics::counter!` and the like. Only the first call in a process has an effect.
pub fn init_metrics() -> Metrics {
    let registry = prometheus::Registry::new();
    let mut builder = metrics_prometheus::Recorder::builder().with_registry(&registry);
    // Counters and gauges register at first use; a histogram needs its buckets beforehand.
    let durations = prometheus::HistogramOpts::new(
        "http_request_duration_seconds",
        "Time from the request head to the response head.",
    )
    .buckets(DURATION_BUCKETS.to_vec());
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
    fn recorded_metrics_are_rendered() {
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
        // As in another test of the same process.
        assert_eq!(init_metrics().render(), "");
    }
}

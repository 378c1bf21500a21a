//! Logs and metrics of a process.

use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// Upper bounds of the histogram of answers, in seconds: from a cached answer to the time-out.
const SECONDS: &[f64] = &[
    0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Cloud Logging's JSON when `cloud`, readable lines otherwise; `filter` as in `RUST_LOG`.
pub fn init_logs(cloud: bool, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = if cloud {
        tracing_stackdriver::layer().boxed()
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
#[derive(Clone, Debug)]
pub struct Metrics(prometheus::Registry);

impl Metrics {
    /// Everything that was counted, in Prometheus' text format.
    pub fn render(&self) -> String {
        // Names and labels were checked when they were registered; a gap is better than a 500.
        prometheus::TextEncoder::new()
            .encode_to_string(&self.0.gather())
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
    Metrics(registry)
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
        // A platform in the same process, in another test.
        assert_eq!(init_metrics().render(), "");
    }
}

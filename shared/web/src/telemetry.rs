//! Logs and metrics of a process.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
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

/// The recorder behind `/metrics`. The first call of a process installs it, later ones have their own.
pub fn init_metrics() -> PrometheusHandle {
    let build = || {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .map_or_else(
                |_| PrometheusBuilder::new().build_recorder(),
                PrometheusBuilder::build_recorder,
            )
    };
    let recorder = build();
    let handle = recorder.handle();
    let _ = metrics::set_global_recorder(recorder);
    handle
}

//! Log lines for Cloud Logging: one JSON object per line, with its special fields.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tracing::Subscriber;
use tracing_subscriber::{Layer, registry::LookupSpan};

use super::trace;

/// Whether logs go to Cloud Logging, which has field names of its own for requests.
static CLOUD: AtomicBool = AtomicBool::new(false);

/// Whether [`layer`] was created.
pub(crate) fn is_cloud() -> bool {
    CLOUD.load(Ordering::Relaxed)
}

/// The layer; without a project, lines carry no trace.
pub(super) fn layer<S, W>(
    project: Option<&str>,
    out: impl Fn() -> W + Send + Sync + 'static,
) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: Write + 'static,
{
    CLOUD.store(true, Ordering::Relaxed);
    let project: Option<Arc<str>> = project.map(Arc::from);
    tracing_stackdriver::layer().with_writer(move || Lines {
        out: out(),
        project: project.clone(),
    })
}

/// Adds the trace to each line; the library only does so for OpenTelemetry spans.
struct Lines<W> {
    out: W,
    project: Option<Arc<str>>,
}

impl<W: Write> Write for Lines<W> {
    /// Receives whole lines from `tracing_subscriber`, and writes each at once, so that lines never interleave.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let fields = self.project.as_deref().and_then(trace::fields);
        match (fields, line.strip_suffix(b"}\n")) {
            (Some(fields), Some(head)) => {
                self.out
                    .write_all(&[head, fields.as_bytes(), b"}\n"].concat())?;
            }
            _ => self.out.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::{Router, body::Body, extract::Request, routing::get};
    use serde_json::Value;
    use tower::ServiceExt;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::{
        Clock, Problem,
        edge::{self, Edge},
    };

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// All log lines of requests for these paths, parsed as JSON.
    async fn lines(requests: &[(&str, &[(&str, &str)])]) -> Vec<Value> {
        let captured = Captured::default();
        let out = captured.clone();
        let layer = layer(Some("a-project"), move || out.clone());
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let router = Router::new()
            .route(
                "/things/{id}",
                get(|| async { tracing::warn!(thing = 1, "a \"quoted\"\nline") }),
            )
            .route("/wrong", get(|| async { Problem::internal("a cause") }));
        let router = edge::wrap(
            router,
            Edge {
                clock: Clock::system(),
                trusted_proxies: 0,
            },
        );
        for (path, headers) in requests {
            let mut request = Request::get(*path);
            for (name, value) in *headers {
                request = request.header(*name, *value);
            }
            let request = request.body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap();
        }
        let captured = captured.0.lock().unwrap();
        let text = std::str::from_utf8(&captured).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[tokio::test]
    async fn each_line_is_one_object_with_the_fields_that_cloud_logging_knows() {
        let lines = lines(&[
            ("/things/1", &[("traceparent", TRACEPARENT)]),
            ("/wrong", &[]),
        ])
        .await;
        assert_eq!(lines.len(), 4, "{lines:#?}");
        for line in &lines {
            let time = line["time"].as_str().unwrap();
            assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
            assert!(line["message"].is_string(), "{line}");
            let place = &line["logging.googleapis.com/sourceLocation"];
            assert!(
                place["file"].is_string() && place["line"].is_string(),
                "{line}"
            );
        }
        let severities: Vec<_> = lines
            .iter()
            .map(|line| line["severity"].as_str().unwrap())
            .collect();
        assert_eq!(severities, ["WARNING", "INFO", "ERROR", "ERROR"]);
        assert_eq!(lines[0]["message"], "a \"quoted\"\nline");

        let request = &lines[1]["httpRequest"];
        assert_eq!(request["requestMethod"], "GET");
        assert_eq!(request["requestUrl"], "/things/{id}");
        assert_eq!(request["status"], 200);
        let latency = request["latency"].as_str().unwrap();
        assert!(
            latency.strip_suffix('s').unwrap().parse::<f64>().is_ok(),
            "{latency}"
        );
        assert!(lines[1]["requestId"].is_string());
        assert_eq!(lines[3]["httpRequest"]["status"], 500);
    }

    #[tokio::test]
    async fn all_lines_of_a_request_belong_to_its_trace_and_no_others_do() {
        let lines = lines(&[
            ("/things/1", &[("traceparent", TRACEPARENT)]),
            (
                "/things/2",
                &[(
                    "x-cloud-trace-context",
                    "0123456789abcdef0123456789abcdef/1;o=0",
                )],
            ),
            ("/things/3", &[]),
        ])
        .await;
        assert_eq!(lines.len(), 6, "{lines:#?}");
        for line in &lines[..2] {
            let trace = &line["logging.googleapis.com/trace"];
            assert_eq!(
                trace,
                "projects/a-project/traces/4bf92f3577b34da6a3ce929d0e0e4736"
            );
            assert_eq!(line["logging.googleapis.com/spanId"], "00f067aa0ba902b7");
            assert_eq!(line["logging.googleapis.com/trace_sampled"], true);
        }
        for line in &lines[2..4] {
            let trace = &line["logging.googleapis.com/trace"];
            assert_eq!(
                trace,
                "projects/a-project/traces/0123456789abcdef0123456789abcdef"
            );
            assert_eq!(line["logging.googleapis.com/trace_sampled"], false);
        }
        for line in &lines[4..] {
            assert!(line.get("logging.googleapis.com/trace").is_none(), "{line}");
        }
    }
}

//! Trace context of a request, from its headers; added to each of its log lines.

use http::HeaderMap;

/// Google's own header: `TRACE/SPAN;o=1`, with the span as a decimal number.
const CLOUD_TRACE_CONTEXT: &str = "x-cloud-trace-context";

tokio::task_local! {
    static TRACE: Option<Trace>;
}

/// The remote parent span of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    id: String,
    span: Option<String>,
    sampled: bool,
}

/// Runs `work` within a trace.
pub(crate) async fn within<T>(trace: Option<Trace>, work: impl Future<Output = T>) -> T {
    TRACE.scope(trace, work).await
}

/// The Cloud Logging fields of the current task's trace.
pub(super) fn fields(project: &str) -> Option<String> {
    TRACE
        .try_with(|trace| trace.as_ref().map(|trace| trace.fields(project)))
        .ok()
        .flatten()
}

impl Trace {
    /// From the W3C header, or else Google's.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        text("traceparent")
            .and_then(Self::from_traceparent)
            .or_else(|| text(CLOUD_TRACE_CONTEXT).and_then(Self::from_cloud_context))
    }

    /// `00-TRACE-SPAN-FLAGS`; later versions may append fields (W3C Trace Context, 3.2.2).
    fn from_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = hex(parts.next()?, 2)?;
        let id = identifier(parts.next()?, 32)?;
        let span = identifier(parts.next()?, 16)?;
        let flags = u8::from_str_radix(hex(parts.next()?, 2)?, 16).ok()?;
        let whole = parts.next().is_none();
        (version != "ff" && (version != "00" || whole)).then(|| Self {
            id: id.to_owned(),
            span: Some(span.to_owned()),
            sampled: flags & 1 == 1,
        })
    }

    fn from_cloud_context(text: &str) -> Option<Self> {
        let (path, options) = text.split_once(';').unwrap_or((text, ""));
        let (id, span) = path.split_once('/').unwrap_or((path, ""));
        Some(Self {
            id: identifier(id, 32)?.to_owned(),
            span: span
                .parse::<u64>()
                .ok()
                .filter(|span| *span != 0)
                .map(|span| format!("{span:016x}")),
            sampled: options == "o=1",
        })
    }

    /// The fields as JSON, starting with a comma.
    fn fields(&self, project: &str) -> String {
        let Self { id, span, sampled } = self;
        let trace = serde_json::Value::from(format!("projects/{project}/traces/{id}"));
        let span = span
            .as_ref()
            .map(|span| format!(r#","logging.googleapis.com/spanId":"{span}""#))
            .unwrap_or_default();
        format!(
            r#","logging.googleapis.com/trace":{trace}{span},"logging.googleapis.com/trace_sampled":{sampled}"#
        )
    }
}

fn hex(text: &str, length: usize) -> Option<&str> {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == length && text.bytes().all(lower)).then_some(text)
}

fn identifier(text: &str, length: usize) -> Option<&str> {
    hex(text, length).filter(|text| text.bytes().any(|byte| byte != b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(name: &'static str, value: &str) -> Option<Trace> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Trace::from_headers(&headers)
    }

    fn trace(span: Option<&str>, sampled: bool) -> Trace {
        Trace {
            id: ID.to_owned(),
            span: span.map(str::to_owned),
            sampled,
        }
    }

    #[test]
    fn both_headers_name_a_trace() {
        let w3c = format!("00-{ID}-00f067aa0ba902b7-01");
        assert_eq!(
            of("traceparent", &w3c),
            Some(trace(Some("00f067aa0ba902b7"), true))
        );
        let later = format!("cc-{ID}-00f067aa0ba902b7-00-more");
        assert_eq!(
            of("traceparent", &later),
            Some(trace(Some("00f067aa0ba902b7"), false))
        );
        let google = format!("{ID}/4660;o=1");
        assert_eq!(
            of(CLOUD_TRACE_CONTEXT, &google),
            Some(trace(Some("0000000000001234"), true))
        );
        assert_eq!(of(CLOUD_TRACE_CONTEXT, ID), Some(trace(None, false)));
    }

    #[test]
    fn invalid_headers_are_ignored() {
        for text in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473\"-00f067aa0ba902b7-01",
        ] {
            assert_eq!(of("traceparent", text), None, "{text}");
        }
        assert_eq!(of(CLOUD_TRACE_CONTEXT, "1/2;o=1"), None);
    }
}

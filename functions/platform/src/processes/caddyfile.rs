//! The proxy in front of the processes, in Caddy's words.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{LOOPBACK, PAGES};
use crate::manifest::Manifest;

/// Answered in place of a process that can't be reached; clients find the `code` that they know.
pub const UNREACHABLE: &str = r#"`{"type":"https://docs.revalenz.example/problems/unavailable","title":"Unavailable","status":503,"code":"unavailable","detail":"Try again soon.","instance":"/","request_id":"{http.request.uuid}"}`"#;

/// A route for each function: `to` says where its requests go.
pub fn routes(
    manifest: &Manifest,
    to: impl Fn(&str) -> Result<String, String>,
) -> Result<String, String> {
    let mut routes = String::new();
    for function in &manifest.functions {
        let paths: Vec<String> = function
            .prefixes
            .iter()
            .flat_map(|prefix| [prefix.clone(), format!("{prefix}/*")])
            .chain(function.root_paths.iter().cloned())
            .collect();
        // Writing into a String cannot fail.
        _ = write!(
            routes,
            "\t@{name} path {paths}\n\thandle @{name} {{\n\t\t{to}\n\t}}\n",
            name = function.name,
            paths = paths.join(" "),
            to = to(function.name)?,
        );
    }
    Ok(routes)
}

/// The configuration. The proxy writes `X-Forwarded-For` anew, whatever a client sent: one proxy to trust. What only the
/// platform itself calls has no route, and so ends at the pages, which don't have it either.
pub fn text(
    manifest: &Manifest,
    address: &str,
    port: u16,
    ports: &BTreeMap<&'static str, u16>,
) -> Result<String, String> {
    let to = |name: &str| {
        let port = ports.get(name).ok_or(format!("{name} has no port"))?;
        // A function ends a connection that was idle for ten seconds; the proxy has to be the first.
        Ok::<_, String>(format!(
            "reverse_proxy {LOOPBACK}:{port} {{\n\t\t\ttransport http {{\n\t\t\t\tkeepalive 5s\n\t\t\t}}\n\t\t}}"
        ))
    };
    let routes = routes(manifest, to)?;
    let pages = to(PAGES)?;
    Ok(format!(
        "# Generated at every start from the manifest.
{{
	admin off
	auto_https off
	log {{
		output stderr
		format console
		level WARN
	}}
}}

http://:{port} {{
	bind {address}
	header -Server
{routes}	handle /metrics {{
		rewrite * /internal/metrics
		{pages}
	}}
	handle {{
		{pages}
	}}
	handle_errors {{
		header Content-Type application/problem+json
		header Retry-After 1
		respond {UNREACHABLE} 503
	}}
}}
"
    ))
}

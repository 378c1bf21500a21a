//! Generates the Caddyfile of the proxy in front of the processes.

use std::{collections::BTreeMap, fmt::Write as _};

use super::LOOPBACK;
use crate::{functions::PAGES, manifest::Manifest};

/// Problem document that the proxy returns when a process is unreachable.
pub const UNREACHABLE: &str = r#"`{"type":"/problems/unavailable","title":"Service unavailable","status":503,"code":"unavailable","detail":"The service is temporarily unavailable. Try again in a moment.","instance":"/","request_id":"{http.request.uuid}"}`"#;

/// Returns a route for each function; `to` returns the handler for a function.
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

/// Returns the configuration. Caddy overwrites `X-Forwarded-For`, so processes trust exactly one proxy. Internal endpoints have
/// no route: they fall through to the pages, which answer 404.
pub fn text(
    manifest: &Manifest,
    address: &str,
    port: u16,
    ports: &BTreeMap<&'static str, u16>,
) -> Result<String, String> {
    let to = |name: &str| {
        let port = ports.get(name).ok_or(format!("{name} has no port"))?;
        // A function closes connections that are idle for ten seconds; the proxy has to close them first.
        Ok::<_, String>(format!(
            "reverse_proxy {LOOPBACK}:{port} {{\n\t\t\ttransport http {{\n\t\t\t\tkeepalive 5s\n\t\t\t}}\n\t\t}}"
        ))
    };
    let routes = routes(manifest, to)?;
    let pages = to(PAGES)?;
    Ok(format!(
        "# Generated from the manifest at every start.
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

//! The proxy in front of the containers, in Caddy's words.

use super::{LINGER, PORT};
use crate::{
    manifest::Manifest,
    processes::{
        PAGES,
        caddyfile::{self, UNREACHABLE},
    },
};

/// The configuration. Certificates come by themselves for the host of `REVALENZ_HOST`; for a trial without one
/// `REVALENZ_CADDY_OPTIONS` is `local_certs`.
///
/// A name may stand for several containers. The dialer tries all of their addresses, so that one which is gone costs nothing:
/// a request that the proxy itself had to try again would have lost its body by then. Connections rest for less time than an
/// instance lingers and than it keeps an idle one ([`LINGER`]), so none of them breaks under a request. What only the platform
/// itself calls, and what it measures, is answered as if it did not exist.
pub fn text(manifest: &Manifest) -> String {
    let to = |name: &str| {
        format!(
            "reverse_proxy {name}:{PORT} {{
			lb_try_duration 5s
			lb_try_interval 50ms
			transport http {{
				keepalive {REST}s
				dial_timeout 2s
			}}
		}}"
        )
    };
    let routes = caddyfile::routes(manifest, |name| Ok(to(name))).unwrap_or_default();
    let pages = to(PAGES);
    format!(
        "# Generated: make prepare renews it.
{{
	admin off
	email {{$REVALENZ_OPERATOR}}
	{{$REVALENZ_CADDY_OPTIONS}}
	servers {{
		timeouts {{
			read_header 10s
			idle 2m
		}}
	}}
	log {{
		output stderr
		format json
		level WARN
	}}
}}

{{$REVALENZ_HOST}} {{
	header -Server
	header Strict-Transport-Security \"max-age=31536000\"
	@inside path /internal /internal/* /metrics /dev /dev/* /readyz /healthz
	handle @inside {{
		header Content-Type application/problem+json
		respond {NOT_FOUND} 404
	}}
{routes}	handle {{
		{pages}
	}}
	handle_errors {{
		header Content-Type application/problem+json
		header Retry-After 1
		respond {UNREACHABLE} 503
	}}
}}
"
    )
}

/// Seconds for which a connection to a function is kept without a request.
const REST: u16 = LINGER - 1;

/// As every function answers a path that it does not know.
const NOT_FOUND: &str = r#"`{"type":"https://docs.revalenz.example/problems/not_found","title":"Not found","status":404,"code":"not_found","detail":"There is nothing here.","instance":"/","request_id":"{http.request.uuid}"}`"#;

//! The proxy in front of the containers, in Caddy's words.

use super::PORT;
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
/// A name may stand for several containers: each is asked for anew, and one that refuses the connection is passed over for the
/// next. Nothing was sent then, so that is safe for every method; the policy must not prefer whoever has the fewest
/// connections, which is the one that is gone. What only the platform itself
/// calls, and what it measures, is answered as if it did not exist.
pub fn text(manifest: &Manifest) -> String {
    let to = |name: &str| {
        format!(
            "reverse_proxy {{
			dynamic a {{
				name {name}
				port {PORT}
				refresh 1s
			}}
			lb_policy round_robin
			lb_try_duration 5s
			lb_try_interval 20ms
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

/// As every function answers a path that it does not know.
const NOT_FOUND: &str = r#"`{"type":"https://docs.revalenz.example/problems/not_found","title":"Not found","status":404,"code":"not_found","detail":"There is nothing here.","instance":"/","request_id":"{http.request.uuid}"}`"#;

//! What Prometheus reads, and by which rules it raises an alarm.

use serde_json::{Value, json};

use super::PORT;
use crate::manifest::Manifest;

/// `infra/observability/prometheus.yml`. A name may stand for several containers, so the resolver is asked for all of them.
pub fn text(manifest: &Manifest) -> String {
    let functions = manifest.functions.iter().map(|function| {
        json!({
            "job_name": function.name,
            "dns_sd_configs": [{"names": [function.name], "type": "A", "port": PORT, "refresh_interval": "10s"}],
        })
    });
    let scrape: Vec<Value> = functions
        .chain([json!({
            "job_name": "rabbitmq",
            "static_configs": [{"targets": ["rabbitmq:15692"]}],
        })])
        .collect();
    // JSON is YAML, and needs no second library.
    let whole = json!({
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": ["rules/*.yml"],
        "scrape_configs": scrape,
    });
    format!("# Generated: make prepare renews it.\n{whole:#}\n")
}

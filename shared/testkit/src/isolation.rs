//! The tenant isolation test: calls every operation of the OpenAPI document as one tenant with another tenant's identifiers.
//!
//! It only uses the document, so new routes are covered automatically. For a new kind of identifier in a path, [`fill`] creates
//! a row with the example of the operation that creates one.

mod fill;
mod requests;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Client, TestResponse};

pub use fill::fill;
pub use snapshot::snapshot;

/// The data of a tenant: identifiers by the preceding path segment (`tickets` for `/tickets/{id}`), cursors of its lists, and
/// texts that occur nowhere else.
#[derive(Clone, Debug, Default)]
pub struct TenantFixture {
    /// Identifiers by segment.
    pub ids: BTreeMap<String, Vec<String>>,
    /// Cursors of the tenant's lists.
    pub cursors: Vec<String>,
    /// Texts that only occur in this tenant's rows.
    pub secrets: Vec<String>,
}

/// The result of a probe.
#[derive(Debug, Default)]
pub struct Report {
    /// Number of requests.
    pub calls: usize,
    /// Number of responses by status.
    pub statuses: BTreeMap<u16, usize>,
    /// Violations.
    pub findings: Vec<String>,
    /// Called operations.
    pub operations: BTreeSet<String>,
}

/// Probes all operations of a document.
#[derive(Debug)]
pub struct IsolationProbe<'a> {
    /// The served document.
    pub document: &'a Value,
    /// `METHOD path` of skipped operations, each with its reason beside it.
    pub skip: &'a [&'a str],
    /// The tenant whose data must not be visible.
    pub victim: &'a TenantFixture,
    /// The tenant whose credentials are used.
    pub attacker: &'a TenantFixture,
}

impl IsolationProbe<'_> {
    /// Probes all operations as this caller, named `name` in findings.
    pub async fn run(&self, name: &str, client: &Client, report: &mut Report) {
        for operation in requests::operations(self.document) {
            let title = operation.title();
            if self.skip.contains(&title.as_str()) {
                continue;
            }
            for attack in requests::attacks(&operation, self.document, self.victim, self.attacker) {
                let answer = attack.send(client).await;
                self.check(
                    &format!("{name}: {title} ({})", attack.what),
                    &attack.sent,
                    &answer,
                    report,
                );
                if let Some(twin) = attack.twin() {
                    let expected = twin.send(client).await;
                    report.calls += 1;
                    if attack.without_ids(&answer) != twin.without_ids(&expected) {
                        report.findings.push(format!(
                            "{name}: {title}: responses for a foreign and a missing row differ: {} {} / {} {}",
                            answer.status,
                            answer.text(),
                            expected.status,
                            expected.text()
                        ));
                    }
                }
            }
            report.operations.insert(title);
        }
    }

    fn check(&self, what: &str, sent: &[String], answer: &TestResponse, report: &mut Report) {
        report.calls += 1;
        let status = answer.status.as_u16();
        *report.statuses.entry(status).or_default() += 1;
        let content = format!("{} {:?}", answer.text(), answer.headers);
        if status >= 500 {
            report.findings.push(format!("{what}: {status} {content}"));
        }
        if status == 429 {
            report
                .findings
                .push(format!("{what}: hidden behind a rate limit"));
        }
        for secret in &self.victim.secrets {
            // A search text may be repeated in an error, never in a result.
            let echoed =
                !answer.status.is_success() && sent.iter().any(|text| text.contains(secret));
            if content.contains(secret) && !echoed {
                report.findings.push(format!(
                    "{what}: {status} reveals the text {secret}: {content}"
                ));
            }
        }
        for id in self.victim.ids.values().flatten() {
            let echoed = !answer.status.is_success() && sent.iter().any(|text| text.contains(id));
            if content.contains(id) && !echoed {
                report
                    .findings
                    .push(format!("{what}: {status} reveals the id {id}: {content}"));
            }
        }
    }
}

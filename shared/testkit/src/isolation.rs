//! The isolation walk: every operation of the served document, called by one tenant with another tenant's identifiers.
//!
//! It knows nothing of the operations but what the document says, so a new route is walked without anybody thinking of
//! it; a new kind of identifier in a path makes it fail until the victim is given one.

mod requests;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Client, TestResponse};

pub use snapshot::snapshot;

/// What a tenant has: identifiers by the path segment in front of them (`tickets` for `/tickets/{id}`), cursors of its
/// lists, and texts that stand nowhere else.
#[derive(Clone, Debug, Default)]
pub struct TenantFixture {
    /// Identifiers by segment.
    pub ids: BTreeMap<&'static str, Vec<String>>,
    /// Cursors that the tenant's own lists gave out.
    pub cursors: Vec<String>,
    /// Localized that only this tenant's rows hold.
    pub secrets: Vec<String>,
}

/// What the walk saw.
#[derive(Debug, Default)]
pub struct Report {
    /// How many requests were sent.
    pub calls: usize,
    /// How many answers had which status.
    pub statuses: BTreeMap<u16, usize>,
    /// Everything that should not have been.
    pub findings: Vec<String>,
    /// Operations that were called.
    pub operations: BTreeSet<String>,
}

/// A walk over a document.
#[derive(Debug)]
pub struct IsolationProbe<'a> {
    /// The served document.
    pub document: &'a Value,
    /// `method path` of operations that are left out, each for a reason that stands beside it.
    pub skip: &'a [&'a str],
    /// Whose rows must not be seen.
    pub victim: &'a TenantFixture,
    /// Whose credential is used.
    pub attacker: &'a TenantFixture,
}

impl IsolationProbe<'_> {
    /// Walks once as this caller, who is called `name` in findings.
    pub async fn run(&self, name: &str, client: &Client, report: &mut Report) {
        for operation in requests::operations(self.document) {
            let title = format!("{} {}", operation.method, operation.path);
            if self.skip.contains(&title.as_str()) {
                continue;
            }
            for attack in requests::attacks(&operation, self.document, self.victim, self.attacker) {
                let answer = attack.send(client).await;
                self.judge(
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
                            "{name}: {title}: a foreign row and a missing one differ: {} {} / {} {}",
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

    fn judge(&self, what: &str, sent: &[String], answer: &TestResponse, report: &mut Report) {
        report.calls += 1;
        let status = answer.status.as_u16();
        *report.statuses.entry(status).or_default() += 1;
        let told = format!("{} {:?}", answer.text(), answer.headers);
        if status >= 500 {
            report.findings.push(format!("{what}: {status} {told}"));
        }
        if status == 429 {
            report
                .findings
                .push(format!("{what}: hidden behind a rate limit"));
        }
        for secret in &self.victim.secrets {
            // A search text may be repeated in a refusal, never in a result.
            let echoed =
                !answer.status.is_success() && sent.iter().any(|text| text.contains(secret));
            if told.contains(secret) && !echoed {
                report
                    .findings
                    .push(format!("{what}: {status} tells the text {secret}: {told}"));
            }
        }
        for id in self.victim.ids.values().flatten() {
            let echoed = !answer.status.is_success() && sent.iter().any(|text| text.contains(id));
            if told.contains(id) && !echoed {
                report
                    .findings
                    .push(format!("{what}: {status} tells the id {id}: {told}"));
            }
        }
    }
}

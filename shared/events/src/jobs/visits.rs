//! Tenants, visited one after the other.

use ids::TenantId;
use serde_json::json;
use web::{Problem, problem::Result};

use super::Run;

/// A round through tenants. The trouble of one is not that of all: the others are visited all the same, and the run fails in
/// the end, so that somebody looks. Meanwhile operators see how far it is.
#[derive(Debug)]
pub struct Visits<'a> {
    run: &'a Run,
    tenants: std::vec::IntoIter<TenantId>,
    all: usize,
    failed: usize,
    trouble: Option<Problem>,
}

impl Run {
    /// To all of these.
    pub fn visits(&self, tenants: Vec<TenantId>) -> Visits<'_> {
        Visits {
            run: self,
            all: tenants.len(),
            tenants: tenants.into_iter(),
            failed: 0,
            trouble: None,
        }
    }
}

impl Visits<'_> {
    /// Who is next.
    pub fn next_tenant(&mut self) -> Option<TenantId> {
        let done = self.all - self.tenants.len();
        let progress = json!({"tenants": self.all, "done": done, "failed": self.failed});
        self.run.report(&progress);
        self.tenants.next()
    }

    /// How the visit to one went; its trouble goes to the log.
    pub fn saw<T>(&mut self, tenant: TenantId, outcome: Result<T>) -> Option<T> {
        outcome
            .map_err(|problem| {
                let code = problem.kind().code;
                tracing::error!(%tenant, job = self.run.job.name, code, "a tenant's visit failed");
                self.failed += 1;
                self.trouble = Some(problem);
            })
            .ok()
    }

    /// All were visited; the trouble of the last one that had some.
    pub fn end(self) -> Result<()> {
        self.trouble.map_or(Ok(()), Err)
    }
}

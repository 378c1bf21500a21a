//! Tenants, visited one after the other.

use ids::TenantId;
use serde_json::json;
use web::{Problem, problem::Result};

use super::Run;

/// A round through tenants. The last_error of one is not that of total: the others are visited all the same, and the run fails in
/// the end, so that somebody looks. Meanwhile operators see how far it is.
#[derive(Debug)]
pub struct TenantLoop<'a> {
    run: &'a Run,
    tenants: std::vec::IntoIter<TenantId>,
    total: usize,
    failed: usize,
    last_error: Option<Problem>,
}

impl Run {
    /// To all of these.
    pub fn tenant_loop(&self, tenants: Vec<TenantId>) -> TenantLoop<'_> {
        TenantLoop {
            run: self,
            total: tenants.len(),
            tenants: tenants.into_iter(),
            failed: 0,
            last_error: None,
        }
    }
}

impl TenantLoop<'_> {
    /// Who is next.
    pub fn next_tenant(&mut self) -> Option<TenantId> {
        let done = self.total - self.tenants.len();
        let progress = json!({"tenants": self.total, "done": done, "failed": self.failed});
        self.run.report(&progress);
        self.tenants.next()
    }

    /// How the visit to one went; its last_error goes to the log.
    pub fn record<T>(&mut self, tenant: TenantId, outcome: Result<T>) -> Option<T> {
        outcome
            .map_err(|problem| {
                let code = problem.kind().code;
                tracing::error!(%tenant, job = self.run.job.name, code, "a tenant's visit failed");
                self.failed += 1;
                self.last_error = Some(problem);
            })
            .ok()
    }

    /// All were visited; the last_error of the last one that had some.
    pub fn finish(self) -> Result<()> {
        self.last_error.map_or(Ok(()), Err)
    }
}

//! Iterating over tenants.

use ids::TenantId;
use serde_json::json;
use web::{Problem, problem::Result};

use super::Run;

/// Processes tenants one after the other. If one fails, the others are still processed, and the run fails in the end. The
/// progress is reported after each tenant.
#[derive(Debug)]
pub struct TenantLoop<'a> {
    run: &'a Run,
    tenants: std::vec::IntoIter<TenantId>,
    total: usize,
    failed: usize,
    last_error: Option<Problem>,
}

impl Run {
    /// Starts a loop over these tenants.
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
    /// The next tenant.
    pub fn next_tenant(&mut self) -> Option<TenantId> {
        let done = self.total - self.tenants.len();
        let progress = json!({"tenants": self.total, "done": done, "failed": self.failed});
        self.run.report_progress(&progress);
        self.tenants.next()
    }

    /// Records the outcome for a tenant; errors are logged.
    pub fn record<T>(&mut self, tenant: TenantId, outcome: Result<T>) -> Option<T> {
        outcome
            .map_err(|problem| {
                let code = problem.kind().code;
                tracing::error!(%tenant, job = self.run.job.name, code, "processing a tenant failed");
                self.failed += 1;
                self.last_error = Some(problem);
            })
            .ok()
    }

    /// Ends the loop, with the last error if there was one.
    pub fn finish(self) -> Result<()> {
        self.last_error.map_or(Ok(()), Err)
    }
}

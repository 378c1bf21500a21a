//! A unit of work: one transaction with everything that a change needs.

use std::ops::{Deref, DerefMut};

use access::{AppState, Caller, Permission, audit};
use db::{Actor, Db, TenantTx};
use http::Method;
use ids::{EventId, TenantId};
use web::{Problem, RequestInfo};

use crate::{Event, outbox};

/// What a unit of work needs of a context's state.
pub trait Backend: Sync {
    /// The context's database.
    fn db(&self) -> &Db;
    /// The state shared by all contexts.
    fn state(&self) -> &AppState;
}

/// A transaction of one tenant and one actor, with the time, the request and the stated reason. Store functions take it as a
/// [`TenantTx`]; through it handlers publish events and write audit entries, which are committed together with the change.
///
/// A handler that answers with success although it dropped its unit without [`commit`](Self::commit) or
/// [`rollback`](Self::rollback) has lost a write: the response becomes `500`. So does a change under an audited permission
/// without an audit entry.
#[derive(Debug)]
#[must_use = "without commit, the change is lost"]
pub struct UnitOfWork {
    /// `None` once it is finished.
    tx: Option<TenantTx>,
    request: RequestInfo,
    reason: Option<String>,
    is_audited: bool,
    audit: AuditDuty,
    on_drop: OnDrop,
}

/// Whether a commit needs an audit entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AuditDuty {
    None,
    /// The action that the permission allows: `identity.role.update`.
    Required(&'static str),
}

/// What a drop without commit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnDrop {
    /// A handler forgot the commit, unless it answers with an error.
    FailRequest,
    /// One step of many failed, as in a job.
    RollBack,
}

impl UnitOfWork {
    /// Begins for the caller of a request. Read-only for safe methods (RFC 9110, 9.2.1).
    pub async fn begin<P: Permission>(
        app: &impl Backend,
        caller: &Caller<P>,
    ) -> Result<Self, Problem> {
        let now = app.state().clock().now();
        let (tenant, actor) = (caller.tenant.id, caller.actor);
        if is_safe(caller.request().method()) {
            let tx = app.db().begin_read_only(tenant, actor, now).await?;
            return Ok(Self::for_caller(tx, caller, OnDrop::RollBack));
        }
        let tx = app.db().begin(tenant, actor, now).await?;
        Ok(Self::for_caller(tx, caller, OnDrop::FailRequest))
    }

    /// Like [`begin`](Self::begin), but writable for safe methods too: for reads that are recorded in the audit log.
    pub async fn begin_read_write<P: Permission>(
        app: &impl Backend,
        caller: &Caller<P>,
    ) -> Result<Self, Problem> {
        Self::begin_in(app, caller, caller.tenant.id, caller.actor).await
    }

    /// Begins in another tenant for a caller who may act there: platform staff.
    pub async fn begin_in<P: Permission>(
        app: &impl Backend,
        caller: &Caller<P>,
        tenant: TenantId,
        actor: Actor,
    ) -> Result<Self, Problem> {
        let now = app.state().clock().now();
        let tx = app.db().begin(tenant, actor, now).await?;
        Ok(Self::for_caller(tx, caller, OnDrop::FailRequest))
    }

    /// Begins for a request whose sender has not proved an account yet, such as a sign-in.
    pub async fn begin_anonymous(
        app: &impl Backend,
        request: &RequestInfo,
        tenant: TenantId,
        actor: Actor,
    ) -> Result<Self, Problem> {
        let now = app.state().clock().now();
        let tx = app.db().begin(tenant, actor, now).await?;
        Ok(Self::new(tx, request.clone(), OnDrop::FailRequest))
    }

    /// Begins one step of a job, as the system.
    pub async fn begin_step(
        app: &impl Backend,
        request: &RequestInfo,
        tenant: TenantId,
    ) -> Result<Self, Problem> {
        let now = app.state().clock().now();
        let tx = app.db().begin(tenant, Actor::SYSTEM, now).await?;
        Ok(Self::new(tx, request.clone(), OnDrop::RollBack))
    }

    /// Goes on with a transaction that was begun elsewhere, such as that of an event's consumer.
    pub fn from_transaction(tx: TenantTx, request: &RequestInfo) -> Self {
        Self::new(tx, request.clone(), OnDrop::RollBack)
    }

    fn new(tx: TenantTx, request: RequestInfo, on_drop: OnDrop) -> Self {
        Self {
            tx: Some(tx),
            request,
            reason: None,
            is_audited: false,
            audit: AuditDuty::None,
            on_drop,
        }
    }

    fn for_caller<P: Permission>(tx: TenantTx, caller: &Caller<P>, on_drop: OnDrop) -> Self {
        let mut unit = Self::new(tx, caller.request().clone(), on_drop);
        unit.reason.clone_from(&caller.reason);
        if let Some(name) = P::NAME
            && P::AUDITED
            && !is_safe(caller.request().method())
        {
            unit.audit = AuditDuty::Required(name);
        }
        unit
    }

    /// The request that causes the change.
    pub fn request(&self) -> &RequestInfo {
        &self.request
    }

    /// Why platform staff acts in this tenant.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Sets the reason, where the body of a request states it.
    pub fn with_reason(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// Publishes an event with the version that its subject has now; consumers recognise outdated events by it.
    pub async fn publish<E: Event>(
        &mut self,
        version: impl Into<i64>,
        event: E,
    ) -> db::Result<EventId> {
        self.publish_with(version, event, None).await
    }

    /// Like [`publish`](Self::publish), with a secret that the caller has encrypted, such as a one-time link. It is blanked
    /// after delivery.
    pub async fn publish_sealed<E: Event>(
        &mut self,
        version: impl Into<i64>,
        event: E,
        sealed: Vec<u8>,
    ) -> db::Result<EventId> {
        self.publish_with(version, event, Some(sealed)).await
    }

    async fn publish_with<E: Event>(
        &mut self,
        version: impl Into<i64>,
        event: E,
        sealed: Option<Vec<u8>>,
    ) -> db::Result<EventId> {
        let request = self.request.clone();
        outbox::insert_event(self, &request, version.into(), &event, sealed).await
    }

    /// Writes an entry of the audit log.
    pub async fn audit(&mut self, entry: audit::Entry) -> db::Result<()> {
        self.audit_all(vec![entry]).await
    }

    /// Writes many entries of the audit log, such as those of an import.
    pub async fn audit_all(&mut self, entries: Vec<audit::Entry>) -> db::Result<()> {
        self.is_audited = true;
        let now = self.now();
        let (request, reason) = (self.request.clone(), self.reason.clone());
        audit::record_all(self, &request, now, reason.as_deref(), entries).await
    }

    /// Commits the change.
    pub async fn commit(mut self) -> Result<(), Problem> {
        if let AuditDuty::Required(permission) = self.audit
            && !self.is_audited
        {
            return Err(Problem::internal(format!(
                "a change under {permission} has no audit entry"
            )));
        }
        self.finish().await
    }

    /// Commits where nothing changed that the audit log records, such as an update to the same values.
    pub async fn commit_unchanged(mut self) -> Result<(), Problem> {
        self.finish().await
    }

    /// Discards the change: a dry run, or a check before other work.
    pub fn rollback(mut self) {
        self.on_drop = OnDrop::RollBack;
        self.tx = None;
    }

    /// The transaction of a consumer, whose endpoint commits it.
    #[expect(
        clippy::expect_used,
        reason = "finished only by the methods that consume it"
    )]
    pub(crate) fn into_transaction(mut self) -> TenantTx {
        self.tx.take().expect("an unfinished unit of work")
    }

    async fn finish(&mut self) -> Result<(), Problem> {
        if let Some(tx) = self.tx.take() {
            tx.commit().await?;
        }
        Ok(())
    }
}

impl Deref for UnitOfWork {
    type Target = TenantTx;

    #[expect(
        clippy::expect_used,
        reason = "finished only by the methods that consume it"
    )]
    fn deref(&self) -> &TenantTx {
        self.tx.as_ref().expect("an unfinished unit of work")
    }
}

impl DerefMut for UnitOfWork {
    #[expect(
        clippy::expect_used,
        reason = "finished only by the methods that consume it"
    )]
    fn deref_mut(&mut self) -> &mut TenantTx {
        self.tx.as_mut().expect("an unfinished unit of work")
    }
}

impl Drop for UnitOfWork {
    fn drop(&mut self) {
        if self.tx.is_some() && self.on_drop == OnDrop::FailRequest {
            self.request.mark_write_lost();
        }
    }
}

/// Methods that change nothing (RFC 9110, 9.2.1).
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

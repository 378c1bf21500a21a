//! Handlers, one file for a resource or a flow, sorted into families: `sign_in` (password, passkey, second step), `factors`
//! (second factors and reauthentication), `links` (emailed links), `external` (sign-in with identity providers), `account` (the
//! own account), `people` (accounts of others), `roles`, and `sessions` (tokens, cookies, devices). `tenant` finds the tenant of
//! a caller who is not signed in yet.

pub(crate) mod account;
pub(crate) mod current_user;
pub(crate) mod external;
pub(crate) mod factors;
mod fields;
pub(crate) mod links;
pub(crate) mod people;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod tenant;

use db::{Actor, TenantTx};
use ids::TenantId;

use crate::App;

impl App {
    /// Begins a transaction that only reads, for checks before a change and for the own account.
    async fn begin_read_only(&self, tenant: TenantId, actor: Actor) -> db::Result<TenantTx> {
        let now = self.state.clock().now();
        self.db.begin_read_only(tenant, actor, now).await
    }
}

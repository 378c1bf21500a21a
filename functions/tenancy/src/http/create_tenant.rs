//! Founding a tenant: its rows, its roles, its first admin's invitation, in one transaction or not at all.

use access::{Attempt, Caller, Idempotent};
use axum::{extract::State, response::Response};
use db::Actor;
use ids::UserId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Created, Email, Line, Slug, TimeZone,
    body::Int,
    fields::Locale,
    openapi::BASE,
    problem::{self, Result},
    reply::Versioned,
};

use super::{founding, tenants::Tenant};
use crate::{
    App,
    domain::{
        currency::Currency,
        flags::FlagChoices,
        founding::{FirstStatus, TenantSlug},
        host_name::HostName,
        license::LicenseType,
    },
    error,
    permissions::TenantCreate,
};

web::body! {
    /// A tenant to found.
    pub struct CreateTenant {
        /// Its short name, with which its people sign in. It stays.
        pub slug: TenantSlug,
        /// Its name.
        pub name: Line<1, 200>,
        /// How to reach it.
        pub email: Email,
        /// Where its own frontend is.
        pub domain: Option<HostName>,
        /// The language of everybody who chose none; `de` unless named.
        pub locale: Option<Locale>,
        /// Its IANA time zone; `Europe/Berlin` unless named.
        pub time_zone: Option<TimeZone>,
        /// The currency in which it reckons; `EUR` unless named.
        pub currency: Option<Currency>,
        /// Where its data lie; `eu` unless named.
        pub region: Option<Slug>,
        /// The plan of its licence; `standard` unless named.
        pub license_type: Option<LicenseType>,
        /// How many people its licence seats; 25 unless named.
        pub max_users: Option<Int<1, 1_000_000>>,
        /// Where it begins; `active` unless named.
        pub status: Option<FirstStatus>,
        /// Features to switch on or off at once; `support` and `files` are on unless named.
        pub features: FlagChoices,
        /// Who is invited as its first admin.
        pub admin: CreateTenantAdmin,
    }
    example {
        "slug": "muster-gmbh", "name": "Muster GmbH", "email": "office@muster.example",
        "admin": { "email": "maria@muster.example", "given_name": "Maria", "family_name": "Muster" }
    }
}

web::body! {
    /// The first admin of a new tenant.
    pub struct CreateTenantAdmin {
        /// Where the invitation goes.
        pub email: Email,
        /// Given name.
        pub given_name: Line<1, 100>,
        /// Family name.
        pub family_name: Line<1, 100>,
        /// The admin's language; the tenant's unless named.
        pub locale: Option<Locale>,
    }
}

/// A tenant that was just founded.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundedTenant {
    /// The tenant.
    #[serde(flatten)]
    pub tenant: Tenant,
    /// Its first admin.
    pub admin: InvitedAdmin,
}

/// Somebody who has been sent an invitation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InvitedAdmin {
    /// The user's identifier.
    pub id: UserId,
    /// Where the invitation goes.
    pub email: String,
    /// `invited` until it is accepted.
    pub status: String,
}

impl Versioned for FoundedTenant {
    fn version(&self) -> i32 {
        self.tenant.version
    }
}

/// Founds a tenant with its roles, settings, flags and licence, and invites its first admin: all of it or nothing.
#[utoipa::path(post, path = "/tenants", responses((status = 201, description = "The tenant, and who was invited.", body = FoundedTenant)))]
#[expect(
    clippy::disallowed_methods,
    reason = "the record of the request lies in the caller's tenant, the rest in the new one: both or neither"
)]
pub async fn create_tenant(
    State(app): State<App>,
    caller: Caller<TenantCreate>,
    body: Idempotent<CreateTenant>,
) -> Result<Response> {
    let now = app.gate.clock().now();
    // Whatever a key's scopes say: only a person founds tenants.
    let staff = caller
        .user
        .filter(|_| caller.is_superadmin())
        .ok_or_else(|| {
            problem::FORBIDDEN
                .problem()
                .argument("permission", "tenancy.tenant.create")
        })?;
    let (mut tx, body, pending) = match body.begin(&caller, &app.db, now).await? {
        Attempt::First(tx, body, pending) => (tx, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let home = (tx.tenant(), tx.actor());
    let features = body.features.clone();
    let (row, admin) = founding::rows(body, now);
    tx.turn_to(row.id, Actor::superadmin(staff)).await?;
    founding::found(&mut tx, &row, &features)
        .await
        .map_err(|error| error::of_founding(error, &row.slug))?;
    founding::invite(&app, &mut tx, caller.request(), &row, &admin, now).await?;
    founding::announce(&mut tx, caller.request(), &row).await?;
    founding::record(&mut tx, &caller, &row).await?;
    tx.turn_to(home.0, home.1).await?;
    founding::record(&mut tx, &caller, &row).await?;
    let founded = FoundedTenant {
        tenant: row.into(),
        admin: InvitedAdmin {
            id: admin.id,
            email: admin.email,
            status: "invited".to_owned(),
        },
    };
    let created = Created {
        location: format!("{BASE}/tenants/{}", founded.tenant.id),
        resource: founded,
    };
    pending.created(tx, created).await
}

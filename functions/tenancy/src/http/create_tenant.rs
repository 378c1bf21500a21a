//! Creates tenants: rows, roles and the first admin's invitation in one transaction.

use access::{Caller, TenantStatus};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::Actor;
use events::{Attempt, Idempotent};
use ids::{TenantId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Created, Email, SingleLine, Slug, TimeZone,
    body::Int,
    fields::Locale,
    openapi::BASE,
    problem::{self, Result},
    reply::Versioned,
};

use super::tenants::Tenant;
use crate::{
    App,
    declarations::DEFAULT_LOCALE,
    domain::{
        currency::Currency,
        flags::FlagChoices,
        host_name::HostName,
        license_type::LicenseType,
        provisioning::{FirstStatus, TenantSlug},
    },
    error,
    events::TenantCreated,
    permissions::TenantCreate,
    provisioning::{self, FirstAdmin},
    store::tenants::TenantRow,
};

web::body! {
    /// A tenant to create.
    pub struct CreateTenant {
        /// The short name with which users sign in. It cannot be changed later.
        pub slug: TenantSlug,
        /// The name of the organisation.
        pub name: SingleLine<1, 200>,
        /// The contact email address.
        pub email: Email,
        /// The host of the tenant's own frontend.
        pub domain: Option<HostName>,
        /// The default language. Defaults to `de`.
        pub locale: Option<Locale>,
        /// The IANA time zone. Defaults to `Europe/Berlin`.
        pub time_zone: Option<TimeZone>,
        /// The billing currency. Defaults to `EUR`.
        pub currency: Option<Currency>,
        /// The region in which data is stored. Defaults to `eu`.
        pub region: Option<Slug>,
        /// The plan of the licence. Defaults to `standard`.
        pub license_type: Option<LicenseType>,
        /// The number of seats. Defaults to 25.
        pub max_users: Option<Int<1, 1_000_000>>,
        /// The initial status. Defaults to `active`.
        pub status: Option<FirstStatus>,
        /// Features to switch on or off. By default `support` and `files` are on.
        pub features: FlagChoices,
        /// The first admin, who receives an invitation.
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
        /// The email address that the invitation is sent to.
        pub email: Email,
        /// The given name.
        pub given_name: SingleLine<1, 100>,
        /// The family name.
        pub family_name: SingleLine<1, 100>,
        /// The admin's language. Defaults to the tenant's.
        pub locale: Option<Locale>,
    }
}

impl CreateTenant {
    /// The rows to create.
    fn into_rows(self, now: DateTime<Utc>) -> (TenantRow, FirstAdmin) {
        let locale = self
            .locale
            .map_or_else(|| DEFAULT_LOCALE.to_owned(), |l| l.as_str().to_owned());
        let admin = FirstAdmin {
            id: UserId::at(now),
            email: self.admin.email.into_string(),
            given_name: self.admin.given_name.into_string(),
            family_name: self.admin.family_name.into_string(),
            locale: self
                .admin
                .locale
                .map_or_else(|| locale.clone(), |l| l.as_str().to_owned()),
        };
        let row = TenantRow {
            id: TenantId::at(now),
            slug: self.slug.as_str().to_owned(),
            name: self.name.into_string(),
            email: self.email.into_string(),
            domain: self.domain.map(|domain| domain.as_str().to_owned()),
            status: match self.status.unwrap_or(FirstStatus::Active) {
                FirstStatus::Trial => TenantStatus::Trial,
                FirstStatus::Active => TenantStatus::Active,
            },
            status_since: None,
            status_reason: None,
            closes_at: None,
            license_type: self.license_type.unwrap_or(LicenseType::Standard),
            max_users: self.max_users.map_or(25, Int::get),
            region: self
                .region
                .map_or_else(|| "eu".to_owned(), |r| r.as_str().to_owned()),
            locale,
            time_zone: self
                .time_zone
                .map_or_else(|| "Europe/Berlin".to_owned(), |z| z.as_str().to_owned()),
            currency: self
                .currency
                .unwrap_or_else(Currency::euro)
                .as_str()
                .to_owned(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        (row, admin)
    }
}

/// A new tenant and its first admin.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FoundedTenant)]
pub(crate) struct CreatedTenant {
    /// The tenant.
    #[serde(flatten)]
    pub(crate) tenant: Tenant,
    /// The first admin.
    pub(crate) admin: InvitedAdmin,
}

/// The invited first admin of a tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct InvitedAdmin {
    /// The ID of the user.
    pub(crate) id: UserId,
    /// The email address that the invitation is sent to.
    pub(crate) email: String,
    /// `invited` until the invitation is accepted.
    pub(crate) status: String,
}

impl Versioned for CreatedTenant {
    fn version(&self) -> i32 {
        self.tenant.version
    }
}

/// Create a tenant
///
/// Creates a tenant with its roles, settings, feature flags and licence, and invites its first admin. Either all of
/// this succeeds or nothing is created. Platform staff only.
#[utoipa::path(post, path = "/tenants", responses((status = 201, description = "The tenant and its invited admin.", body = CreatedTenant)))]
#[expect(
    clippy::disallowed_methods,
    reason = "the idempotency record belongs to the caller's tenant and the rest to the new one, in one transaction"
)]
pub(crate) async fn create_tenant(
    State(app): State<App>,
    caller: Caller<TenantCreate>,
    body: Idempotent<CreateTenant>,
) -> Result<Response> {
    // Only a person can create tenants, even if a key has the scope.
    let staff = caller
        .user
        .filter(|_| caller.is_superadmin())
        .ok_or_else(|| {
            problem::FORBIDDEN
                .problem()
                .argument("permission", "tenancy.tenant.create")
        })?;
    let (mut unit, body, pending) = match body.begin(&app, &caller).await? {
        Attempt::First(unit, body, pending) => (unit, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let features = body.features.clone();
    let (row, admin) = body.into_rows(unit.now());
    unit.switch_tenant(row.id, Actor::superadmin(staff)).await?;
    provisioning::provision_tenant(&mut unit, &row, &features)
        .await
        .map_err(|error| error::slug_taken(error, &row.slug))?;
    provisioning::invite_first_admin(&app, &mut unit, &row, &admin).await?;
    let event = TenantCreated { tenant_id: row.id };
    unit.publish(row.version, event).await?;
    unit.audit(provisioning::creation_entry(&row)).await?;
    unit.switch_tenant(caller.tenant.id, caller.actor).await?;
    unit.audit(provisioning::creation_entry(&row)).await?;
    let created_tenant = CreatedTenant {
        tenant: row.into(),
        admin: InvitedAdmin {
            id: admin.id,
            email: admin.email,
            status: "invited".to_owned(),
        },
    };
    let response = Created {
        location: format!("{BASE}/tenants/{}", created_tenant.tenant.id),
        resource: created_tenant,
    };
    pending.created(unit, response).await
}

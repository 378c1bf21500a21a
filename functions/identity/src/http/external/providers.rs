//! What a sign-in page should show.

use axum::{Json, extract::State};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Page, Problem, Slug, ValidQuery, problem::Result};

use crate::{App, domain::tenant_rules, http::tenant::find_tenant};

/// For whom.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// The organisation's slug; without it the page's or the host's domain tells.
    #[param(required = false, example = "demo")]
    tenant: Option<String>,
}

/// An issuer on whose word people can sign in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderView {
    /// For `GET /auth/oauth/{provider}`.
    #[schema(example = "google")]
    name: String,
    /// For people's eyes.
    #[schema(example = "Google")]
    label: String,
}

/// The slug of a query.
pub(super) fn slug(text: Option<&str>) -> Result<Option<Slug>> {
    text.map(Slug::parse)
        .transpose()
        .map_err(|code| Problem::field("/tenant", code))
}

/// List the providers by which people of an organisation can sign in.
///
/// An organisation that does not exist looks like one that takes them all.
#[utoipa::path(
    get,
    path = "/auth/providers",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = Page<ProviderView>, description = "All of them, on one page."))
)]
pub(crate) async fn list_providers(
    State(app): State<App>,
    headers: HeaderMap,
    ValidQuery(whose): ValidQuery<Whose>,
) -> Result<Json<Page<ProviderView>>> {
    let tenant = find_tenant(&app, &headers, slug(whose.tenant.as_deref())?.as_ref()).await?;
    let offered = |name: &str| {
        tenant
            .as_ref()
            .is_none_or(|tenant| tenant_rules::offers_provider(tenant, name))
    };
    let items = app
        .settings
        .providers
        .iter()
        .filter(|provider| offered(&provider.name))
        .map(|provider| ProviderView {
            name: provider.name.clone(),
            label: provider.label.clone(),
        })
        .collect();
    Ok(Json(Page {
        items,
        next_cursor: None,
        total: None,
    }))
}

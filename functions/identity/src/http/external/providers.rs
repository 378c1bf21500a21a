//! The providers that a sign-in page should offer.

use axum::{Json, extract::State};
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Page, Slug, ValidQuery, problem::Result};

use crate::{App, domain::tenant_rules, http::tenant::find_tenant};

web::query! {
    /// Query parameters.
    pub(crate) struct ListProviders {
        /// Slug of the organisation. If omitted, the domain of the page or host determines it.
        tenant: Option<Slug>,
    }
}

/// An OpenID Connect provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderView {
    /// Name, for `GET /auth/oauth/{provider}`.
    #[schema(example = "google")]
    name: String,
    /// Display name.
    #[schema(example = "Google")]
    label: String,
}

/// List sign-in providers
///
/// Returns the OpenID Connect providers that an organisation accepts. An unknown organisation looks like one that accepts all
/// of them.
#[utoipa::path(
    get,
    path = "/auth/providers",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = Page<ProviderView>, description = "All providers, on one page."))
)]
pub(crate) async fn list_providers(
    State(app): State<App>,
    headers: HeaderMap,
    ValidQuery(query): ValidQuery<ListProviders>,
) -> Result<Json<Page<ProviderView>>> {
    let tenant = find_tenant(&app, &headers, query.tenant.as_ref()).await?;
    let offered = |name: &str| {
        tenant
            .as_ref()
            .is_none_or(|tenant| tenant_rules::allows_provider(tenant, name))
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
    Ok(Json(Page::of(items, None)))
}

//! Receives the provider's response.

use std::sync::Arc;

use crate::ids::OauthFlow;
use access::opaque::Opaque;
use axum::{
    extract::{FromRequest, Request, State},
    response::Response,
};
use db::Actor;
use events::UnitOfWork;
use http::{HeaderMap, Method};
use url::Url;
use utoipa::openapi::{
    ObjectBuilder, Required,
    path::{ParameterBuilder, ParameterIn},
    schema::Type,
};
use web::{
    Problem, RequestInfo,
    openapi::{Arg, OperationDoc},
    problem::{self, Result},
};

use super::{
    apple_user::AppleUser,
    callback_url, find_provider,
    flow::{self, Flow},
    link_or_create,
    name::ProviderName,
    provider_problem, redirect,
};
use crate::{
    App,
    domain::tenant_rules,
    error::{PROVIDER_REFUSED, SIGN_IN_CANCELLED, SIGN_IN_EXPIRED},
    http::tenant::find_open_tenant,
    oidc::Provider,
    store::oauth_flows,
};

/// Maximum size in bytes of the form that the browser posts for the provider.
const MAX_FORM_BYTES: usize = 32 * 1024;

/// The provider's parameters, from the query or a form. A parameter given twice counts as missing.
#[derive(Debug, Default)]
pub(crate) struct CallbackParameters {
    state: String,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
    user: Option<String>,
}

impl CallbackParameters {
    fn parse(text: &[u8]) -> Self {
        let one = |wanted: &str| {
            let mut found = url::form_urlencoded::parse(text).filter(|(name, _)| name == wanted);
            let value = found.next().map(|(_, value)| value.into_owned());
            value.filter(|_| found.next().is_none())
        };
        Self {
            state: one("state").unwrap_or_default(),
            code: one("code"),
            error: one("error"),
            iss: one("iss"),
            user: one("user"),
        }
    }

    /// The name in the response.
    pub(super) fn apple_user(&self) -> AppleUser {
        let text = self.user.as_deref().unwrap_or("{}");
        serde_json::from_str(text).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequest<S> for CallbackParameters {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if request.method() != Method::POST {
            return Ok(Self::parse(
                request.uri().query().unwrap_or_default().as_bytes(),
            ));
        }
        let body = axum::body::to_bytes(request.into_body(), MAX_FORM_BYTES).await;
        body.map(|body| Self::parse(&body))
            .map_err(|_| problem::TOO_LARGE.problem())
    }
}

impl Arg for CallbackParameters {
    fn describe(doc: &mut OperationDoc) {
        for (name, what) in [
            ("state", "The `state` that was sent to the provider."),
            (
                "code",
                "The authorization code for the provider's token endpoint.",
            ),
            ("error", "Why the provider issued no code."),
        ] {
            doc.reads(
                ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Query)
                    .required(Required::False)
                    .description(Some(format!("{what} With `POST` it is a form field.")))
                    .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
                    .build(),
            );
        }
        doc.refuses(&problem::TOO_LARGE);
    }
}

/// Receive the response of a provider
///
/// The provider redirects the browser here, and the browser is redirected to the page that began the sign-in. Only the browser
/// that began the sign-in can complete it, once, within ten minutes.
#[utoipa::path(
    method(get, post),
    path = "/auth/oauth/{provider}/callback",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 303, description = "Redirect to the page, with `code` or `error`.", headers(
        ("Location" = String, description = "URL of the page."),
    )))
)]
pub(crate) async fn finish_sign_in(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    ProviderName(name): ProviderName,
    parameters: CallbackParameters,
) -> Result<Response> {
    // A browser that looks ahead must not use up the sign-in (RFC 9110, 9.2.1).
    if *request.method() == Method::HEAD {
        return Err(problem::METHOD_NOT_ALLOWED.problem());
    }
    let now = app.state.clock().now();
    let provider = find_provider(&app, &name)?;
    let (token, flow) = Flow::open(&app, &headers, &name, &parameters.state, now)?;
    let mut page = Url::parse(&flow.redirect_to).map_err(Problem::internal)?;
    let clear = flow::clear(&app, token.row, provider.form_post)?;
    match complete_flow(&app, &request, &provider, &token, &flow, &parameters).await {
        Ok(code) => {
            page.query_pairs_mut().append_pair("code", &code.to_text());
            redirect::see_other(&page, Some(clear))
        }
        Err(problem) => redirect::see_other_with_error(page, &problem, Some(clear)),
    }
}

async fn complete_flow(
    app: &App,
    request: &RequestInfo,
    provider: &Arc<Provider>,
    token: &Opaque<OauthFlow>,
    flow: &Flow,
    parameters: &CallbackParameters,
) -> Result<Opaque<OauthFlow>> {
    let tenant = find_open_tenant(app, token.tenant)
        .await?
        .filter(|tenant| tenant_rules::allows_provider(tenant, &provider.name))
        .ok_or(&SIGN_IN_EXPIRED)?;
    let mut unit = UnitOfWork::begin_anonymous(app, request, tenant.id, Actor::EXTERNAL).await?;
    let now = unit.now();
    if !oauth_flows::begin_flow(&mut unit, token.row, &provider.name).await? {
        return Err(SIGN_IN_EXPIRED.problem());
    }
    unit.commit().await?;
    // RFC 9207: a response that names its issuer must come from the one that was asked.
    if parameters
        .iss
        .as_deref()
        .is_some_and(|iss| !provider.is_issuer(iss))
    {
        return Err(PROVIDER_REFUSED.problem());
    }
    let code = match (parameters.error.as_deref(), parameters.code.as_deref()) {
        (Some("access_denied" | "user_cancelled_authorize"), _) => {
            return Err(SIGN_IN_CANCELLED.problem());
        }
        (None, Some(code)) => code,
        _ => return Err(PROVIDER_REFUSED.problem()),
    };
    let callback = callback_url(app, provider);
    let identity = provider
        .redeem(code, &callback, &flow.secrets(), now)
        .await
        .map_err(|error| provider_problem(provider, &error))?;
    let login = link_or_create::ExternalLogin {
        tenant: &tenant,
        provider,
        identity: &identity,
        apple: parameters.apple_user(),
    };
    link_or_create::resolve_account(app, request, token, flow, login).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_counts_as_missing() {
        let parameters =
            CallbackParameters::parse(b"state=a&code=1&code=2&scope=x&iss=https%3A%2F%2Fi");
        assert_eq!(parameters.state, "a");
        assert_eq!(parameters.code, None);
        assert_eq!(parameters.iss.as_deref(), Some("https://i"));
    }

    #[test]
    fn the_name_from_apple_is_optional() {
        let user = |text: &str| {
            let name = CallbackParameters::parse(format!("user={text}").as_bytes())
                .apple_user()
                .name;
            (name.first_name, name.last_name)
        };
        assert_eq!(
            user(r#"{"name":{"firstName":"Ada","lastName":"King"},"email":"a@b.c"}"#),
            (Some("Ada".to_owned()), Some("King".to_owned()))
        );
        for nothing in ["", "{}", "[]", "7", r#"{"name":7}"#] {
            assert_eq!(user(nothing), (None, None), "{nothing}");
        }
    }
}

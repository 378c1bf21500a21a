//! The [`Caller`] extractor: the permission is part of the handler's signature.

use std::{marker::PhantomData, ops::Deref};

use axum::extract::{FromRef, FromRequestParts};
use http::{Method, request::Parts};
use utoipa::openapi::security::SecurityRequirement;
use web::{
    Problem, RequestInfo,
    openapi::{Arg, OperationDoc, header},
    problem,
};

use crate::{
    AppState, Enrolling, Permission, Principal, REVALENZ, Reach, authenticator::unauthenticated,
};

/// A caller who holds the permission `P`. It can only be created from an authorised request.
#[derive(Clone, Debug)]
pub struct Caller<P> {
    principal: Principal,
    reach: Reach,
    request: RequestInfo,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> Caller<P> {
    /// How far the permission reaches for this caller.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// How far another permission reaches, if the caller has it.
    pub fn may<Q: Permission>(&self) -> Option<Reach> {
        match Q::NAME {
            Some(name) => self.principal.reach(name),
            None => Some(Reach::All),
        }
    }

    /// The request itself.
    pub fn request(&self) -> &RequestInfo {
        &self.request
    }
}

impl<P> Deref for Caller<P> {
    type Target = Principal;
    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<S, P> FromRequestParts<S> for Caller<P>
where
    S: Send + Sync,
    AppState: FromRef<S>,
    P: Permission,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Ok(request) = RequestInfo::from_request_parts(parts, state).await;
        let app = AppState::from_ref(state);
        let principal = app
            .authenticator()
            .authenticate(&parts.headers, &request)
            .await?
            .ok_or_else(unauthenticated)?;
        crate::cors::check_origin(&app, &parts.headers, &principal).await?;
        if !P::BEFORE_ENROLMENT {
            principal.require_enrolled_factor()?;
        }
        if let Some(feature) = P::FEATURE
            && !principal.has(feature)
        {
            // Platform staff work in an organisation; their own tenant has no features.
            if principal.tenant.id == REVALENZ {
                return Err(crate::problems::TENANT_REQUIRED.problem());
            }
            return Err(problem::FEATURE_DISABLED
                .problem()
                .argument("feature", feature));
        }
        let reach = match P::NAME {
            None => Reach::All,
            Some(name) => principal
                .reach(name)
                .ok_or_else(|| problem::FORBIDDEN.problem().argument("permission", name))?,
        };
        if P::RECENT_AUTHENTICATION && !(P::OPEN_TO_KEYS && principal.user.is_none()) {
            principal.require_recent_authentication(app.clock().now())?;
        }
        // Staff may act in a suspended tenant, to lift the suspension. Operations without a permission concern the caller's own
        // account, such as changing a password or signing out a device, and stay available.
        let frozen = principal.tenant.is_frozen();
        if frozen && P::NAME.is_some() && !is_safe(&parts.method) && !principal.is_superadmin() {
            return Err(problem::TENANT_SUSPENDED.problem());
        }
        Ok(Self {
            principal,
            reach,
            request,
            permission: PhantomData,
        })
    }
}

/// Methods that change nothing (RFC 9110, 9.2.1).
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

impl<P: Permission> Arg for Caller<P> {
    fn describe(doc: &mut OperationDoc) {
        doc.operation.security = Some(vec![
            SecurityRequirement::new::<_, [&str; 0], &str>("bearer", []),
            SecurityRequirement::new::<_, [&str; 0], &str>("api_key", []),
        ]);
        doc.extend("x-permission", P::NAME.unwrap_or("signed in"));
        doc.reads(header(
            "X-Tenant-Id",
            "The organisation to act in. Platform staff only; ignored for other callers.",
            "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
        ));
        doc.reads(header(
            "X-Reason",
            "The reason for acting in another organisation, 3 to 500 characters, recorded in its audit log. Required with `X-Tenant-Id`.",
            "Ticket 4711: asked to look at the import",
        ));
        doc.refuses(&problem::UNAUTHENTICATED);
        doc.refuses(&crate::problems::IMPERSONATION_READ_ONLY);
        if !P::BEFORE_ENROLMENT {
            crate::assurance::describe(doc);
        }
        if P::RECENT_AUTHENTICATION {
            doc.extend("x-recent-authentication", true);
            doc.refuses(&crate::problems::INSUFFICIENT_AAL);
            doc.refuses(&crate::problems::REAUTHENTICATION_NEEDED);
            if !P::OPEN_TO_KEYS {
                doc.refuses(&crate::problems::NOT_A_PERSON);
            }
        }
        if P::NAME.is_some() {
            doc.refuses(&problem::FORBIDDEN);
            doc.refuses(&problem::TENANT_SUSPENDED);
        }
        if P::FEATURE.is_some() {
            doc.refuses(&problem::FEATURE_DISABLED);
            doc.refuses(&crate::problems::TENANT_REQUIRED);
        }
        doc.refuses(&problem::INVALID_HEADER);
        doc.refuses(&crate::problems::SEVERAL_CREDENTIALS);
        doc.refuses(&crate::problems::REASON_REQUIRED);
        doc.refuses(&crate::problems::QUOTA_EXCEEDED);
        doc.refuses(&problem::NOT_FOUND);
    }

    fn optional(doc: &mut OperationDoc) {
        doc.extend("x-permission", "everyone");
        if let Some(security) = &mut doc.operation.security {
            security.push(SecurityRequirement::default());
        }
    }
}

/// An optional caller: `None` without credentials, but `401` with invalid ones.
impl<S> axum::extract::OptionalFromRequestParts<S> for Caller<Enrolling>
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        let has_credentials =
            parts.headers.contains_key("authorization") || parts.headers.contains_key("x-api-key");
        if !has_credentials {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map(Some)
    }
}

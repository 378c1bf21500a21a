//! Every route of this context, and the refusals of its own that each may answer with.

use web::openapi::Routes;

use crate::{
    App,
    error::{
        CSRF_REFUSED, EMAIL_TAKEN, FORBIDDEN_FIELD, IDENTITY_TAKEN, ILLEGAL_STATUS, INVALID_CODE,
        INVALID_CREDENTIALS, INVALID_REFRESH_TOKEN, INVALID_TOKEN, LAST_ADMIN, LAST_WAY_IN,
        NOT_A_PERSON, REDIRECT_NOT_ALLOWED, REFRESH_TOKEN_REUSED, REGISTRATION_CLOSED,
        ROLE_TOO_POWERFUL, SEATS_EXHAUSTED, SIGN_IN_EXPIRED,
    },
    http::{
        expertise, identities, invite, jwks, login, logout, me,
        oauth::{callback, providers, start, token},
        permissions, refresh, register, roles, status, users, verify_email,
    },
};

/// A line a resource; method and path stand with each handler.
pub(crate) fn routes() -> Routes<App> {
    let routes = web::routes! {
        register: register_user;
        verify_email: verify_email;
        invite: accept_invite;
        login: login;
        refresh: refresh_session;
        logout: logout;
        providers: list_providers;
        start: start_sign_in, start_link;
        callback: finish_sign_in;
        token: redeem_sign_in;
        identities: list_identities, create_identity, delete_identity;
        status: get_status;
        me: get_me, update_me;
        users: list_users, create_user, get_user, update_user, delete_user;
        expertise: get_expertise, replace_expertise;
        roles: list_roles;
        permissions: list_permissions;
        jwks: list_signing_keys;
    };
    let page = &access::cors::ORIGIN_NOT_ALLOWED;
    let slow_down = &web::problem::RATE_LIMITED;
    routes
        .refuses(
            "register_user",
            &[&REGISTRATION_CLOSED, &SEATS_EXHAUSTED, page],
        )
        .refuses("verify_email", &[&INVALID_TOKEN])
        .refuses("accept_invite", &[&INVALID_TOKEN, &CSRF_REFUSED, page])
        .refuses(
            "login",
            &[&INVALID_CREDENTIALS, &CSRF_REFUSED, page, slow_down],
        )
        .refuses(
            "refresh_session",
            &[
                &INVALID_REFRESH_TOKEN,
                &REFRESH_TOKEN_REUSED,
                &CSRF_REFUSED,
                page,
            ],
        )
        .refuses(
            "logout",
            &[
                &INVALID_REFRESH_TOKEN,
                &REFRESH_TOKEN_REUSED,
                &NOT_A_PERSON,
                &CSRF_REFUSED,
                page,
            ],
        )
        .refuses("start_sign_in", &[&REDIRECT_NOT_ALLOWED, &SIGN_IN_EXPIRED])
        .refuses("start_link", &[&REDIRECT_NOT_ALLOWED, &NOT_A_PERSON])
        .refuses("finish_sign_in", &[&SIGN_IN_EXPIRED])
        .refuses("redeem_sign_in", &[&INVALID_CODE, &CSRF_REFUSED, page])
        .refuses("list_identities", &[&NOT_A_PERSON])
        .refuses(
            "create_identity",
            &[&INVALID_CODE, &IDENTITY_TAKEN, &NOT_A_PERSON],
        )
        .refuses("delete_identity", &[&LAST_WAY_IN, &NOT_A_PERSON])
        .refuses("get_me", &[&NOT_A_PERSON])
        .refuses("update_me", &[&NOT_A_PERSON])
        .refuses(
            "create_user",
            &[&ROLE_TOO_POWERFUL, &SEATS_EXHAUSTED, &EMAIL_TAKEN],
        )
        .refuses(
            "update_user",
            &[
                &ROLE_TOO_POWERFUL,
                &FORBIDDEN_FIELD,
                &SEATS_EXHAUSTED,
                &EMAIL_TAKEN,
                &LAST_ADMIN,
                &ILLEGAL_STATUS,
            ],
        )
        .refuses("delete_user", &[&ROLE_TOO_POWERFUL, &LAST_ADMIN])
}

//! Every route of this context, and the refusals of its own that each may answer with.

use web::openapi::Routes;

use crate::{
    App,
    error::{
        BUILT_IN_ROLE, CSRF_REFUSED, EMAIL_TAKEN, FORBIDDEN_FIELD, ILLEGAL_STATUS,
        IMPERSONATION_REFUSED, INVALID_CREDENTIALS, INVALID_REFRESH_TOKEN, INVALID_TOKEN,
        LAST_ADMIN, NOT_A_PERSON, OWN_ROLE, REFRESH_TOKEN_REUSED, REGISTRATION_CLOSED, ROLE_IN_USE,
        ROLE_NAME_TAKEN, ROLE_TOO_POWERFUL, SEATS_EXHAUSTED, TOO_MANY_ROLES,
    },
    http::{
        activity, devices, expertise, impersonate, invite, jobs, jwks, login, logout, me,
        permissions, rates, refresh, register, roles, status, users, verify_email,
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
        status: get_status;
        me: get_me, update_me;
        users: list_users, create_user, get_user, update_user, delete_user;
        expertise: get_expertise, replace_expertise;
        rates: get_rates, replace_rates;
        activity: list_activity;
        devices: list_sessions, delete_session, list_user_sessions, delete_user_session, delete_user_sessions;
        impersonate: impersonate_user;
        roles: list_roles, create_role, get_role, update_role, delete_role;
        permissions: list_permissions;
        jwks: list_signing_keys;
        jobs: rotate_signing_keys, expire_sessions, announce_expiring_certificates;
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
        .refuses(
            "create_role",
            &[&ROLE_TOO_POWERFUL, &ROLE_NAME_TAKEN, &TOO_MANY_ROLES],
        )
        .refuses(
            "update_role",
            &[
                &ROLE_TOO_POWERFUL,
                &OWN_ROLE,
                &ROLE_NAME_TAKEN,
                &BUILT_IN_ROLE,
            ],
        )
        .refuses(
            "delete_role",
            &[&ROLE_TOO_POWERFUL, &ROLE_IN_USE, &BUILT_IN_ROLE],
        )
        .refuses("replace_rates", &[&ROLE_TOO_POWERFUL])
        .refuses("list_sessions", &[&NOT_A_PERSON])
        .refuses("delete_session", &[&NOT_A_PERSON])
        .refuses("list_user_sessions", &[&ROLE_TOO_POWERFUL])
        .refuses("delete_user_session", &[&ROLE_TOO_POWERFUL])
        .refuses("delete_user_sessions", &[&ROLE_TOO_POWERFUL])
        .refuses("impersonate_user", &[&IMPERSONATION_REFUSED, &NOT_A_PERSON])
}

//! The routes of this context, and the problems that each operation can return.

use access::{
    cors::ORIGIN_NOT_ALLOWED,
    problems::{NOT_A_PERSON, REAUTHENTICATION_NEEDED},
};
use web::{
    openapi::Routes,
    problem::{RATE_LIMITED, TENANT_SUSPENDED},
};

use crate::{
    App,
    error::{
        BUILT_IN_ROLE, CSRF_REFUSED, EMAIL_TAKEN, FACTOR_EXISTS, FORBIDDEN_FIELD, IDENTITY_TAKEN,
        ILLEGAL_STATUS, IMPERSONATION_REFUSED, INVALID_CODE, INVALID_CREDENTIALS,
        INVALID_MFA_TOKEN, INVALID_REFRESH_TOKEN, INVALID_SIGN_IN_CODE, INVALID_TOKEN, LAST_ADMIN,
        LAST_WAY_IN, LINK_CODE_REQUIRED, NO_ENROLMENT, NO_SECOND_FACTOR, OTHER_BROWSER, OWN_ROLE,
        PASSKEY_EXISTS, PASSKEY_REFUSED, PROOF_REFUSED, REDIRECT_NOT_ALLOWED, REFRESH_TOKEN_REUSED,
        REGISTRATION_CLOSED, ROLE_IN_USE, ROLE_NAME_TAKEN, ROLE_TOO_POWERFUL, SEATS_EXHAUSTED,
        SIGN_IN_EXPIRED, TOO_MANY_FACTORS, TOO_MANY_ROLES, WRONG_PASSWORD,
    },
    http::{
        account::{change_email, change_password, confirm_email_change, me, register, status},
        external::{callback, identities, providers, start, token},
        factors::{passkeys, reauthenticate, recovery_codes, totp},
        links::{
            accept_invite, forgot_password, magic_link, redeem_magic_link, resend_verification,
            reset_password, verify_email,
        },
        people::{self, activity, expertise, impersonate, rates, reset_mfa},
        roles::{self, permissions},
        sessions::{devices, jwks, logout, refresh},
        sign_in::{login, mfa, passkey_login},
    },
};

/// One line per file; method and path are declared with each handler.
pub(crate) fn routes() -> Routes<App> {
    let routes = web::routes! {
        register: register_user;
        verify_email: verify_email;
        resend_verification: resend_verification;
        accept_invite: accept_invite;
        login: login;
        mfa: prove_second_factor;
        magic_link: request_magic_link;
        redeem_magic_link: redeem_magic_link;
        forgot_password: forgot_password;
        reset_password: reset_password;
        change_password: change_password;
        change_email: change_email;
        confirm_email_change: confirm_email_change;
        refresh: refresh_session;
        logout: logout;
        reauthenticate: reauthenticate;
        totp: get_totp, start_totp, confirm_totp, delete_totp;
        passkeys: list_passkeys, start_passkey, register_passkey, delete_passkey;
        passkey_login: start_passkey_login, login_with_passkey;
        recovery_codes: get_recovery_codes, renew_recovery_codes;
        providers: list_providers;
        start: start_sign_in, start_link;
        callback: finish_sign_in;
        token: redeem_sign_in;
        identities: list_identities, create_identity, delete_identity;
        status: get_status;
        me: get_me, update_me;
        people: list_users, create_user, import_users, get_user, update_user, delete_user, invite_user;
        reset_mfa: reset_user_mfa;
        expertise: get_expertise, replace_expertise;
        rates: get_rates, replace_rates;
        activity: list_activity;
        devices: list_sessions, delete_session, list_user_sessions, delete_user_session, delete_user_sessions;
        impersonate: impersonate_user;
        roles: list_roles, create_role, get_role, update_role, delete_role;
        permissions: list_permissions;
        jwks: list_signing_keys;
    }
    .bulk("/users");
    [
        session_refusals,
        second_factor_refusals,
        link_refusals,
        suspended_tenant_refusals,
        external_refusals,
        people_refusals,
        role_refusals,
    ]
    .into_iter()
    .fold(routes, |routes, refusals| refusals(routes))
}

/// Problems of sessions.
fn session_refusals(routes: Routes<App>) -> Routes<App> {
    routes
        .refuses(
            "login",
            &[
                &INVALID_CREDENTIALS,
                &CSRF_REFUSED,
                &ORIGIN_NOT_ALLOWED,
                &RATE_LIMITED,
            ],
        )
        .refuses(
            "refresh_session",
            &[
                &INVALID_REFRESH_TOKEN,
                &REFRESH_TOKEN_REUSED,
                &CSRF_REFUSED,
                &ORIGIN_NOT_ALLOWED,
            ],
        )
        .refuses(
            "logout",
            &[
                &INVALID_REFRESH_TOKEN,
                &REFRESH_TOKEN_REUSED,
                &NOT_A_PERSON,
                &CSRF_REFUSED,
                &ORIGIN_NOT_ALLOWED,
            ],
        )
        .refuses("get_me", &[&NOT_A_PERSON])
        .refuses("update_me", &[&NOT_A_PERSON])
        .refuses("list_sessions", &[&NOT_A_PERSON])
        .refuses("delete_session", &[&NOT_A_PERSON])
        .refuses("impersonate_user", &[&IMPERSONATION_REFUSED])
}

/// Problems of links sent by email, and of passwords.
fn link_refusals(routes: Routes<App>) -> Routes<App> {
    routes
        .refuses(
            "register_user",
            &[
                &REGISTRATION_CLOSED,
                &SEATS_EXHAUSTED,
                &ORIGIN_NOT_ALLOWED,
                &RATE_LIMITED,
            ],
        )
        .refuses("verify_email", &[&INVALID_TOKEN, &SEATS_EXHAUSTED])
        .refuses(
            "accept_invite",
            &[&INVALID_TOKEN, &CSRF_REFUSED, &ORIGIN_NOT_ALLOWED],
        )
        .refuses("resend_verification", &[&ORIGIN_NOT_ALLOWED, &RATE_LIMITED])
        .refuses("request_magic_link", &[&ORIGIN_NOT_ALLOWED, &RATE_LIMITED])
        .refuses(
            "redeem_magic_link",
            &[
                &INVALID_TOKEN,
                &OTHER_BROWSER,
                &LINK_CODE_REQUIRED,
                &CSRF_REFUSED,
                &ORIGIN_NOT_ALLOWED,
            ],
        )
        .refuses("forgot_password", &[&ORIGIN_NOT_ALLOWED, &RATE_LIMITED])
        .refuses("reset_password", &[&INVALID_TOKEN, &ORIGIN_NOT_ALLOWED])
        .refuses(
            "change_password",
            &[&WRONG_PASSWORD, &NOT_A_PERSON, &RATE_LIMITED],
        )
        .refuses(
            "change_email",
            &[&WRONG_PASSWORD, &NOT_A_PERSON, &RATE_LIMITED],
        )
        .refuses(
            "confirm_email_change",
            &[&INVALID_TOKEN, &EMAIL_TAKEN, &ORIGIN_NOT_ALLOWED],
        )
}

/// Operations that sign in to, or add users to, a tenant that may be suspended or closing.
fn suspended_tenant_refusals(routes: Routes<App>) -> Routes<App> {
    [
        "login",
        "prove_second_factor",
        "refresh_session",
        "redeem_magic_link",
        "accept_invite",
        "verify_email",
        "redeem_sign_in",
        "login_with_passkey",
    ]
    .into_iter()
    .fold(routes, |routes, operation| {
        routes.refuses(operation, &[&TENANT_SUSPENDED])
    })
}

/// Problems of sign-in with a provider.
fn external_refusals(routes: Routes<App>) -> Routes<App> {
    routes
        .refuses("start_sign_in", &[&REDIRECT_NOT_ALLOWED, &SIGN_IN_EXPIRED])
        .refuses("start_link", &[&REDIRECT_NOT_ALLOWED, &NOT_A_PERSON])
        .refuses("finish_sign_in", &[&SIGN_IN_EXPIRED])
        .refuses(
            "redeem_sign_in",
            &[&INVALID_SIGN_IN_CODE, &CSRF_REFUSED, &ORIGIN_NOT_ALLOWED],
        )
        .refuses("list_identities", &[&NOT_A_PERSON])
        .refuses(
            "create_identity",
            &[&INVALID_SIGN_IN_CODE, &IDENTITY_TAKEN, &NOT_A_PERSON],
        )
        .refuses("delete_identity", &[&LAST_WAY_IN, &NOT_A_PERSON])
}

/// Problems of user management.
fn people_refusals(routes: Routes<App>) -> Routes<App> {
    routes
        .refuses(
            "create_user",
            &[
                &ROLE_TOO_POWERFUL,
                &SEATS_EXHAUSTED,
                &EMAIL_TAKEN,
                &NOT_A_PERSON,
                &REAUTHENTICATION_NEEDED,
            ],
        )
        .refuses(
            "update_user",
            &[
                &REAUTHENTICATION_NEEDED,
                &ROLE_TOO_POWERFUL,
                &FORBIDDEN_FIELD,
                &SEATS_EXHAUSTED,
                &EMAIL_TAKEN,
                &LAST_ADMIN,
                &ILLEGAL_STATUS,
            ],
        )
        .refuses(
            "invite_user",
            &[
                &ROLE_TOO_POWERFUL,
                &ILLEGAL_STATUS,
                &SEATS_EXHAUSTED,
                &RATE_LIMITED,
            ],
        )
        .refuses("delete_user", &[&ROLE_TOO_POWERFUL, &LAST_ADMIN])
        .refuses("replace_rates", &[&ROLE_TOO_POWERFUL])
        .refuses("list_user_sessions", &[&ROLE_TOO_POWERFUL])
        .refuses("delete_user_session", &[&ROLE_TOO_POWERFUL])
        .refuses("delete_user_sessions", &[&ROLE_TOO_POWERFUL])
}

/// Problems of roles.
fn role_refusals(routes: Routes<App>) -> Routes<App> {
    routes
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
}

/// Problems of second factors.
fn second_factor_refusals(routes: Routes<App>) -> Routes<App> {
    routes
        .refuses(
            "prove_second_factor",
            &[
                &INVALID_MFA_TOKEN,
                &INVALID_CODE,
                &CSRF_REFUSED,
                &ORIGIN_NOT_ALLOWED,
                &RATE_LIMITED,
            ],
        )
        .refuses(
            "reauthenticate",
            &[&PROOF_REFUSED, &NOT_A_PERSON, &RATE_LIMITED],
        )
        .refuses("get_totp", &[&NOT_A_PERSON])
        .refuses("start_totp", &[&FACTOR_EXISTS, &NOT_A_PERSON])
        .refuses(
            "confirm_totp",
            &[
                &NO_ENROLMENT,
                &TOO_MANY_FACTORS,
                &PROOF_REFUSED,
                &NOT_A_PERSON,
            ],
        )
        .refuses("delete_totp", &[&NOT_A_PERSON])
        .refuses("list_passkeys", &[&NOT_A_PERSON])
        .refuses("start_passkey", &[&TOO_MANY_FACTORS, &NOT_A_PERSON])
        .refuses(
            "register_passkey",
            &[
                &PASSKEY_EXISTS,
                &TOO_MANY_FACTORS,
                &PROOF_REFUSED,
                &NOT_A_PERSON,
            ],
        )
        .refuses("delete_passkey", &[&NOT_A_PERSON])
        .refuses("start_passkey_login", &[&ORIGIN_NOT_ALLOWED])
        .refuses(
            "login_with_passkey",
            &[&PASSKEY_REFUSED, &CSRF_REFUSED, &ORIGIN_NOT_ALLOWED],
        )
        .refuses("get_recovery_codes", &[&NOT_A_PERSON])
        .refuses("renew_recovery_codes", &[&NO_SECOND_FACTOR, &NOT_A_PERSON])
        .refuses("reset_user_mfa", &[&ROLE_TOO_POWERFUL])
}

//! Every route of this context, and the refusals of its own that each may answer with.

use web::openapi::Routes;

use crate::{
    App,
    error::{
        CSRF_REFUSED, EMAIL_TAKEN, FORBIDDEN_FIELD, ILLEGAL_STATUS, INVALID_CREDENTIALS,
        INVALID_REFRESH_TOKEN, INVALID_TOKEN, LAST_ADMIN, LINK_CODE_REQUIRED, NOT_A_PERSON,
        OTHER_BROWSER, REFRESH_TOKEN_REUSED, REGISTRATION_CLOSED, ROLE_TOO_POWERFUL,
        SEATS_EXHAUSTED, WRONG_PASSWORD,
    },
    http::{
        change_email, change_password, confirm_email_change, expertise, forgot_password, invite,
        jwks, login, logout, magic_link, me, permissions, redeem_magic_link, refresh, register,
        resend_verification, reset_password, roles, status, users, verify_email,
    },
};

/// A line a resource; method and path stand with each handler.
pub(crate) fn routes() -> Routes<App> {
    let routes = web::routes! {
        register: register_user;
        verify_email: verify_email;
        resend_verification: resend_verification;
        invite: accept_invite;
        login: login;
        magic_link: request_magic_link;
        redeem_magic_link: redeem_magic_link;
        forgot_password: forgot_password;
        reset_password: reset_password;
        change_password: change_password;
        change_email: change_email;
        confirm_email_change: confirm_email_change;
        refresh: refresh_session;
        logout: logout;
        status: get_status;
        me: get_me, update_me;
        users: list_users, create_user, get_user, update_user, delete_user, invite_user;
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
            &[&REGISTRATION_CLOSED, &SEATS_EXHAUSTED, page, slow_down],
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
        .refuses("resend_verification", &[page, slow_down])
        .refuses("request_magic_link", &[page, slow_down])
        .refuses(
            "redeem_magic_link",
            &[
                &INVALID_TOKEN,
                &OTHER_BROWSER,
                &LINK_CODE_REQUIRED,
                &CSRF_REFUSED,
                page,
            ],
        )
        .refuses("forgot_password", &[page, slow_down])
        .refuses("reset_password", &[&INVALID_TOKEN, page])
        .refuses(
            "change_password",
            &[&WRONG_PASSWORD, &NOT_A_PERSON, slow_down],
        )
        .refuses("change_email", &[&WRONG_PASSWORD, &NOT_A_PERSON, slow_down])
        .refuses(
            "confirm_email_change",
            &[&INVALID_TOKEN, &EMAIL_TAKEN, page],
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
        .refuses(
            "invite_user",
            &[&ROLE_TOO_POWERFUL, &ILLEGAL_STATUS, slow_down],
        )
        .refuses("delete_user", &[&ROLE_TOO_POWERFUL, &LAST_ADMIN])
}

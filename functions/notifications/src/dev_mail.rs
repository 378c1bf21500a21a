//! `/dev/mail`: shows the emails of the local folder in a browser. For local development only: it shows all emails to everyone,
//! including links that give access to accounts.
//!
//! Ticket pages are served by the frontends of organisations. Without a frontend, a placeholder page explains what to do. The
//! pages of one-time links belong to identity.

mod pages;
mod parsed_mail;

use std::sync::Arc;

use crate::ids::MessageId;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, header};
use web::{PathIds, Problem, problem, problem::Result};

use crate::Folder;
use parsed_mail::ParsedMail;

/// Maximum number of emails in the list.
const MAX_LISTED: usize = 200;
/// Allows our style sheet and the frame of an email; no scripts.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);
/// Allows inline styles and framing by our page.
const MAIL_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
     sandbox allow-popups allow-popups-to-escape-sandbox",
);
const HTML_TYPE: &str = "text/html; charset=utf-8";

#[derive(Clone, Debug)]
struct Pages {
    folder: Folder,
    public_url: Arc<str>,
}

/// The pages for this folder. `public_url` is the platform's URL in the commands that they show.
pub fn router(folder: Folder, public_url: &str) -> Router {
    let style = || async {
        respond(
            "text/css; charset=utf-8",
            include_str!("dev_mail/style.css"),
        )
    };
    let mut router = Router::new()
        .route("/dev/mail", get(list_mails))
        .route("/dev/mail/style.css", get(style))
        .route("/dev/mail/{id}", get(get_mail))
        .route("/dev/mail/{id}/html", get(get_mail_html))
        .route("/dev/mail/{id}/source", get(get_mail_source))
        .with_state(Pages {
            folder,
            public_url: public_url.into(),
        });
    for (path, title, description) in pages::PLACEHOLDERS {
        let placeholder = || async { render_page(pages::placeholder(title, description)) };
        router = router.route(path, get(placeholder));
    }
    router
}

/// Lists emails, newest first.
async fn list_mails(State(app): State<Pages>) -> Result<Response> {
    let (mails, older) = run_blocking(move || {
        let ids = app.folder.list().map_err(Problem::internal)?;
        let older = ids.len().saturating_sub(MAX_LISTED);
        let newest = ids.into_iter().take(MAX_LISTED);
        let mails: Result<Vec<_>> = newest
            .filter_map(|id| find_mail(&app.folder, id).transpose())
            .collect();
        Ok((mails?, older))
    })
    .await?;
    Ok(render_page(pages::list(&mails, older)))
}

/// Shows one email: its text with links, and its HTML in a frame.
async fn get_mail(State(app): State<Pages>, PathIds(id): PathIds<MessageId>) -> Result<Response> {
    let mail = load_mail(app.folder, id).await?;
    Ok(render_page(pages::mail(&mail, &app.public_url)))
}

/// Returns the HTML part, for the frame.
async fn get_mail_html(
    State(app): State<Pages>,
    PathIds(id): PathIds<MessageId>,
) -> Result<Response> {
    let mail = load_mail(app.folder, id).await?;
    // Links in a sandboxed frame must open in a new tab.
    let html = mail
        .html
        .replacen("<head>", "<head>\n<base target=\"_blank\">", 1);
    Ok(with_policy(respond(HTML_TYPE, html), MAIL_POLICY))
}

/// Returns the file.
async fn get_mail_source(
    State(app): State<Pages>,
    PathIds(id): PathIds<MessageId>,
) -> Result<Response> {
    let mail = load_mail(app.folder, id).await?;
    Ok(respond("text/plain; charset=utf-8", mail.source))
}

async fn load_mail(folder: Folder, id: MessageId) -> Result<ParsedMail> {
    run_blocking(move || find_mail(&folder, id))
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}

fn find_mail(folder: &Folder, id: MessageId) -> Result<Option<ParsedMail>> {
    let file = folder.read(id).map_err(Problem::internal)?;
    Ok(file.map(|file| ParsedMail::parse(id, &file)))
}

/// Reads files outside the runtime's threads.
async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Problem::internal)?
}

fn render_page(rendered: std::result::Result<String, minijinja::Error>) -> Response {
    match rendered {
        Ok(html) => with_policy(respond(HTML_TYPE, html), PAGE_POLICY),
        Err(error) => Problem::internal(error).into_response(),
    }
}

fn with_policy(mut response: Response, policy: HeaderValue) -> Response {
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn respond(media_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

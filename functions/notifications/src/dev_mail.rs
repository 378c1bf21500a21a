//! `/dev/mail`: the mails of the local folder, to read in a browser. For machines that nothing must leave, and only there:
//! whoever opens it reads everybody's mails, links to accounts included.
//!
//! The page of a ticket belongs to the frontends of organisations. Where there is none, this stands in its place and says
//! what to do. The pages of one-time links are identity's.

mod pages;
mod reading;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, header};
use ids::MessageId;
use web::{PathIds, Problem, problem, problem::Result};

use crate::Folder;
use reading::ReadMail;

/// How many mails the list shows.
const SHOWN: usize = 200;
/// One style sheet of ours and the frame of a mail; nothing else loads, nothing runs.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);
/// A mail's HTML may have a style of its own and be framed by our page, and that is all.
const MAIL_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
     sandbox allow-popups allow-popups-to-escape-sandbox",
);
const HTML: &str = "text/html; charset=utf-8";

#[derive(Clone, Debug)]
struct Pages {
    folder: Folder,
    public_url: Arc<str>,
}

/// The pages over this folder. `public_url` is where the platform is reached, for the commands that they show.
pub fn router(folder: Folder, public_url: &str) -> Router {
    let style = || async {
        answer(
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
    for (path, title, what) in pages::STAND_INS {
        router = router.route(path, get(|| async { page(pages::stand_in(title, what)) }));
    }
    router
}

/// The list, newest first.
async fn list_mails(State(app): State<Pages>) -> Result<Response> {
    let (mails, older) = in_background(move || {
        let ids = app.folder.list().map_err(Problem::internal)?;
        let older = ids.len().saturating_sub(SHOWN);
        let newest = ids.into_iter().take(SHOWN);
        let mails: Result<Vec<_>> = newest
            .filter_map(|id| find(&app.folder, id).transpose())
            .collect();
        Ok((mails?, older))
    })
    .await?;
    Ok(page(pages::list(&mails, older)))
}

/// One mail: its text with links, and its HTML in a frame.
async fn get_mail(State(app): State<Pages>, PathIds(id): PathIds<MessageId>) -> Result<Response> {
    let mail = load(app.folder, id).await?;
    Ok(page(pages::mail(&mail, &app.public_url)))
}

/// Its HTML part, for the frame.
async fn get_mail_html(
    State(app): State<Pages>,
    PathIds(id): PathIds<MessageId>,
) -> Result<Response> {
    let mail = load(app.folder, id).await?;
    // A sandboxed frame leads nowhere by itself.
    let html = mail
        .html
        .replacen("<head>", "<head>\n<base target=\"_blank\">", 1);
    Ok(guarded(answer(HTML, html), MAIL_POLICY))
}

/// The file itself.
async fn get_mail_source(
    State(app): State<Pages>,
    PathIds(id): PathIds<MessageId>,
) -> Result<Response> {
    let mail = load(app.folder, id).await?;
    Ok(answer("text/plain; charset=utf-8", mail.source))
}

async fn load(folder: Folder, id: MessageId) -> Result<ReadMail> {
    in_background(move || find(&folder, id))
        .await?
        .ok_or_else(|| problem::NOT_FOUND.problem())
}

fn find(folder: &Folder, id: MessageId) -> Result<Option<ReadMail>> {
    let file = folder.read(id).map_err(Problem::internal)?;
    Ok(file.map(|file| ReadMail::of(id, &file)))
}

/// Files are read beside the runtime's threads.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Problem::internal)?
}

fn page(rendered: std::result::Result<String, minijinja::Error>) -> Response {
    match rendered {
        Ok(html) => guarded(answer(HTML, html), POLICY),
        Err(error) => Problem::internal(error).into_response(),
    }
}

fn guarded(mut response: Response, policy: HeaderValue) -> Response {
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn answer(media_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

//! The answer of a list: JSON or CSV.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Page, Problem};

use super::{Format, csv};

/// One page of a list, in the format that the caller wants.
#[derive(Debug)]
pub struct Listed<T> {
    pub(super) page: Page<T>,
    pub(super) name: &'static str,
    pub(super) format: Format,
    /// The address of the next page, without its cursor.
    pub(super) next: String,
}

impl<T> Listed<T> {
    /// Converts the items.
    #[must_use]
    pub fn map<U>(self, to: impl FnMut(T) -> U) -> Listed<U> {
        Listed {
            page: self.page.map(to),
            name: self.name,
            format: self.format,
            next: self.next,
        }
    }

    /// The items.
    pub fn items(&self) -> &[T] {
        &self.page.items
    }
}

impl<T: Serialize + ToSchema> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        if self.format == Format::Json {
            return ([(header::VARY, "Accept")], Json(self.page)).into_response();
        }
        let table = match csv::table(&self.page) {
            Ok(table) => table,
            Err(error) => return Problem::internal(error).into_response(),
        };
        let mut response = table.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, web::csv::MEDIA_TYPE);
        headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        let file = format!("attachment; filename=\"{}.csv\"", self.name);
        if let Ok(file) = HeaderValue::try_from(file) {
            headers.insert(header::CONTENT_DISPOSITION, file);
        }
        if let Some(cursor) = &self.page.next_cursor {
            let link = format!("<{}{cursor}>; rel=\"next\"", self.next);
            if let Ok(link) = HeaderValue::try_from(link) {
                headers.insert(header::LINK, link);
            }
        }
        if let Some(token) = &self.page.next_sync
            && let Ok(token) = HeaderValue::try_from(token)
        {
            headers.insert("x-next-sync", token);
        }
        response
    }
}

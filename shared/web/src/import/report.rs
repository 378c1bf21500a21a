//! What became of the rows: for programs, and for the person who has to mend the file.

use std::fmt::Write;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{language::Language, openapi::FieldProblem, problem::FieldError};

/// What an import has done, or with `dry_run` would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportReport, example = json!({
    "dry_run": true, "rows": 3, "created": 1, "updated": 0, "unchanged": 1, "refused": 1,
    "refusals": [{"line": 4, "errors": [{"pointer": "/email", "code": "invalid_format", "detail": "must be a mail address"}]}]
}))]
pub struct Report {
    /// Whether nothing was changed, because it was only asked what would be.
    pub dry_run: bool,
    /// How many rows there were.
    pub rows: usize,
    /// How many were new.
    pub created: usize,
    /// How many were there and say something else now.
    pub updated: usize,
    /// How many were there as they are.
    pub unchanged: usize,
    /// How many were refused.
    pub refused: usize,
    /// The refused rows, in their order.
    pub refusals: Vec<RefusedRow>,
}

/// A row that was refused, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedRow {
    /// Its line in the file (of a JSON array: its place), from 1.
    pub line: u64,
    /// Everything that is wrong with it; the pointer leads into the row.
    pub errors: Vec<FieldProblem>,
}

/// What became of the rows so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many were new.
    pub created: usize,
    /// How many say something else now.
    pub updated: usize,
    /// How many are as they were.
    pub unchanged: usize,
    refusals: Vec<(u64, Vec<FieldError>)>,
}

impl Tally {
    /// A row is refused.
    pub fn refuse(&mut self, line: u64, errors: Vec<FieldError>) {
        self.refusals.push((line, errors));
    }

    /// The report on an import of `what`, in the caller's language; what was done is counted.
    pub fn report(mut self, what: &'static str, dry_run: bool, language: Language) -> Report {
        self.refusals.sort_by_key(|(line, _)| *line);
        let refusals: Vec<RefusedRow> = self
            .refusals
            .iter()
            .map(|(line, errors)| RefusedRow {
                line: *line,
                errors: errors.iter().map(|error| error.shown(language)).collect(),
            })
            .collect();
        if !dry_run {
            for (became, rows) in [
                ("created", self.created),
                ("updated", self.updated),
                ("unchanged", self.unchanged),
                ("refused", refusals.len()),
            ] {
                let labels = [("of", what), ("became", became)];
                metrics::counter!("import_rows_total", &labels).increment(rows as u64);
            }
        }
        Report {
            dry_run,
            rows: self.created + self.updated + self.unchanged + refusals.len(),
            created: self.created,
            updated: self.updated,
            unchanged: self.unchanged,
            refused: refusals.len(),
            refusals,
        }
    }
}

impl Report {
    /// JSON, or for `Accept: text/plain` a page to read.
    pub fn answer(self, headers: &HeaderMap, language: Language) -> Response {
        let plain = headers
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.trim().to_ascii_lowercase().starts_with("text/plain"));
        let mut response = if plain {
            self.text(language).into_response()
        } else {
            Json(self).into_response()
        };
        let accept = HeaderValue::from_static("accept, accept-language");
        response.headers_mut().insert(header::VARY, accept);
        response
    }

    fn text(&self, language: Language) -> String {
        let Self {
            rows,
            created,
            updated,
            unchanged,
            refused,
            ..
        } = self;
        let mut text = match (language, self.dry_run) {
            (Language::De, true) => "Probelauf: nichts wurde geändert.\n",
            (Language::En, true) => "Dry run: nothing was changed.\n",
            (_, false) => "",
        }
        .to_owned();
        // Writing into a text can't fail.
        let _ = match language {
            Language::De => writeln!(
                text,
                "{rows} Zeilen: {created} neu, {updated} geändert, {unchanged} unverändert, {refused} abgelehnt."
            ),
            Language::En => writeln!(
                text,
                "{rows} rows: {created} new, {updated} changed, {unchanged} unchanged, {refused} refused."
            ),
        };
        let line = match language {
            Language::De => "Zeile",
            Language::En => "SingleLine",
        };
        for row in &self.refusals {
            for error in &row.errors {
                let _ = writeln!(text, "{line} {}: {error}", row.line);
            }
        }
        text
    }
}

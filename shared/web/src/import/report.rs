//! The import report, for programs and for the person who has to correct the file.

use std::fmt::Write;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{language::Language, openapi::FieldProblem, problem::FieldError};

crate::text_enum! {
    /// What became of a row.
    pub enum Outcome {
        /// A new row.
        Created = "created",
        /// A row that was there already, and changed.
        Updated = "updated",
        /// A row that was there already, and did not change.
        Unchanged = "unchanged",
        /// A row that was refused.
        Refused = "refused",
    }
}

/// The result of an import, or with `dry_run` the expected result.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportReport, example = json!({
    "dry_run": true, "rows": 3, "created": 1, "updated": 0, "unchanged": 1, "refused": 1,
    "refusals": [{"line": 4, "errors": [{"pointer": "/email", "code": "invalid_format", "detail": "must be an email address"}]}],
    "results": [
        {"line": 2, "outcome": "created", "id": null, "number": null},
        {"line": 3, "outcome": "unchanged", "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "number": null},
        {"line": 4, "outcome": "refused", "id": null, "number": null}
    ]
}))]
pub struct Report {
    /// Whether this was a dry run, which changes nothing.
    pub dry_run: bool,
    /// Total number of rows.
    pub rows: usize,
    /// Number of created rows.
    pub created: usize,
    /// Number of updated rows.
    pub updated: usize,
    /// Number of rows that were already up to date.
    pub unchanged: usize,
    /// Number of refused rows.
    pub refused: usize,
    /// The refused rows, in order.
    pub refusals: Vec<RefusedRow>,
    /// What became of each row, in order.
    pub results: Vec<RowResult>,
}

/// What became of a row.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowResult {
    /// Line in the file, or position in a JSON array, starting at 1.
    pub line: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// The identifier of the imported item; null if it was refused, and for a new one in a dry run.
    pub id: Option<String>,
    /// The number of the imported item, if it has one.
    pub number: Option<String>,
}

/// A refused row with its errors.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedRow {
    /// Line in the file, or position in a JSON array, starting at 1.
    pub line: u64,
    /// The errors; pointers are relative to the row.
    pub errors: Vec<FieldProblem>,
}

/// Collects results while an import is running.
#[derive(Debug, Default)]
pub struct Tally {
    results: Vec<RowResult>,
    refusals: Vec<(u64, Vec<FieldError>)>,
}

impl Tally {
    /// Records what became of a row that was not refused, with its identifier and its number.
    pub fn record(
        &mut self,
        line: u64,
        outcome: Outcome,
        id: Option<String>,
        number: Option<String>,
    ) {
        self.results.push(RowResult {
            line,
            outcome,
            id,
            number,
        });
    }

    /// Records a refused row.
    pub fn refuse(&mut self, line: u64, errors: Vec<FieldError>) {
        self.record(line, Outcome::Refused, None, None);
        self.refusals.push((line, errors));
    }

    /// Builds the report of an import of `what` in the caller's language, and updates the metrics.
    pub fn report(mut self, what: &'static str, dry_run: bool, language: Language) -> Report {
        self.refusals.sort_by_key(|(line, _)| *line);
        self.results.sort_by_key(|result| result.line);
        let refusals: Vec<RefusedRow> = self
            .refusals
            .iter()
            .map(|(line, errors)| RefusedRow {
                line: *line,
                errors: errors
                    .iter()
                    .map(|error| error.to_field_problem(language))
                    .collect(),
            })
            .collect();
        let count = |outcome| {
            let results = self.results.iter();
            results.filter(|result| result.outcome == outcome).count()
        };
        let [created, updated, unchanged, refused] = [
            Outcome::Created,
            Outcome::Updated,
            Outcome::Unchanged,
            Outcome::Refused,
        ]
        .map(|outcome| {
            let rows = count(outcome);
            if !dry_run {
                let labels = [("of", what), ("became", outcome.as_str())];
                metrics::counter!("import_rows_total", &labels).increment(rows as u64);
            }
            rows
        });
        if dry_run {
            for result in &mut self.results {
                if result.outcome == Outcome::Created {
                    (result.id, result.number) = (None, None);
                }
            }
        }
        Report {
            dry_run,
            rows: self.results.len(),
            created,
            updated,
            unchanged,
            refused,
            refusals,
            results: self.results,
        }
    }
}

impl Report {
    /// Responds with JSON, or with readable text for `Accept: text/plain`.
    pub fn into_response_for(self, headers: &HeaderMap, language: Language) -> Response {
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
            (Language::De, true) => "Probelauf: Es wurde nichts geändert.\n",
            (Language::En, true) => "Dry run: nothing was changed.\n",
            (_, false) => "",
        }
        .to_owned();
        // Writing to a String cannot fail.
        let _ = match language {
            Language::De => writeln!(
                text,
                "{rows} Zeilen: {created} angelegt, {updated} geändert, {unchanged} unverändert, {refused} abgelehnt."
            ),
            Language::En => writeln!(
                text,
                "{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, {refused} refused."
            ),
        };
        let line = match language {
            Language::De => "Zeile",
            Language::En => "Line",
        };
        for row in &self.refusals {
            for error in &row.errors {
                let _ = writeln!(text, "{line} {}: {error}", row.line);
            }
        }
        text
    }
}

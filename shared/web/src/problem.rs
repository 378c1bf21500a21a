//! Refusals: RFC 9457 problem documents with a stable code, in German and English.
//!
//! A handler returns a [`Problem`]; the outermost layer ([`crate::edge`]) writes the document, because
//! only it knows the language, the path and the request id.

mod field;
mod kinds;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

pub use field::{Errors, FieldCode, FieldError, Pointer};
pub use kinds::*;

use crate::language::{Language, Localized};

/// Where the documents of all codes live; `type` of a problem is this and the code.
pub const TYPE_BASE: &str = "https://docs.revalenz.example/problems/";

/// One stable code, with its status and texts. Declared with [`problems!`](crate::problems).
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// The stable code that clients rely on.
    pub code: &'static str,
    /// HTTP status.
    pub status: StatusCode,
    /// Short, the same for every occurrence.
    pub title: Localized,
    /// What to do about it; may hold `{arguments}`.
    pub detail: Localized,
}

/// A refusal on its way to the client.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: &'static ProblemKind,
    arguments: Vec<(&'static str, String)>,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    status: StatusCode,
}

/// What handlers answer.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl ProblemKind {
    /// A refusal of this kind.
    pub fn problem(&'static self) -> Problem {
        Problem {
            kind: self,
            arguments: Vec::new(),
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
            status: self.status,
        }
    }
}

impl From<&'static ProblemKind> for Problem {
    fn from(kind: &'static ProblemKind) -> Self {
        kind.problem()
    }
}

impl Problem {
    /// A refusal of a body or query whose fields are wrong.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = VALIDATION_FAILED.problem();
        problem.errors = errors;
        problem
    }

    /// A refusal of one field, found after parsing.
    pub fn field(pointer: impl Into<String>, code: FieldCode) -> Self {
        Self::invalid(vec![FieldError {
            pointer: pointer.into(),
            code,
        }])
    }

    /// Our fault: the cause is logged here with its whole chain, the client learns nothing of it.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(cause = %cause, "internal error");
        INTERNAL_ERROR.problem()
    }

    /// Sets `{name}` of the detail text.
    pub fn argument(mut self, name: &'static str, value: impl ToString) -> Self {
        self.arguments.push((name, value.to_string()));
        self
    }

    /// Adds an extension member (RFC 9457, 3.2) for programs.
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.push((name, value));
        }
        self
    }

    /// With a status that a protocol other than HTTP asks for, in place of its kind's.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its kind.
    pub fn kind(&self) -> &'static ProblemKind {
        self.kind
    }

    /// The document.
    pub fn document(&self, language: Language, instance: &str, request_id: &str) -> Value {
        let mut document = json!({
            "type": format!("{TYPE_BASE}{}", self.kind.code),
            "title": self.kind.title.render(language, &[]),
            "status": self.status.as_u16(),
            "code": self.kind.code,
            "detail": self.kind.detail.render(language, &self.arguments),
            "instance": instance,
            "request_id": request_id,
        });
        if !self.errors.is_empty() {
            document["errors"] = self.errors.iter().map(|e| e.document(language)).collect();
        }
        if let Value::Object(members) = &mut document {
            members.extend(self.members.clone());
        }
        document
    }

    /// Headers that belong to it.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }
}

/// Bodiless until the outermost layer writes the document.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Declares problem kinds, and `ALL`, the list of them.
///
/// ```
/// web::problems! {
///     /// The ticket can't take that step.
///     ILLEGAL_TRANSITION = CONFLICT "illegal_transition" {
///         de: "Schritt nicht möglich", "Von hier geht es nur nach {legal}.";
///         en: "Step not possible", "From here only {legal} is possible.";
///     }
/// }
/// assert_eq!(ILLEGAL_TRANSITION.status.as_u16(), 409);
/// ```
#[macro_export]
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:ident $code:literal {
        de: $title_de:literal, $detail_de:literal;
        en: $title_en:literal, $detail_en:literal;
    })*) => {
        $(
            $(#[$doc])*
            pub static $name: $crate::ProblemKind = $crate::ProblemKind {
                code: $code,
                status: $crate::problem::StatusCodes::$status,
                title: $crate::Localized { de: $title_de, en: $title_en },
                detail: $crate::Localized { de: $detail_de, en: $detail_en },
            };
        )*
        /// Every kind declared here.
        pub static ALL: &[&$crate::ProblemKind] = &[$(&$name),*];
    };
}

/// `http::StatusCode` under a name that macros can reach.
#[doc(hidden)]
pub type StatusCodes = StatusCode;

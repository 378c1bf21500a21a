//! Problem documents (RFC 9457) with a stable code, in German and English.
//!
//! A handler returns a [`Problem`]; the outermost layer ([`crate::edge`]) writes the document, because
//! only that layer knows the language, the path and the request id.

mod field;
mod kinds;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

pub use field::{Errors, FieldCode, FieldError, Pointer};
pub use kinds::*;

use crate::language::{Language, Localized};

/// Base of a problem's `type`; the code is appended to it. A relative reference (RFC 9457, 3.1.1), so that the page is found under every
/// host at which the API is reached.
pub const TYPE_BASE: &str = "/problems/";

/// A stable code with its status and texts. Declared with [`problems!`](crate::problems).
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// The stable code that clients rely on.
    pub code: &'static str,
    /// HTTP status.
    pub status: StatusCode,
    /// Short summary, the same for every occurrence.
    pub title: Localized,
    /// What happened and what to do next; may contain `{arguments}`.
    pub detail: Localized,
    /// The members that its documents may have besides the usual ones.
    pub members: &'static [ProblemMember],
}

/// An extension member (RFC 9457, 3.2) of the documents of a kind.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemMember {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    /// Its JSON type.
    pub member_type: MemberType,
}

/// The JSON type of an extension member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberType {
    /// A whole number.
    Integer,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// An RFC 3339 time, or null.
    Time,
    /// An object.
    Object,
}

/// An error response before it is rendered.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: &'static ProblemKind,
    arguments: Vec<(&'static str, String)>,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    status: StatusCode,
}

/// Result of a handler.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl ProblemKind {
    /// A problem of this kind.
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
    /// A problem for a body or query with invalid fields.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = VALIDATION_FAILED.problem();
        problem.errors = errors;
        problem
    }

    /// A problem for a single field, found after parsing.
    pub fn field(pointer: impl Into<String>, code: FieldCode) -> Self {
        Self::invalid(vec![FieldError {
            pointer: pointer.into(),
            code,
        }])
    }

    /// An internal error. The cause is logged with its whole chain and not shown to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(cause = %cause, "internal error");
        INTERNAL_ERROR.problem()
    }

    /// Names what is wrong, in the caller's language.
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Sets the argument `{name}` of the detail text.
    pub fn argument(mut self, name: &'static str, value: impl ToString) -> Self {
        self.arguments.push((name, value.to_string()));
        self
    }

    /// Adds an extension member (RFC 9457, 3.2) that the kind declares.
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        debug_assert!(
            self.kind.members.iter().any(|member| member.name == name),
            "{} declares no member {name}",
            self.kind.code
        );
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a response header.
    pub fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.push((name, value));
        }
        self
    }

    /// Overrides the kind's status, for protocols on top of HTTP that require another one.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The kind.
    pub fn kind(&self) -> &'static ProblemKind {
        self.kind
    }

    /// The problem document.
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

    /// The response headers.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }
}

/// Has no body until the outermost layer writes the document.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Declares problem kinds and `ALL`, a list of them.
///
/// ```
/// web::problems! {
///     /// The ticket's status does not allow this change.
///     ILLEGAL_TRANSITION = CONFLICT "illegal_transition" {
///         de: "Statuswechsel nicht möglich", "Erlaubt ist nur der Wechsel zu {legal}.";
///         en: "Transition not allowed", "The status can only change to {legal}.";
///     }
/// }
/// assert_eq!(ILLEGAL_TRANSITION.status.as_u16(), 409);
/// ```
#[macro_export]
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:ident $code:literal {
        de: $title_de:literal, $detail_de:literal;
        en: $title_en:literal, $detail_en:literal;
        $(members { $($member:ident: $member_type:ident $about:literal),+ $(,)? })?
    })*) => {
        $(
            $(#[$doc])*
            pub static $name: $crate::ProblemKind = $crate::ProblemKind {
                code: $code,
                status: $crate::problem::StatusCodes::$status,
                title: $crate::Localized { de: $title_de, en: $title_en },
                detail: $crate::Localized { de: $detail_de, en: $detail_en },
                members: &[$($($crate::problem::ProblemMember {
                    name: stringify!($member),
                    about: $about,
                    member_type: $crate::problem::MemberType::$member_type,
                }),+)?],
            };
        )*
        /// Every kind declared here.
        pub static ALL: &[&$crate::ProblemKind] = &[$(&$name),*];
    };
}

/// `http::StatusCode`, re-exported for macros.
#[doc(hidden)]
pub type StatusCodes = StatusCode;

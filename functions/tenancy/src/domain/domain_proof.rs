//! The outcome of looking for the proof that a host belongs to a tenant.

use serde::Serialize;

web::text_enum! {
    /// How a host was verified.
    pub enum Method {
        /// By the DNS record.
        Dns = "dns",
        /// By the file.
        File = "file",
    }
}

web::text_enum! {
    /// Why a host no longer belongs to a tenant.
    pub enum ReleaseReason {
        /// The tenant has released it.
        GivenUp = "given_up",
        /// The proof was missing for too long.
        ProofMissing = "proof_missing",
    }
}

/// What was found in one of the two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProofStatus {
    /// The proof.
    Proved,
    /// An answer without the proof.
    Missing,
    /// No answer, or one that could not be used.
    Unreachable,
}

/// What was found in both places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ProofCheck {
    /// In the DNS.
    pub(crate) dns: ProofStatus,
    /// On the host's own server.
    pub(crate) file: ProofStatus,
}

impl ProofCheck {
    /// How the host is proved, if it is.
    pub(crate) fn method(self) -> Option<Method> {
        match (self.dns, self.file) {
            (ProofStatus::Proved, _) => Some(Method::Dns),
            (_, ProofStatus::Proved) => Some(Method::File),
            _ => None,
        }
    }

    /// Whether a missing proof can be trusted. A DNS that did not answer may have a fault of its own.
    pub(crate) fn is_conclusive(self) -> bool {
        self.dns != ProofStatus::Unreachable
    }
}

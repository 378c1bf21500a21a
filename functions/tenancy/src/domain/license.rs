//! Licences: what a tenant pays for, and what it may use for that.

use serde_json::{Value, json};

web::text_enum! {
    /// The plan of a licence.
    pub enum LicenseType {
        /// To try it out.
        Trial = "trial",
        /// The usual one.
        Standard = "standard",
        /// For large organisations.
        Enterprise = "enterprise",
        /// Ours.
        Internal = "internal",
    }
}

const GIB: i64 = 1 << 30;

impl LicenseType {
    /// What a licence of this plan allows unless something else is agreed: bytes of storage, requests to the API and
    /// language model tokens a month.
    pub fn limits(self) -> Value {
        let (storage, requests, tokens) = match self {
            Self::Trial => (5 * GIB, 1_000_000, 100_000),
            Self::Standard => (100 * GIB, 10_000_000, 2_000_000),
            Self::Enterprise | Self::Internal => (1_024 * GIB, 100_000_000, 20_000_000),
        };
        let mut limits = json!({
            "storage_bytes": storage,
            "api_requests_per_month": requests,
            "llm_tokens_per_month": tokens,
        });
        if self == Self::Internal {
            // Demo, bench and test tenants: no walk is hidden behind a 429 (decisions.md 18).
            limits["requests_per_minute_per_user"] = json!(1_000_000);
            limits["requests_per_minute_per_key"] = json!(1_000_000);
        }
        limits
    }
}

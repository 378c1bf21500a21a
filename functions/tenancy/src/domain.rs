//! The rules of this context: value types that are valid by construction, and pure functions on them. How they are read from
//! requests and described in the API reference is in [`crate::http`]; how they are stored is in [`crate::store`].

pub(crate) mod api_key;
pub(crate) mod audit_chain;
pub(crate) mod currency;
pub(crate) mod domain_proof;
pub(crate) mod flags;
pub(crate) mod host_name;
pub(crate) mod license;
pub(crate) mod license_type;
pub(crate) mod life_cycle;
pub(crate) mod month;
pub(crate) mod projection;
pub(crate) mod provisioning;
pub(crate) mod settings;
pub(crate) mod usage;

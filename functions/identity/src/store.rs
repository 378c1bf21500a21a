//! SQL of this context, in transactions that see a single tenant.

use access::Reach;
use ids::UserId;

pub(crate) mod accounts;
pub(crate) mod activity;
pub(crate) mod devices;
pub(crate) mod expertise;
pub(crate) mod import;
pub(crate) mod jobs;
pub(crate) mod mfa_challenges;
pub(crate) mod oauth_flows;
pub(crate) mod oauth_identities;
pub(crate) mod one_time_tokens;
pub(crate) mod passkeys;
pub(crate) mod rates;
pub(crate) mod recovery_codes;
pub(crate) mod registrations;
pub(crate) mod roles;
pub(crate) mod seats;
pub(crate) mod second_factors;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
pub(crate) mod totp;
pub(crate) mod user_list;
pub(crate) mod users;

/// For SQL: `($n::uuid is null or user_id = $n)`. Users are never assigned to others, so `assigned` equals `own`.
fn owner_filter(reach: Reach) -> Option<UserId> {
    match reach {
        Reach::All => None,
        Reach::Assigned(user) | Reach::Own(user) => Some(user),
    }
}

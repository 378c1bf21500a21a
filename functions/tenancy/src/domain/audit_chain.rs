//! The chain that holds the audit log together: each row's hash covers the row, its place, and the hash of the row before.
//!
//! The hash is an HMAC under a key that the database does not have, so whoever can write to the database can break the chain
//! but not mend it.

mod check;

use access::{Keyring, Purpose};
use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use ids::{AuditEntryId, TenantId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use check::check;

/// What comes first in every hashed text, so that it is never mistaken for a text of another kind.
const LABEL: &[u8] = b"revalenz audit row v1";

/// A row of the log as it is hashed: texts as PostgreSQL writes them, whatever somebody has made of them.
#[derive(Clone, Debug)]
pub struct ChainRow {
    pub id: AuditEntryId,
    pub occurred_at: DateTime<Utc>,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub action: String,
    pub resource_kind: String,
    pub resource_id: Option<String>,
    /// The text of the `jsonb` value, which PostgreSQL writes in one way only.
    pub changes: String,
    pub reason: Option<String>,
    pub request_id: Option<String>,
    pub address: Option<String>,
    pub sequence: Option<i64>,
    pub chain_hash: Option<Vec<u8>>,
    pub chain_key: Option<i16>,
}

web::text_enum! {
    /// What is wrong with the log.
    pub enum FindingKind {
        /// A row was changed, or its hash.
        Changed = "changed",
        /// Rows are gone.
        Missing = "missing",
        /// A row was put in that the platform did not write.
        Inserted = "inserted",
        /// A row stands where another stood.
        Moved = "moved",
        /// The newest rows are gone.
        CutOff = "cut_off",
        /// The head of the chain is gone, or is not that of these rows.
        WrongHead = "wrong_head",
        /// Sealed with a master key that is no longer in the ring: nothing can be said.
        UnknownKey = "unknown_key",
    }
}

/// One thing that is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"kind": "changed", "sequence": 1042, "until": null, "entry_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "moved_from": null}))]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// At which place of the chain; a row that was never sealed has none.
    pub sequence: Option<i64>,
    /// Up to which place, when it is several.
    pub until: Option<i64>,
    /// The row; of rows that are gone the one before.
    pub entry_id: Option<AuditEntryId>,
    /// Where a moved row stood.
    pub moved_from: Option<i64>,
}

impl Finding {
    /// At one place.
    pub fn at(kind: FindingKind, sequence: Option<i64>, entry_id: Option<AuditEntryId>) -> Self {
        Self {
            kind,
            sequence,
            until: None,
            entry_id,
            moved_from: None,
        }
    }

    /// At several places.
    pub fn range(
        kind: FindingKind,
        (first, last): (i64, i64),
        entry_id: Option<AuditEntryId>,
    ) -> Self {
        Self {
            until: Some(last),
            ..Self::at(kind, Some(first), entry_id)
        }
    }
}

/// Makes and checks the hashes of one tenant.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    tenant: TenantId,
    keyring: &'a Keyring,
}

impl<'a> Chain<'a> {
    /// Of this tenant.
    pub fn new(tenant: TenantId, keyring: &'a Keyring) -> Self {
        Self { tenant, keyring }
    }

    /// The id of the master key that seals now.
    pub fn current_key(&self) -> u8 {
        self.keyring.current_id()
    }

    /// The hash of `row` at a place behind the hash `before`; nothing when the master key is not in the ring.
    pub fn link(&self, key: u8, before: &[u8], sequence: i64, row: &ChainRow) -> Option<[u8; 32]> {
        let key = self.keyring.derive_of(key, Purpose::AuditChain)?;
        let text = canonical(self.tenant, before, sequence, row);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &text);
        let mut hash = [0; 32];
        hash.copy_from_slice(tag.as_ref());
        Some(hash)
    }
}

/// Every field with its length before it, and what is null unlike what is empty: no two rows are written alike.
fn canonical(tenant: TenantId, before: &[u8], sequence: i64, row: &ChainRow) -> Vec<u8> {
    let mut text = Vec::with_capacity(512 + row.changes.len());
    let mut put = |field: Option<&[u8]>| match field {
        None => text.push(0),
        Some(bytes) => {
            text.push(1);
            text.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            text.extend_from_slice(bytes);
        }
    };
    put(Some(LABEL));
    put(Some(tenant.uuid().as_bytes()));
    put(Some(before));
    put(Some(&sequence.to_be_bytes()));
    put(Some(row.id.uuid().as_bytes()));
    put(Some(&row.occurred_at.timestamp_micros().to_be_bytes()));
    put(Some(row.actor_kind.as_bytes()));
    put(row.actor_id.as_ref().map(|id| id.as_bytes().as_slice()));
    put(Some(row.action.as_bytes()));
    put(Some(row.resource_kind.as_bytes()));
    put(row.resource_id.as_deref().map(str::as_bytes));
    put(Some(row.changes.as_bytes()));
    put(row.reason.as_deref().map(str::as_bytes));
    put(row.request_id.as_deref().map(str::as_bytes));
    put(row.address.as_deref().map(str::as_bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn row(action: &str) -> ChainRow {
        ChainRow {
            id: AuditEntryId::at(DateTime::UNIX_EPOCH),
            occurred_at: DateTime::UNIX_EPOCH,
            actor_kind: "user".into(),
            actor_id: Some(Uuid::nil()),
            action: action.into(),
            resource_kind: "tenant".into(),
            resource_id: Some(String::new()),
            changes: "{}".into(),
            reason: None,
            request_id: Some("a".into()),
            address: None,
            sequence: None,
            chain_hash: None,
            chain_key: None,
        }
    }

    #[test]
    fn no_two_rows_are_written_alike() {
        let tenant = TenantId::at(DateTime::UNIX_EPOCH);
        let plain = row("ab");
        let write = |row: &ChainRow| canonical(tenant, b"", 1, row);
        let changed: [fn(&mut ChainRow); 12] = [
            |row| row.id = AuditEntryId::at(DateTime::UNIX_EPOCH),
            |row| row.occurred_at += chrono::TimeDelta::microseconds(1),
            |row| row.actor_kind = "system".into(),
            |row| row.actor_id = None,
            |row| row.action = "a".into(),
            |row| (row.action, row.resource_kind) = ("abt".into(), "enant".into()),
            |row| row.resource_id = None,
            |row| row.changes = "{ }".into(),
            |row| row.reason = Some(String::new()),
            |row| (row.request_id, row.address) = (None, Some("a".into())),
            |row| row.request_id = None,
            |row| row.address = Some("::1".into()),
        ];
        for change in changed {
            let mut other = plain.clone();
            change(&mut other);
            assert_ne!(write(&other), write(&plain), "{other:?}");
        }
        let other = TenantId::at(DateTime::UNIX_EPOCH);
        assert_ne!(canonical(other, b"", 1, &plain), write(&plain));
        assert_ne!(canonical(tenant, b"x", 1, &plain), write(&plain));
        assert_ne!(canonical(tenant, b"", 2, &plain), write(&plain));
    }
}

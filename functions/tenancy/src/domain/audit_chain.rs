//! The chain of the audit log: each row's hash covers the row, its position, and the hash of the row before.
//!
//! The hash is an HMAC with a key that is not in the database. Anyone who can write to the database can break the
//! chain, but not repair it.

mod check;

use std::ops::RangeInclusive;

use access::{Keyring, Purpose};
use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use ids::{AuditEntryId, TenantId};
use uuid::Uuid;

pub(crate) use check::check;

/// The prefix of every hashed text, so that it cannot be mistaken for another kind of text.
const HASH_LABEL: &[u8] = b"revalenz audit row v1";

/// A row of the log as it is hashed. Texts are as PostgreSQL returns them, even if they were tampered with.
#[derive(Clone, Debug)]
pub(crate) struct ChainRow {
    pub(crate) id: AuditEntryId,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) actor_kind: String,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) action: String,
    pub(crate) resource_kind: String,
    pub(crate) resource_id: Option<String>,
    /// The text of the `jsonb` value, which PostgreSQL always formats the same way.
    pub(crate) changes: String,
    pub(crate) reason: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) sequence: Option<i64>,
    pub(crate) chain_hash: Option<Vec<u8>>,
    pub(crate) chain_key: Option<i16>,
}

web::text_enum! {
    /// What is wrong with the audit log.
    pub enum FindingKind {
        /// An entry or its hash was changed.
        Changed = "changed",
        /// Entries are missing.
        Missing = "missing",
        /// An entry was inserted that the platform did not write.
        Inserted = "inserted",
        /// An entry is at the position of another one.
        Moved = "moved",
        /// The newest entries are missing.
        CutOff = "cut_off",
        /// The head of the chain is missing or belongs to another chain.
        WrongHead = "wrong_head",
        /// The entry was sealed with a master key that is no longer configured, so it cannot be checked.
        UnknownKey = "unknown_key",
    }
}

/// Something that is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What is wrong.
    pub(crate) kind: FindingKind,
    /// The position in the chain. A row that was never sealed has none.
    pub(crate) sequence: Option<i64>,
    /// The last position, if several in a row are affected.
    pub(crate) until: Option<i64>,
    /// The row; for missing rows the one before them.
    pub(crate) entry_id: Option<AuditEntryId>,
    /// The original position of a moved row.
    pub(crate) moved_from: Option<i64>,
}

impl Finding {
    /// A finding at one position.
    pub(crate) fn at(
        kind: FindingKind,
        sequence: Option<i64>,
        entry_id: Option<AuditEntryId>,
    ) -> Self {
        Self {
            kind,
            sequence,
            until: None,
            entry_id,
            moved_from: None,
        }
    }

    /// A finding at several positions.
    pub(crate) fn range(
        kind: FindingKind,
        positions: RangeInclusive<i64>,
        entry_id: Option<AuditEntryId>,
    ) -> Self {
        Self {
            until: Some(*positions.end()),
            ..Self::at(kind, Some(*positions.start()), entry_id)
        }
    }
}

/// Computes the hashes of one tenant's chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain<'a> {
    tenant: TenantId,
    keyring: &'a Keyring,
}

impl<'a> Chain<'a> {
    /// The chain of this tenant.
    pub(crate) fn new(tenant: TenantId, keyring: &'a Keyring) -> Self {
        Self { tenant, keyring }
    }

    /// The ID of the master key that new rows are sealed with.
    pub(crate) fn current_key(&self) -> u8 {
        self.keyring.current_id()
    }

    /// The hash of `row` at a position after the hash `before`; `None` if the master key is not in the keyring.
    pub(crate) fn link(
        &self,
        key: u8,
        before: &[u8],
        sequence: i64,
        row: &ChainRow,
    ) -> Option<[u8; 32]> {
        let key = self.keyring.derive_with(key, Purpose::AuditChain)?;
        let text = canonical(self.tenant, before, sequence, row);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &text);
        let mut hash = [0; 32];
        hash.copy_from_slice(tag.as_ref());
        Some(hash)
    }
}

/// Each field is preceded by its length, and null differs from empty, so that no two rows have the same text.
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
    put(Some(HASH_LABEL));
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

/// A hash in hexadecimal digits.
pub(crate) fn hex(hash: &[u8]) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
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
    fn different_rows_have_different_texts() {
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

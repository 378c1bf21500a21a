//! Keyset pagination with authenticated cursors.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ids::TenantId;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    body::{Field, Int, int_schema, number_from_text},
    problem::{self, Errors, Pointer, Problem},
};

/// Length of the authentication tag in bytes: half of SHA-256, as RFC 2104 allows.
const TAG_LENGTH: usize = 16;

/// Creates and verifies cursors. A cursor is a position with an HMAC over position and [`Scope`].
#[derive(Clone)]
pub struct Cursors(hmac::Key);

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors")
    }
}

/// The scope of a cursor: one list of one tenant with one filter and sort order.
#[derive(Debug)]
pub struct Scope(Vec<u8>);

impl Scope {
    /// The list `name` of `tenant`, with `filter` (without cursor and limit) including its sort order.
    pub fn new(name: &str, tenant: TenantId, filter: &impl Serialize) -> Self {
        let mut scope = format!("{name}\n{tenant}\n").into_bytes();
        // A filter is a plain struct of texts and numbers; serializing it cannot fail.
        scope.extend(serde_json::to_vec(filter).unwrap_or_default());
        Self(scope)
    }
}

impl Cursors {
    /// Creates cursors with a key derived for this purpose (32 bytes).
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The cursor of `position`.
    pub fn seal(&self, scope: &Scope, position: &impl Serialize) -> String {
        let position = serde_json::to_vec(position).unwrap_or_default();
        let mut cursor = self.sign(scope, &position).as_ref()[..TAG_LENGTH].to_vec();
        cursor.extend(position);
        URL_SAFE_NO_PAD.encode(cursor)
    }

    /// The position of a cursor that was created for this scope; `400 invalid_cursor` otherwise.
    pub fn open<T: DeserializeOwned>(&self, scope: &Scope, cursor: &str) -> Result<T, Problem> {
        let bytes = URL_SAFE_NO_PAD
            .decode(cursor)
            .map_err(|_| problem::INVALID_CURSOR.problem())?;
        let (tag, position) = bytes
            .split_at_checked(TAG_LENGTH)
            .ok_or(&problem::INVALID_CURSOR)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(
            &self.sign(scope, position).as_ref()[..TAG_LENGTH],
            tag,
        )
        .map_err(|_| problem::INVALID_CURSOR.problem())?;
        serde_json::from_slice(position).map_err(|_| problem::INVALID_CURSOR.problem())
    }

    fn sign(&self, scope: &Scope, position: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&(scope.0.len() as u64).to_be_bytes());
        context.update(&scope.0);
        context.update(position);
        context.sign()
    }
}

/// Page size: 1 to 200, default 50.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limit(u16);

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl Field for Limit {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let limit = Int::<1, 200>::read(value, at, errors)?;
        u16::try_from(limit.get()).ok().map(Self)
    }
    fn from_text(text: String, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        Self::read(number_from_text(&text), at, errors)
    }
    fn absent() -> Option<Self> {
        Some(Self::default())
    }
    fn schema() -> RefOr<Schema> {
        int_schema(1, 200).default(Some(50.into())).into()
    }
}

impl Limit {
    /// Number of rows to select: one more than the page size, to detect whether another page follows.
    pub fn rows(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// Builds the page from rows selected with [`Limit::rows`]; `cursor` creates the cursor of a row.
    pub fn page<T>(self, mut rows: Vec<T>, cursor: impl FnOnce(&T) -> String) -> Page<T> {
        let more = rows.len() > usize::from(self.0);
        rows.truncate(usize::from(self.0));
        let next_cursor = if more { rows.last().map(cursor) } else { None };
        Page::of(rows, next_cursor)
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
    /// Total number of items; only present with `count=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<i64>,
    /// What was deleted since the token, with `sync` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub deleted: Option<Vec<Deleted>>,
    /// The token for the next call with `sync`; only on the last page of changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_sync: Option<String>,
}

/// An item that was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deleted {
    /// The identifier of the item.
    pub id: String,
    /// The version with which it was deleted.
    pub version: i32,
}

impl<T> Page<T> {
    /// A page with these items.
    pub fn of(items: Vec<T>, next_cursor: Option<String>) -> Self {
        Self {
            items,
            next_cursor,
            total: None,
            deleted: None,
            next_sync: None,
        }
    }

    /// Converts the items of the page.
    pub fn map<U>(self, to: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(to).collect(),
            next_cursor: self.next_cursor,
            total: self.total,
            deleted: self.deleted,
            next_sync: self.next_sync,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_only_valid_for_its_own_list() {
        let cursors = Cursors::new(&[7; 32]);
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let (ours, theirs) = (TenantId::at(now), TenantId::at(now));
        let scope = Scope::new("tickets", ours, &("open", "created"));
        let cursor = cursors.seal(&scope, &(1, "a"));
        assert_eq!(
            cursors.open::<(i32, String)>(&scope, &cursor).unwrap(),
            (1, "a".to_owned())
        );
        for other in [
            Scope::new("tickets", theirs, &("open", "created")),
            Scope::new("users", ours, &("open", "created")),
            Scope::new("tickets", ours, &("closed", "created")),
        ] {
            assert!(cursors.open::<(i32, String)>(&other, &cursor).is_err());
        }
        assert!(
            Cursors::new(&[8; 32])
                .open::<(i32, String)>(&scope, &cursor)
                .is_err()
        );
        for forged in ["", "AAAA", "%%%", &cursor[1..], &format!("{cursor}A")] {
            assert!(cursors.open::<(i32, String)>(&scope, forged).is_err());
        }
    }

    #[test]
    fn a_page_ends_where_the_list_ends() {
        let page = Limit(2).page(vec![1, 2, 3], |last| format!("after {last}"));
        assert_eq!(
            (page.items, page.next_cursor.as_deref()),
            (vec![1, 2], Some("after 2"))
        );
        let page = Limit(2).page(vec![1, 2], |last| format!("after {last}"));
        assert_eq!((page.items, page.next_cursor), (vec![1, 2], None));
    }
}

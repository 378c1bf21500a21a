//! The list tool: what every list of the platform has, written once.
//!
//! A handler declares its filters with [`web::query!`], names a [`Source`] and how it is sorted, and pushes its conditions; the tool does
//! the rest: keyset pages, `ids`, `count`, changes since a token (`sync`) with what was deleted meanwhile, and CSV.

mod answer;
mod csv;
pub mod tombstones;

use axum::extract::FromRequestParts;
use chrono::{DateTime, TimeDelta, Utc};
use db::TenantTx;
use http::{HeaderMap, header, request::Parts};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder, Row, postgres::PgRow};
use uuid::Uuid;
use web::{
    Cursors, Limit, Localized, Page, Problem, RequestInfo, Scope,
    body::Field,
    cursor::Deleted,
    openapi::{Arg, OperationDoc},
    problem::{self, Errors, FieldCode, FieldError, Result},
    query::{OneOf, Pairs, Query, parameter},
};

pub use answer::Listed;

use crate::{Caller, Permission, Reach, problems};

/// A change may become visible this much after the time that it carries: longer than any transaction that writes.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);

/// Where the rows of a list come from.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// The name: part of cursors, tombstones and file names.
    pub name: &'static str,
    /// The columns of a row.
    pub columns: &'static str,
    /// The tables.
    pub from: &'static str,
    /// The tenant of a row.
    pub tenant: &'static str,
    /// The identifier of a row.
    pub id: &'static str,
    /// Its type.
    pub id_type: IdType,
    /// When a row last changed.
    pub changed_at: &'static str,
    /// The version of a row.
    pub version: &'static str,
    /// Whether a row has been deleted but is still stored.
    pub gone: &'static str,
}

/// The type of identifiers in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdType {
    /// `uuid`.
    Uuid,
    /// `text`.
    Text,
}

/// How a list is sorted: by these expressions with their types, then by identifier.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// The expressions.
    pub keys: &'static [(&'static str, &'static str)],
    /// Whether all of them are descending.
    pub descending: bool,
}

web::text_enum! {
    /// The format of a list.
    pub enum Format {
        /// A page with items.
        Json = "json",
        /// A table with a header row (RFC 4180).
        Csv = "csv",
    }
}

/// The parameters of a list: its own filters, and what every list has.
#[derive(Debug)]
pub struct ListQuery<F> {
    /// The filters.
    pub filter: F,
    ids: Option<Vec<String>>,
    sync: Option<String>,
    cursor: Option<String>,
    limit: Limit,
    count: bool,
    format: Format,
    /// What the caller wrote, without the page: a cursor is bound to it.
    given: Vec<(String, String)>,
    path: String,
}

/// What a cursor or a token stands for.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    keys: Vec<String>,
    id: String,
    /// The time from which on changes are listed.
    since: Option<DateTime<Utc>>,
}

/// What a token of changes stands for.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    /// When the newest row that was reported last changed.
    newest: DateTime<Utc>,
    issued: DateTime<Utc>,
}

/// A text of any content; which one is right is checked where it is used.
struct Opaque(String);

impl Field for Opaque {
    fn read(value: serde_json::Value, at: &problem::Pointer, errors: &mut Errors) -> Option<Self> {
        match value {
            serde_json::Value::String(text) if !text.contains('\0') => Some(Self(text)),
            _ => errors.refuse(at, FieldCode::InvalidCharacters),
        }
    }
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .into()
    }
}

const NOT_WITH_SYNC: FieldCode = FieldCode::Rule(
    "not_with_sync",
    Localized {
        de: "ist mit sync nicht möglich: eine Zeile, die aus dem Filter fällt, würde nie gemeldet",
        en: "is not possible with sync: a row that no longer matches would never be reported",
    },
);

impl<S: Send + Sync, F: Query> FromRequestParts<S> for ListQuery<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Ok(request) = RequestInfo::from_request_parts(parts, state).await;
        let mut errors = Errors::default();
        let query = parts.uri.query().unwrap_or_default();
        let mut pairs = Pairs::new(query, &mut errors);
        let cursor = pairs
            .take::<Option<Opaque>>("cursor", &mut errors)
            .flatten();
        let limit = pairs.take::<Limit>("limit", &mut errors);
        let count = pairs.take::<Option<bool>>("count", &mut errors).flatten();
        let format = pairs
            .take::<Option<Format>>("format", &mut errors)
            .flatten();
        let given = pairs.rest().clone().into_iter().collect();
        let sync = pairs.take::<Option<Opaque>>("sync", &mut errors).flatten();
        if sync.is_some() {
            let count = count.map(|_| "count");
            for name in pairs.rest().keys().map(String::as_str).chain(count) {
                let at = problem::Pointer::default().child(name);
                errors.refuse::<()>(&at, NOT_WITH_SYNC);
            }
        }
        let ids = pairs.take::<OneOf<Opaque>>("ids", &mut errors);
        let filter = F::take(&mut pairs, &mut errors);
        let read = match (filter, ids, limit) {
            (Some(filter), Some(ids), Some(limit)) => Some((filter, ids, limit)),
            _ => None,
        };
        let (filter, ids, limit) = pairs.finish(read, errors)?;
        let format = match format {
            Some(format) => format,
            None => accepted(&parts.headers)?,
        };
        let ids = ids.given();
        Ok(Self {
            filter,
            ids: ids.map(|ids| ids.into_iter().map(|id| id.0).collect()),
            sync: sync.map(|token| token.0),
            cursor: cursor.map(|cursor| cursor.0),
            limit,
            count: count == Some(true),
            format,
            given,
            path: request.path().to_owned(),
        })
    }
}

/// The format that the client prefers (RFC 9110, 12.5.1); JSON if both are as welcome.
fn accepted(headers: &HeaderMap) -> Result<Format> {
    let mut best = None;
    let mut is_asked = false;
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts
                .find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok())
                .unwrap_or(1.0);
            is_asked |= !media.is_empty();
            let format = match media.as_str() {
                "text/csv" | "text/*" => Format::Csv,
                "application/json" | "application/*" | "*/*" | "application/problem+json" => {
                    Format::Json
                }
                _ => continue,
            };
            let is_better = |(known, other): (f32, Format)| {
                weight > known || (weight >= known && format < other)
            };
            if weight > 0.0 && best.is_none_or(is_better) {
                best = Some((weight, format));
            }
        }
    }
    match best {
        Some((_, format)) => Ok(format),
        None if is_asked => Err(problem::NOT_ACCEPTABLE
            .problem()
            .argument("expected", "application/json, text/csv")),
        None => Ok(Format::Json),
    }
}

impl<F: Query> Arg for ListQuery<F> {
    fn describe(doc: &mut OperationDoc) {
        for parameter in F::parameters() {
            doc.reads(parameter);
        }
        doc.reads(parameter::<OneOf<Opaque>>(
            "ids",
            "Only the rows with these identifiers, at most 100. Unknown ones, and those that the caller cannot see, are left out.",
        ));
        doc.reads(parameter::<Option<Opaque>>(
            "sync",
            "Changes since the last call: empty for the first one, then `next_sync` of the last page. Follow `next_cursor` while there is one. Only `limit`, `cursor` and \
             `format` go together with it. A row may come again; the one that comes last is right. A token is valid for 90 days.",
        ));
        doc.reads(parameter::<Limit>(
            "limit",
            "Maximum number of items per page.",
        ));
        doc.reads(parameter::<Option<Opaque>>(
            "cursor",
            "Cursor of the page to return: `next_cursor` of the previous page.",
        ));
        doc.reads(parameter::<Option<bool>>(
            "count",
            "If `true`, include the total number of items.",
        ));
        doc.reads(parameter::<Option<Format>>(
            "format",
            "`csv` returns a table with a header row, like `Accept: text/csv`; the next page is in the `Link` header.",
        ));
        doc.also_returns_csv();
        for kind in [
            &problem::VALIDATION_FAILED,
            // A hundred identifiers of every filter are too many.
            &problem::URI_TOO_LONG,
            &problem::INVALID_CURSOR,
            &problem::NOT_ACCEPTABLE,
            &problems::SYNC_NOT_AVAILABLE,
            &problems::SYNC_EXPIRED,
        ] {
            doc.refuses(kind);
        }
    }
}

/// Adds the condition that the column has one of these values, if there are any.
pub fn push_any<T>(query: &mut QueryBuilder<Postgres>, column: &str, values: Option<&Vec<T>>)
where
    T: Clone + Send + 'static,
    Vec<T>: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres>,
{
    if let Some(values) = values {
        query.push(format_args!(" and {column} = any("));
        query.push_bind(values.clone()).push(")");
    }
}

/// An item of a list that is short enough to be held in memory.
#[derive(Debug)]
pub struct Entry<T> {
    /// The identifier.
    pub id: String,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// The item.
    pub item: T,
}

impl<F> ListQuery<F> {
    /// Reads one page of the source. `scope` are the conditions that decide what the caller can see, `filter` those that the caller asked
    /// for.
    pub async fn rows<R, P>(
        &self,
        cursors: &Cursors,
        caller: &Caller<P>,
        tx: &mut TenantTx,
        (source, order): (&Source, Order),
        scope: impl Fn(&mut QueryBuilder<Postgres>) + Sync,
        filter: impl Fn(&mut QueryBuilder<Postgres>) + Sync,
    ) -> Result<Listed<R>>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
        P: Permission,
    {
        let cursor_scope = self.cursor_scope(source.name, caller);
        let after = self.open(cursors, &cursor_scope)?;
        if let Some(token) = &self.sync {
            let changes = Changes {
                list: self,
                cursors,
                scope: &cursor_scope,
                since: since(
                    token,
                    after.as_ref(),
                    cursors,
                    &cursor_scope,
                    caller,
                    tx.now(),
                )?,
            };
            return changes.rows(tx, source, after, scope).await;
        }
        let mut query = QueryBuilder::new("select ");
        select(&mut query, source, order);
        let restrict = |query: &mut QueryBuilder<Postgres>, tx: &TenantTx| {
            query.push(format_args!(
                " from {} where {} = ",
                source.from, source.tenant
            ));
            query.push_bind(tx.tenant());
            query.push(format_args!(" and not ({})", source.gone));
            scope(query);
            filter(query);
            self.push_ids(query, source)
        };
        restrict(&mut query, tx)?;
        push_page(&mut query, source, order, after.as_ref(), self.limit);
        let rows = query
            .build()
            .fetch_all(tx.conn())
            .await
            .map_err(db::DbError::from)?;
        let rows = read_rows::<R>(&rows)?;
        let total = if self.count {
            let mut query = QueryBuilder::new("select count(*)");
            restrict(&mut query, tx)?;
            let counted = query.build_query_scalar().fetch_one(tx.conn()).await;
            Some(counted.map_err(db::DbError::from)?)
        } else {
            None
        };
        let mut page = self.limit.page(rows, |row: &Read<R>| {
            let position = Position {
                keys: row.keys.clone(),
                id: row.id.clone(),
                since: None,
            };
            cursors.seal(&cursor_scope, &position)
        });
        page.total = total;
        Ok(self.answer(source.name, page.map(|row| row.row)))
    }

    /// One page of items that are all in memory, in their order.
    pub async fn items<T, P: Permission>(
        &self,
        cursors: &Cursors,
        caller: &Caller<P>,
        tx: &mut TenantTx,
        name: &'static str,
        entries: Vec<Entry<T>>,
    ) -> Result<Listed<T>> {
        let cursor_scope = self.cursor_scope(name, caller);
        let after = self.open(cursors, &cursor_scope)?;
        let since = match &self.sync {
            Some(token) => since(
                token,
                after.as_ref(),
                cursors,
                &cursor_scope,
                caller,
                tx.now(),
            )?,
            None => None,
        };
        let newest = entries.iter().map(|entry| entry.changed_at).max();
        let mut entries: Vec<Entry<T>> = entries
            .into_iter()
            .filter(|entry| since.is_none_or(|since| entry.changed_at >= since))
            .filter(|entry| self.ids.as_ref().is_none_or(|ids| ids.contains(&entry.id)))
            .collect();
        let total = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        if let Some(after) = &after {
            let place = entries.iter().position(|entry| entry.id == after.id);
            entries.drain(..place.map_or(0, |place| place + 1));
        }
        let mut page = self.limit.page(entries, |last| {
            let position = Position {
                keys: Vec::new(),
                id: last.id.clone(),
                since,
            };
            cursors.seal(&cursor_scope, &position)
        });
        page.total = self.count.then_some(total);
        page.deleted = self.sync.as_ref().map(|_| Vec::new());
        if self.sync.is_some() && page.next_cursor.is_none() {
            let deleted = tombstones::list(tx, name, since).await?;
            let newest = newest
                .into_iter()
                .chain(deleted.iter().map(|grave| grave.deleted_at));
            let newest = newest.max().or(since.map(|since| since + OVERLAP));
            let token = Token {
                newest: newest.unwrap_or(tx.now()),
                issued: tx.now(),
            };
            page.next_sync = Some(cursors.seal(&cursor_scope, &token));
            page.deleted = Some(deleted.into_iter().map(Deleted::from).collect());
        }
        Ok(self.answer(name, page.map(|entry| entry.item)))
    }

    fn answer<T>(&self, name: &'static str, page: Page<T>) -> Listed<T> {
        Listed {
            page,
            name,
            format: self.format,
            next: self.next_page(),
        }
    }

    /// The address of the next page, without its cursor.
    fn next_page(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.given);
        query.append_pair("limit", &(self.limit.rows() - 1).to_string());
        query.append_pair("format", self.format.as_str());
        format!("{}?{}&cursor=", self.path, query.finish())
    }

    fn cursor_scope<P>(&self, name: &str, caller: &Caller<P>) -> Scope {
        // A token goes from one call to the next; whether there is one is part of the scope.
        let given: Vec<_> = self
            .given
            .iter()
            .filter(|(name, _)| name != "sync")
            .collect();
        // With and without the version it is the same list.
        let path = self.path.strip_prefix("/api/v1").unwrap_or(&self.path);
        let path = path.strip_prefix("/api").unwrap_or(path);
        let scope = (path, given, self.sync.is_some(), caller.actor.id);
        Scope::new(name, caller.tenant.id, &scope)
    }

    fn open(&self, cursors: &Cursors, scope: &Scope) -> Result<Option<Position>> {
        let cursor = self.cursor.as_deref();
        cursor.map(|cursor| cursors.open(scope, cursor)).transpose()
    }

    fn push_ids(&self, query: &mut QueryBuilder<Postgres>, source: &Source) -> Result<()> {
        let Some(ids) = &self.ids else {
            return Ok(());
        };
        query.push(format_args!(" and {} = any(", source.id));
        match source.id_type {
            IdType::Text => query.push_bind(ids.clone()),
            IdType::Uuid => {
                let parsed: Result<Vec<Uuid>, _> = ids.iter().map(|id| id.parse()).collect();
                query.push_bind(parsed.map_err(|_| not_ids())?)
            }
        };
        query.push(")");
        Ok(())
    }
}

fn not_ids() -> Problem {
    Problem::invalid(vec![FieldError {
        pointer: "/ids".to_owned(),
        code: FieldCode::InvalidFormat(Localized {
            de: "müssen UUIDs sein, getrennt durch Kommas",
            en: "must be UUIDs separated by commas",
        }),
    }])
}

/// The time from which on changes are listed; `None` for all rows.
fn since<P: Permission>(
    token: &str,
    after: Option<&Position>,
    cursors: &Cursors,
    scope: &Scope,
    caller: &Caller<P>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    // A row that leaves what the caller can see would never be reported.
    if caller.reach() != Reach::All {
        return Err(problems::SYNC_NOT_AVAILABLE.problem());
    }
    if let Some(after) = after {
        return Ok(after.since);
    }
    if token.is_empty() {
        return Ok(None);
    }
    let token: Token = cursors.open(scope, token)?;
    // What was deleted before it was issued has been reported, however old the newest change is.
    if token.issued < now - tombstones::RETENTION {
        return Err(problems::SYNC_EXPIRED.problem());
    }
    Ok(Some(token.newest - OVERLAP))
}

/// A page of changes.
struct Changes<'a, F> {
    list: &'a ListQuery<F>,
    cursors: &'a Cursors,
    scope: &'a Scope,
    since: Option<DateTime<Utc>>,
}

impl<F> Changes<'_, F> {
    async fn rows<R>(
        &self,
        tx: &mut TenantTx,
        source: &Source,
        after: Option<Position>,
        scope: impl Fn(&mut QueryBuilder<Postgres>) + Sync,
    ) -> Result<Listed<R>>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let keys = [(source.changed_at, "timestamptz")];
        let mut query = QueryBuilder::new("select ");
        select_keys(&mut query, source, &keys);
        query.push(format_args!(
            " from {} where {} = ",
            source.from, source.tenant
        ));
        query.push_bind(tx.tenant());
        scope(&mut query);
        match self.since {
            Some(since) => {
                query.push(format_args!(" and {} >= ", source.changed_at));
                query.push_bind(since);
            }
            // A client that has nothing yet needs no deletions.
            None => {
                query.push(format_args!(" and not ({})", source.gone));
            }
        }
        push_keys(
            &mut query,
            source,
            &keys,
            false,
            after.as_ref(),
            self.list.limit,
        );
        let rows = query
            .build()
            .fetch_all(tx.conn())
            .await
            .map_err(db::DbError::from)?;
        let rows = read_rows::<R>(&rows)?;
        let page = self.list.limit.page(rows, |row| {
            let position = Position {
                keys: row.keys.clone(),
                id: row.id.clone(),
                since: self.since,
            };
            self.cursors.seal(self.scope, &position)
        });
        let newest = page.items.iter().map(|row| row.changed_at).max();
        let mut deleted = Vec::new();
        let mut items = Vec::new();
        for row in page.items {
            if row.gone {
                deleted.push(Deleted {
                    id: row.id,
                    version: row.version,
                });
            } else {
                items.push(row.row);
            }
        }
        let mut page = Page::of(items, page.next_cursor);
        if page.next_cursor.is_none() {
            // Deletions come with the last page, so that none is missed however long the pages take.
            let graves = tombstones::list(tx, source.name, self.since).await?;
            let times = graves.iter().map(|grave| grave.deleted_at);
            let newest = newest.into_iter().chain(times).max();
            let before = self.since.map(|since| since + OVERLAP);
            let token = Token {
                newest: newest.max(before).unwrap_or(tx.now()),
                issued: tx.now(),
            };
            deleted.extend(graves.into_iter().map(Deleted::from));
            page.next_sync = Some(self.cursors.seal(self.scope, &token));
        }
        page.deleted = Some(deleted);
        Ok(self.list.answer(source.name, page))
    }
}

/// A row with what the tool needs of it.
struct Read<R> {
    row: R,
    id: String,
    keys: Vec<String>,
    changed_at: DateTime<Utc>,
    version: i32,
    gone: bool,
}

fn read_rows<R: for<'r> FromRow<'r, PgRow>>(rows: &[PgRow]) -> Result<Vec<Read<R>>> {
    let read = |row: &PgRow| -> sqlx::Result<Read<R>> {
        Ok(Read {
            row: R::from_row(row)?,
            id: row.try_get("list_id")?,
            keys: row.try_get("list_keys")?,
            changed_at: row.try_get("list_changed_at")?,
            version: row.try_get("list_version")?,
            gone: row.try_get("list_gone")?,
        })
    };
    let rows: sqlx::Result<Vec<_>> = rows.iter().map(read).collect();
    rows.map_err(|error| db::DbError::from(error).into())
}

fn select(query: &mut QueryBuilder<Postgres>, source: &Source, order: Order) {
    select_keys(query, source, order.keys);
}

fn select_keys(query: &mut QueryBuilder<Postgres>, source: &Source, keys: &[(&str, &str)]) {
    let texts: Vec<String> = keys
        .iter()
        .map(|(key, _)| format!("({key})::text"))
        .collect();
    query.push(format_args!(
        "{}::text as list_id, array[{}]::text[] as list_keys, {} as list_changed_at, {} as list_version, ({}) as list_gone, {}",
        source.id,
        texts.join(", "),
        source.changed_at,
        source.version,
        source.gone,
        source.columns,
    ));
}

fn push_page(
    query: &mut QueryBuilder<Postgres>,
    source: &Source,
    order: Order,
    after: Option<&Position>,
    limit: Limit,
) {
    push_keys(query, source, order.keys, order.descending, after, limit);
}

/// The rows after a position, in order, one more than the page holds.
fn push_keys(
    query: &mut QueryBuilder<Postgres>,
    source: &Source,
    keys: &[(&str, &str)],
    descending: bool,
    after: Option<&Position>,
    limit: Limit,
) {
    let (compare, direction) = if descending {
        ("<", "desc")
    } else {
        (">", "asc")
    };
    if let Some(after) = after {
        query.push(" and (");
        for (key, _) in keys {
            query.push(format_args!("{key}, "));
        }
        query.push(format_args!("{}) {compare} (", source.id));
        for ((_, sql_type), value) in keys.iter().zip(&after.keys) {
            query
                .push_bind(value.clone())
                .push(format_args!("::{sql_type}, "));
        }
        let sql_type = match source.id_type {
            IdType::Uuid => "uuid",
            IdType::Text => "text",
        };
        query
            .push_bind(after.id.clone())
            .push(format_args!("::{sql_type})"));
    }
    query.push(" order by ");
    for (key, _) in keys {
        query.push(format_args!("{key} {direction}, "));
    }
    // Part of the text, because PostgreSQL estimates a bound limit as a tenth of the table and plans badly.
    query.push(format_args!(
        "{} {direction} limit {}",
        source.id,
        limit.rows()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_format_is_sent() {
        for (accept, wanted) in [
            ("", Some(Format::Json)),
            ("*/*", Some(Format::Json)),
            ("text/csv", Some(Format::Csv)),
            ("text/csv, application/json;q=0.9", Some(Format::Csv)),
            ("text/csv;q=0.5, application/json", Some(Format::Json)),
            ("text/csv, */*;q=0.1", Some(Format::Csv)),
            ("text/csv, application/json", Some(Format::Json)),
            ("application/xml", None),
            ("text/csv;q=0", None),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(accepted(&headers).ok(), wanted, "{accept}");
        }
    }
}

//! What every table and column holds, whom it is about, and what becomes of it when a person or a tenant is erased.
//!
//! Each context declares its tables with [`tables!`](crate::tables!). A test compares the declarations with the system
//! catalogue, so a new column cannot be forgotten.

/// How much protection a column needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Says nothing about a person.
    None,
    /// Relates to a person (Art. 4 (1) GDPR), also by an identifier. Free text is personal unless it cannot name anyone.
    Personal,
    /// Personal, and harmful if it becomes known: pay, health, special categories (Art. 9 GDPR).
    Sensitive,
    /// Relates to a child.
    Child,
    /// Proves an identity or opens something: passwords, keys, tokens, also hashed or encrypted. Never exported.
    Secret,
}

/// What happens to a column when the person whom its row is about is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// It stays. An identifier of an erased person leads to no name.
    Keep,
    /// It becomes null.
    Nullify,
    /// It is overwritten with a value that identifies no person.
    Pseudonymise,
    /// The whole row is deleted.
    DeleteRow,
    /// It stays until a period ends, because a law or a legitimate purpose requires it.
    KeepUntil {
        /// The law or purpose.
        reason: &'static str,
        /// How long.
        period: Period,
    },
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Days since the row was created.
    Days(u16),
    /// Years since the end of the calendar year in which the row was created.
    Years(u8),
}

/// How a row belongs to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A column holds the id of the user.
    User(&'static str),
    /// A column holds the email address.
    Email(&'static str),
    /// A text column holds `user:<id>` or `user/<id>`.
    Reference(&'static str),
    /// A column refers to a row of another table, which belongs to the person.
    Path {
        /// The column that refers.
        column: &'static str,
        /// The other table.
        table: &'static str,
    },
}

/// What happens to the rows of a closed tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closure {
    /// The function deletes them.
    ErasedBy(&'static str),
    /// They are kept for this reason.
    Kept(&'static str),
    /// The table holds no tenant's data.
    NotTenantData,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// How much protection it needs.
    pub class: Class,
    /// What happens to it when the person is erased.
    pub strategy: Strategy,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// `schema.table`.
    pub name: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// How its rows belong to a person; empty if they belong to none.
    pub subjects: &'static [Subject],
    /// What happens to the rows of a closed tenant.
    pub closure: Closure,
    /// Every column.
    pub columns: &'static [Column],
}

/// Declares `TABLES`: the tables of a context, in the order in which the rows of a closed tenant are deleted (referencing tables
/// before the tables they reference).
///
/// `subject` lists how a row belongs to a person, `erasure` what happens to a column that states nothing else when the person is
/// erased, `closure` what happens to the row when the tenant is closed.
///
/// ```
/// db::tables! {
///     /// A note of a user.
///     journal.notes: subject [user(author_id)], erasure [delete_row], closure [erased_by(journal)] {
///         tenant_id: none;
///         note_id: none;
///         author_id: personal;
///         content: sensitive;
///     }
///     /// An invoice.
///     journal.invoices: subject [path(note_id -> journal.notes)], erasure [keep], closure [kept("§ 147 AO")] {
///         tenant_id: none;
///         note_id: none;
///         amount: personal, keep_until("§ 147 AO", years 8);
///     }
/// }
/// assert_eq!(TABLES[0].name, "journal.notes");
/// assert_eq!(TABLES[0].columns[3].strategy, db::tables::Strategy::DeleteRow);
/// ```
#[macro_export]
macro_rules! tables {
    (@subject user($column:ident)) => { $crate::tables::Subject::User(stringify!($column)) };
    (@subject email($column:ident)) => { $crate::tables::Subject::Email(stringify!($column)) };
    (@subject reference($column:ident)) => { $crate::tables::Subject::Reference(stringify!($column)) };
    (@subject path($column:ident -> $schema:ident.$table:ident)) => {
        $crate::tables::Subject::Path {
            column: stringify!($column),
            table: concat!(stringify!($schema), ".", stringify!($table)),
        }
    };
    (@closure erased_by($function:ident)) => { $crate::tables::Closure::ErasedBy(stringify!($function)) };
    (@closure kept($reason:literal)) => { $crate::tables::Closure::Kept($reason) };
    (@closure not_tenant_data) => { $crate::tables::Closure::NotTenantData };
    (@class none) => { $crate::tables::Class::None };
    (@class personal) => { $crate::tables::Class::Personal };
    (@class sensitive) => { $crate::tables::Class::Sensitive };
    (@class child) => { $crate::tables::Class::Child };
    (@class secret) => { $crate::tables::Class::Secret };
    (@strategy [$($default:tt)+]) => { $crate::tables!(@one $($default)+) };
    (@strategy [$($default:tt)+] $($own:tt)+) => { $crate::tables!(@one $($own)+) };
    (@one keep) => { $crate::tables::Strategy::Keep };
    (@one nullify) => { $crate::tables::Strategy::Nullify };
    (@one pseudonymise) => { $crate::tables::Strategy::Pseudonymise };
    (@one delete_row) => { $crate::tables::Strategy::DeleteRow };
    (@one keep_until($reason:literal, days $days:literal)) => {
        $crate::tables::Strategy::KeepUntil { reason: $reason, period: $crate::tables::Period::Days($days) }
    };
    (@one keep_until($reason:literal, years $years:literal)) => {
        $crate::tables::Strategy::KeepUntil { reason: $reason, period: $crate::tables::Period::Years($years) }
    };
    ($(
        $(#[doc = $doc:literal])+
        $schema:ident.$table:ident: subject [$($link:ident($($target:tt)+)),*], erasure $default:tt,
            closure [$($closure:tt)+] {
            $($column:ident: $class:ident $(, $strategy:ident $(($($terms:tt)+))?)?;)+
        }
    )+) => {
        /// The tables of this context, in the order of erasure.
        pub static TABLES: &[$crate::tables::Table] = &[$($crate::tables::Table {
            name: concat!(stringify!($schema), ".", stringify!($table)),
            doc: concat!($($doc),+),
            subjects: &[$($crate::tables!(@subject $link($($target)+))),*],
            closure: $crate::tables!(@closure $($closure)+),
            columns: &[$($crate::tables::Column {
                name: stringify!($column),
                class: $crate::tables!(@class $class),
                strategy: $crate::tables!(@strategy $default $($strategy $(($($terms)+))?)?),
            }),+],
        }),+];
    };
}

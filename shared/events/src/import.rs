//! The runner of imports: batches of one transaction each, so that an interrupted import can be sent again.

use access::{Caller, Permission};
use std::collections::HashSet;
use web::{
    body::Field,
    import::{Rows, Tally},
    problem::{FieldCode, FieldError, Result},
};

use crate::{Backend, UnitOfWork};

/// What is imported, and how its rows are written.
pub trait Import: Send {
    /// A row of the file.
    type Row: Field + Send;
    /// What a batch becomes.
    type Plan: Send;
    /// Rows per transaction.
    const BATCH_SIZE: usize;

    /// Checks a batch against what is stored, and records the outcome of each row. `None` if there is nothing to write.
    fn plan(
        &mut self,
        unit: &mut UnitOfWork,
        batch: Vec<(u64, Self::Row)>,
        tally: &mut Tally,
    ) -> impl Future<Output = Result<Option<Self::Plan>>> + Send;

    /// Writes a batch.
    fn write(
        &mut self,
        unit: &mut UnitOfWork,
        plan: Self::Plan,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// The rows that are valid by themselves and share none of their `keys`, values with the name of their field, with an earlier row.
pub fn distinct_rows<T>(
    rows: Rows<T>,
    tally: &mut Tally,
    keys: impl Fn(&T) -> Vec<(&'static str, String)>,
) -> Vec<(u64, T)> {
    let mut seen = HashSet::new();
    let mut valid = Vec::with_capacity(rows.0.len());
    for row in rows.0 {
        let read = match row.read {
            Ok(read) => read,
            Err(errors) => {
                tally.refuse(row.line, errors);
                continue;
            }
        };
        let mut known = keys(&read)
            .into_iter()
            .filter(|key| !seen.insert(key.clone()));
        match known.next() {
            None => valid.push((row.line, read)),
            Some((field, _)) => tally.refuse(
                row.line,
                vec![FieldError {
                    pointer: format!("/{field}"),
                    code: FieldCode::Duplicate,
                }],
            ),
        }
    }
    valid
}

/// Plans and writes the rows; a dry run only plans them.
pub async fn run<I: Import, P: Permission>(
    app: &impl Backend,
    caller: &Caller<P>,
    import: &mut I,
    rows: Vec<(u64, I::Row)>,
    dry_run: bool,
    tally: &mut Tally,
) -> Result<()> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let batch = rows.by_ref().take(I::BATCH_SIZE).collect();
        let mut unit = UnitOfWork::begin(app, caller).await?;
        unit.force_custom_plans().await?;
        match import.plan(&mut unit, batch, tally).await? {
            None => unit.commit_unchanged().await?,
            Some(_) if dry_run => unit.rollback(),
            Some(plan) => {
                import.write(&mut unit, plan).await?;
                unit.commit().await?;
            }
        }
    }
    Ok(())
}

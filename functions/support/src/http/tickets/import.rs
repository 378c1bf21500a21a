//! Importing tickets from another system.
//!
//! Each batch of rows is one transaction. An interrupted request leaves complete batches, and sending the same file again
//! continues where it stopped, because `external_id` identifies the tickets that exist already.

mod body;
mod plan;

use std::collections::{HashMap, HashSet};

use access::{Caller, audit};
use axum::{extract::State, response::Response};
use events::{
    UnitOfWork,
    import::{self, Import, distinct_rows},
};
use http::HeaderMap;
use serde_json::Value;
use web::{
    Localized, SingleLine, ValidQuery,
    import::{Outcome, Report, Rows, Tally},
    problem::{FieldCode, FieldError, Result},
};

use self::{
    body::ImportTicket,
    plan::{ImportContext, ImportedTicket},
};
use crate::{
    App,
    declarations::TICKET_CATEGORIES,
    events::{ImportedTickets, TicketsImported},
    permissions::TicketImport,
    store::{
        import::{self as store, ExistingTicket, Person},
        tickets::Number,
    },
};

web::query! {
    /// Options of an import.
    pub(crate) struct ImportQuery {
        /// If `true`, report the result of each row without changing anything.
        pub(crate) dry_run: Option<bool>,
        /// The system that the tickets come from; `external_id` is unique within it. Defaults to `import`.
        pub(crate) source: Option<SingleLine<1, 40>>,
    }
}

/// Import tickets
///
/// Imports up to 2,000 tickets per request from CSV, JSON or NDJSON. A ticket that was imported before, as identified by
/// `source` and `external_id`, is left unchanged, so an interrupted import can be sent again. Invalid rows are refused
/// individually and reported with their line. No emails are sent and no response times start. With `Accept: text/plain` the
/// report is plain text.
#[utoipa::path(post, path = "/tickets/import", responses(
    (status = 200, description = "The result of the import.", content((Report = "application/json"), (String = "text/plain")))
))]
pub(crate) async fn import_tickets(
    State(app): State<App>,
    caller: Caller<TicketImport>,
    ValidQuery(query): ValidQuery<ImportQuery>,
    headers: HeaderMap,
    rows: Rows<ImportTicket>,
) -> Result<Response> {
    let dry_run = query.dry_run == Some(true);
    let mut tally = Tally::default();
    let valid = distinct_rows(rows, &mut tally, ImportTicket::keys);
    let people = list_people(&app, &caller, &valid).await?;
    let categories = TICKET_CATEGORIES.read(&caller.tenant);
    let highest = valid
        .iter()
        .filter_map(|(_, row)| row.number)
        .map(|number| number.0)
        .max();
    let mut import = TicketsImport {
        source: query.source.as_ref().map_or("import", SingleLine::as_str),
        people: &people,
        categories: &categories,
        highest_number: highest.unwrap_or_default(),
    };
    import::run(&app, &caller, &mut import, valid, dry_run, &mut tally).await?;
    let language = caller.request().language();
    Ok(tally
        .report("tickets", dry_run, language)
        .into_response_for(&headers, language))
}

impl ImportTicket {
    /// What no two rows of a file share.
    fn keys(&self) -> Vec<(&'static str, String)> {
        let number = self.number.map(|number| ("number", number.0.to_string()));
        let id = ("external_id", self.external_id.as_str().to_owned());
        std::iter::once(id).chain(number).collect()
    }
}

/// The people of the tenant whose email addresses occur in the file.
async fn list_people(
    app: &App,
    caller: &Caller<TicketImport>,
    rows: &[(u64, ImportTicket)],
) -> Result<HashMap<String, Person>> {
    let emails: HashSet<&str> = rows
        .iter()
        .flat_map(|(_, row)| row.emails())
        .map(web::Email::as_str)
        .collect();
    let emails: Vec<String> = emails.into_iter().map(str::to_owned).collect();
    let mut unit = UnitOfWork::begin(app, caller).await?;
    unit.force_custom_plans().await?;
    let people = store::list_people(&mut unit, &emails).await?;
    unit.commit_unchanged().await?;
    Ok(people)
}

/// State shared by all batches of a file.
struct TicketsImport<'a> {
    source: &'a str,
    people: &'a HashMap<String, Person>,
    categories: &'a [&'a str],
    /// The highest number that the file contains or that was assigned; rows without a number get higher ones.
    highest_number: i32,
}

impl Import for TicketsImport<'_> {
    type Row = ImportTicket;
    type Plan = Vec<ImportedTicket>;
    /// A batch blocks the creation of other tickets of the tenant for a second at most.
    const BATCH_SIZE: usize = 250;

    /// The new tickets of a batch, under the lock on the tenant's ticket numbers.
    async fn plan(
        &mut self,
        unit: &mut UnitOfWork,
        batch: Vec<(u64, ImportTicket)>,
        tally: &mut Tally,
    ) -> Result<Option<Vec<ImportedTicket>>> {
        let context = ImportContext {
            people: self.people,
            categories: self.categories,
            source: self.source,
            actor: unit.actor(),
            now: unit.now(),
        };
        self.highest_number = self.highest_number.max(store::lock_numbers(unit).await?);
        let external_ids: Vec<String> = batch
            .iter()
            .map(|(_, row)| row.external_id.as_str().to_owned())
            .collect();
        let existing = store::list_existing_tickets(unit, self.source, &external_ids).await?;
        let existing: HashMap<&str, &ExistingTicket> = existing
            .iter()
            .map(|ticket| (ticket.external_id.as_str(), ticket))
            .collect();
        let numbers: Vec<i32> = batch
            .iter()
            .filter_map(|(_, row)| row.number)
            .map(|number| number.0)
            .collect();
        let taken = store::list_taken_numbers(unit, &numbers).await?;
        let taken: HashSet<i32> = taken.into_iter().collect();
        let mut new = Vec::new();
        for (line, row) in batch {
            if let Some(ticket) = existing.get(row.external_id.as_str()) {
                let (id, number) = (ticket.id.to_string(), Number(ticket.number).to_string());
                tally.record(line, Outcome::Unchanged, Some(id), Some(number));
                continue;
            }
            if row.number.is_some_and(|number| taken.contains(&number.0)) {
                tally.refuse(line, field_error("/number", NUMBER_TAKEN));
                continue;
            }
            match context.plan_ticket(row) {
                Ok(mut imported) => {
                    let number = *imported.ticket.number.get_or_insert_with(|| {
                        self.highest_number += 1;
                        self.highest_number
                    });
                    let id = imported.ticket.ticket_id.to_string();
                    let number = Number(number).to_string();
                    tally.record(line, Outcome::Created, Some(id), Some(number));
                    new.push(imported);
                }
                Err(errors) => tally.refuse(line, errors),
            }
        }
        Ok((!new.is_empty()).then_some(new))
    }

    async fn write(&mut self, unit: &mut UnitOfWork, new: Vec<ImportedTicket>) -> Result<()> {
        insert_batch(unit, self.source, new).await
    }
}

/// Inserts a batch, with one audit entry and one event for all of its tickets.
async fn insert_batch(unit: &mut UnitOfWork, source: &str, new: Vec<ImportedTicket>) -> Result<()> {
    let tickets: Vec<_> = new.iter().map(|imported| &imported.ticket).collect();
    let comments: Vec<_> = new.iter().flat_map(|imported| &imported.comments).collect();
    let history: Vec<_> = new.iter().flat_map(|imported| &imported.history).collect();
    let highest = tickets.iter().filter_map(|ticket| ticket.number).max();
    store::raise_numbers(unit, highest.unwrap_or_default()).await?;
    store::insert_tickets(unit, source, &tickets).await?;
    if !comments.is_empty() {
        store::insert_comments(unit, &comments).await?;
    }
    store::insert_history(unit, &history).await?;
    let entry = audit::Entry::new("support.ticket.imported", "import", source).change(
        "tickets",
        Value::Null,
        tickets.len(),
    );
    unit.audit(entry).await?;
    let ticket_ids = tickets.iter().map(|ticket| ticket.ticket_id).collect();
    let event = TicketsImported {
        ticket_ids: ImportedTickets(ticket_ids),
    };
    unit.publish(1, event).await?;
    Ok(())
}

fn field_error(pointer: &str, code: FieldCode) -> Vec<FieldError> {
    vec![FieldError {
        pointer: pointer.to_owned(),
        code,
    }]
}

const NUMBER_TAKEN: FieldCode = FieldCode::Rule(
    "number_taken",
    Localized {
        de: "gehört bereits zu einem anderen Ticket",
        en: "already belongs to another ticket",
    },
);

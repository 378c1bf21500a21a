//! Bringing tickets along from another system.
//!
//! A portion is one transaction: whatever ends the request leaves whole portions, and the same file sent again goes on where
//! it was, because the identifier of the other system says what is there.

use std::collections::{HashMap, HashSet};

use access::{Caller, audit};
use axum::{extract::State, response::Response};
use db::TenantTx;
use http::HeaderMap;
use ids::EventId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use web::{
    Line, Texts, ValidQuery,
    import::{Report, Rows, Tally},
    problem::{FieldCode, FieldError, Result},
};

use crate::{
    App,
    domain::{
        import::{
            ImportTicket,
            rows::{Imported, Person, Place},
        },
        ticket::categories,
    },
    events::TICKETS_IMPORTED,
    permissions::TicketImport,
    store::import,
};

/// Rows of one transaction. It keeps others from opening tickets, who wait for a second at most.
const PORTION: usize = 250;

/// How.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    /// Change nothing, and answer what would become of each row.
    #[serde(default)]
    dry_run: bool,
    /// Where the tickets come from: `external_id` names one ticket of it. `import` when not said.
    #[param(inline)]
    source: Option<Line<1, 40>>,
}

/// Import tickets: at most 2,000 in a request, as CSV, JSON or NDJSON.
///
/// `source` and `external_id` tell whether a ticket is here already; then it stays as it is, whatever the row says. A second
/// import of the same file changes nothing, and one that was cut off goes on. A row that is wrong is refused alone. Nobody gets a
/// mail, and no answer is due. `Accept: text/plain` answers a page to read.
#[utoipa::path(post, path = "/tickets/import", responses(
    (status = 200, description = "What became of the rows.", content((Report = "application/json"), (String = "text/plain")))
))]
pub(crate) async fn import_tickets(
    State(app): State<App>,
    caller: Caller<TicketImport>,
    ValidQuery(query): ValidQuery<ImportQuery>,
    headers: HeaderMap,
    rows: Rows<ImportTicket>,
) -> Result<Response> {
    let mut tally = Tally::default();
    let right = distinct(rows, &mut tally);
    let people = people(&app, &caller, &right).await?;
    let categories = categories(&caller.tenant);
    let highest = right
        .iter()
        .filter_map(|(_, row)| row.number)
        .map(|number| number.0)
        .max();
    let mut file = File {
        source: query.source.as_ref().map_or("import", Line::as_str),
        people: &people,
        categories: &categories,
        highest: highest.unwrap_or_default(),
    };
    let mut right = right.into_iter().peekable();
    while right.peek().is_some() {
        let portion: Vec<_> = right.by_ref().take(PORTION).collect();
        let mut tx = caller.begin(&app.db).await?;
        tx.plan_each_statement().await?;
        let new = file
            .plan(&app, &caller, &mut tx, portion, &mut tally)
            .await?;
        tally.created += new.len();
        if !query.dry_run && !new.is_empty() {
            write(&app, &caller, &mut tx, file.source, new).await?;
            tx.commit().await?;
        }
    }
    let language = caller.request().language();
    Ok(tally
        .report("tickets", query.dry_run, language)
        .answer(&headers, language))
}

/// The rows that are right by themselves, each ticket and each number once.
fn distinct(rows: Rows<ImportTicket>, tally: &mut Tally) -> Vec<(u64, ImportTicket)> {
    let (mut right, mut seen, mut numbers) = (Vec::new(), HashSet::new(), HashSet::new());
    for row in rows.0 {
        match row.read {
            Err(errors) => tally.refuse(row.line, errors),
            Ok(read) if !seen.insert(read.external_id.as_str().to_owned()) => {
                tally.refuse(row.line, refused("/external_id", FieldCode::Duplicate));
            }
            Ok(read) if read.number.is_some_and(|number| !numbers.insert(number.0)) => {
                tally.refuse(row.line, refused("/number", FieldCode::Duplicate));
            }
            Ok(read) => right.push((row.line, read)),
        }
    }
    right
}

/// Everybody whom the file names and who is here.
async fn people(
    app: &App,
    caller: &Caller<TicketImport>,
    rows: &[(u64, ImportTicket)],
) -> Result<HashMap<String, Person>> {
    let named: HashSet<&str> = rows
        .iter()
        .flat_map(|(_, row)| row.addresses())
        .map(web::Email::as_str)
        .collect();
    let named: Vec<String> = named.into_iter().map(str::to_owned).collect();
    let mut tx = caller.begin(&app.db).await?;
    tx.plan_each_statement().await?;
    let people = import::list_people(&mut tx, &named).await?;
    tx.commit().await?;
    Ok(people)
}

/// What holds for all portions of a file.
struct File<'a> {
    source: &'a str,
    people: &'a HashMap<String, Person>,
    categories: &'a [String],
    /// The highest number that the file wants, or has been given: those that want none get higher ones.
    highest: i32,
}

impl File<'_> {
    /// What of a portion is new, under the lock that makes numbers exact.
    async fn plan(
        &mut self,
        app: &App,
        caller: &Caller<TicketImport>,
        tx: &mut TenantTx,
        portion: Vec<(u64, ImportTicket)>,
        tally: &mut Tally,
    ) -> Result<Vec<Imported>> {
        let place = Place {
            people: self.people,
            categories: self.categories,
            source: self.source,
            actor: caller.actor,
            now: app.gate.clock().now(),
        };
        self.highest = self.highest.max(import::lock_numbers(tx).await?);
        let external: Vec<String> = portion
            .iter()
            .map(|(_, row)| row.external_id.as_str().to_owned())
            .collect();
        let known = import::list_known(tx, self.source, &external).await?;
        let known: HashSet<String> = known.into_iter().collect();
        let wanted: Vec<i32> = portion
            .iter()
            .filter_map(|(_, row)| row.number)
            .map(|number| number.0)
            .collect();
        let taken: HashSet<i32> = import::list_taken(tx, &wanted).await?.into_iter().collect();
        let mut new = Vec::new();
        for (line, row) in portion {
            if known.contains(row.external_id.as_str()) {
                tally.unchanged += 1;
                continue;
            }
            if row.number.is_some_and(|number| taken.contains(&number.0)) {
                tally.refuse(line, refused("/number", TAKEN));
                continue;
            }
            match row.rows(&place) {
                Ok(mut imported) => {
                    imported.ticket.number.get_or_insert_with(|| {
                        self.highest += 1;
                        self.highest
                    });
                    new.push(imported);
                }
                Err(errors) => tally.refuse(line, errors),
            }
        }
        Ok(new)
    }
}

/// Writes a portion, with one entry in the audit log and one announcement for all.
async fn write(
    app: &App,
    caller: &Caller<TicketImport>,
    tx: &mut TenantTx,
    source: &str,
    new: Vec<Imported>,
) -> Result<()> {
    let (now, request) = (app.gate.clock().now(), caller.request());
    let tickets: Vec<_> = new.iter().map(|imported| &imported.ticket).collect();
    let comments: Vec<_> = new.iter().flat_map(|imported| &imported.comments).collect();
    let history: Vec<_> = new.iter().flat_map(|imported| &imported.history).collect();
    let highest = tickets.iter().filter_map(|ticket| ticket.number).max();
    import::raise_numbers(tx, highest.unwrap_or_default()).await?;
    import::insert_tickets(tx, source, &tickets).await?;
    if !comments.is_empty() {
        import::insert_comments(tx, &comments).await?;
    }
    import::insert_history(tx, &history).await?;
    let entry = audit::Entry::new("support.ticket.imported", "import", source).change(
        "tickets",
        Value::Null,
        tickets.len(),
    );
    audit::record(tx, request, now, caller.reason.as_deref(), entry).await?;
    let ids: Value = tickets
        .iter()
        .map(|ticket| json!(ticket.ticket_id))
        .collect();
    let announcement = events::Announcement {
        kind: &TICKETS_IMPORTED,
        subject: format!("imports/{}", EventId::at(now)),
        version: 1,
        data: json!({"ticket_ids": ids}),
        sealed: None,
    };
    events::announce(tx, request, now, announcement).await?;
    Ok(())
}

fn refused(pointer: &str, code: FieldCode) -> Vec<FieldError> {
    vec![FieldError {
        pointer: pointer.to_owned(),
        code,
    }]
}

const TAKEN: FieldCode = FieldCode::Rule(
    "number_taken",
    Texts {
        de: "hat hier schon ein anderes Ticket",
        en: "belongs to another ticket here",
    },
);

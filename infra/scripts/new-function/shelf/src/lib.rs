//! Books of an organisation.

mod events;
mod http;
mod permissions;
mod store;
mod tables;

use ::events::{App, Consumers, Context, Erasure, Job, Jobs};
use access::declarations::{Flag, FlagDeclaration, Texts};

::ids::ids! {
    /// A book.
    Book => BookId, "book";
}

const FLAG: Flag = Flag::new(&FlagDeclaration {
    name: "shelf",
    on_by_default: true,
    texts: Texts::new(["Regal", "Bücher."], ["Shelf", "Books."]),
});

/// Everything about this context.
pub static CONTEXT: Context = Context {
    flag: Some(FLAG),
    permissions: permissions::DECLARED,
    events: events::ALL,
    subscriptions: || consumers().subscriptions(),
    jobs: &[&ERASE_CLOSED],
    tables: tables::TABLES,
    ..Context::new("shelf", "Books of an organisation.", |parts| {
        let app = App::new(parts.db, parts.state);
        let routes = web::routes! { http: list_books, create_book, get_book; };
        Ok(CONTEXT.service(app, routes, consumers(), jobs()).into())
    })
};

static ERASURE: Erasure = Erasure {
    function: "shelf",
    tables: tables::TABLES,
};

static ERASE_CLOSED: Job = Job {
    function: "shelf",
    name: "erase-closed-tenants",
    schedule: "*/10 * * * *",
    about: "Erases the books of closed tenants.",
};

fn consumers() -> Consumers<App> {
    Consumers::new("shelf").erasing(&ERASURE)
}

fn jobs() -> Jobs<App> {
    Jobs::default().job(&ERASE_CLOSED, |app: App, _run| async move {
        ERASURE.run(&app.db, app.state.clock().now()).await
    })
}

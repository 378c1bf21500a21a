//! A context declares everything about itself in one value.
//!
//! The platform, separate processes, generated files and tests read that value, so that none of them knows a context by name.

use std::{collections::BTreeMap, fmt, path::Path, process::ExitCode, sync::Arc};

use access::{
    AppState, PermissionEntry,
    declarations::{Flag, ResourceType, SettingsDeclaration},
    process::{self, StartError, Started},
    usage::Metric,
};
use axum::Router;
use db::{Db, tables::Table};
use web::{
    ProblemKind, Service,
    openapi::Routes,
    settings::{self, Entry},
};

use crate::{Backend, Consumers, Erasure, EventKind, Job, Jobs, Subscription};

/// Everything about a context. Declared with [`Context::new`] and the fields that apply:
///
/// ```
/// # use events::{Context, Parts, Started, StartError};
/// # fn start(_: Parts) -> Result<Started, StartError> { unimplemented!() }
/// pub static CONTEXT: Context = Context {
///     metrics: &[access::usage::API_REQUESTS],
///     ..Context::new("shelf", "Books and where they are.", start)
/// };
/// assert_eq!(CONTEXT.name, "shelf");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Name, also of its schema, login, folder and binary.
    pub name: &'static str,
    /// What it owns, in one sentence.
    pub about: &'static str,
    /// The feature flag that switches it on for a tenant; `None` if it is always on.
    pub flag: Option<Flag>,
    /// Its tenant settings.
    pub settings: SettingsDeclaration,
    /// What it meters.
    pub metrics: &'static [Metric],
    /// Its resources that have files.
    pub file_resources: &'static [ResourceType],
    /// Permissions that its operations require.
    pub permissions: &'static [PermissionEntry],
    /// Problem types that it may return.
    pub problems: &'static [&'static ProblemKind],
    /// Events that it publishes.
    pub events: &'static [&'static EventKind],
    /// Events that it subscribes to.
    pub subscriptions: fn() -> Vec<Subscription>,
    /// Its scheduled jobs.
    pub jobs: &'static [&'static Job],
    /// Environment variables that it reads.
    pub environment: &'static [Entry],
    /// Its tables, with the classification of their columns and what erases them.
    pub tables: &'static [Table],
    /// Its part of the demo: a script of HTTP steps.
    pub demo: Option<&'static str>,
    /// What it is allowed in the database beyond the rules for every context.
    pub database: DatabaseExceptions,
    /// Its pages outside the API.
    pub pages: Option<fn(&PageParts) -> Router>,
    /// Builds the service.
    pub start: fn(Parts) -> Result<Started, StartError>,
    /// Set if it starts differently as a process of its own than in a process with other contexts.
    pub own_process: Option<OwnProcess>,
}

/// How a context starts as a process of its own.
#[derive(Clone, Copy, Debug)]
pub struct OwnProcess {
    /// Environment variables that it then reads in addition.
    pub environment: &'static [Entry],
    /// Builds the service.
    pub start: fn(Parts) -> Result<Started, StartError>,
}

/// What a context is built from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The pool of its database login.
    pub db: Db,
    /// The state shared by all contexts of the process.
    pub state: AppState,
    /// Where it reads its settings.
    pub environment: Environment,
}

/// What pages are built from. They use neither database nor keys.
#[derive(Clone, Debug)]
pub struct PageParts {
    /// The platform's public address.
    pub public_url: String,
    /// Where the context reads its settings.
    pub environment: Environment,
    /// Whether captured mail may be shown to everyone: only on a developer's machine.
    pub shows_mail: bool,
}

/// Exceptions from the rules for schemas, which the schema linter enforces. Each has a reason.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseExceptions {
    /// Keys and indexes of tenant data that do not begin with `tenant_id`: `schema.name`, reason.
    pub across_tenants: &'static [(&'static str, &'static str)],
    /// `SECURITY DEFINER` functions and the only role that may call each. They see all tenants, so each must restrict its
    /// tenants and results itself.
    pub definers: &'static [(&'static str, &'static str)],
    /// Tables with a `definer` policy, and its command.
    pub definer_policies: &'static [(&'static str, &'static str)],
    /// Privileges outside of a role's own schema: role, table, privileges. Exactly these are granted.
    pub grants: &'static [(&'static str, &'static str, &'static str)],
}

impl DatabaseExceptions {
    /// No exceptions.
    pub const NONE: Self = Self {
        across_tenants: &[],
        definers: &[],
        definer_policies: &[],
        grants: &[],
    };
}

impl Context {
    /// A context that declares nothing but its name, what it owns, and how it is built.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        start: fn(Parts) -> Result<Started, StartError>,
    ) -> Self {
        Self {
            name,
            about,
            flag: None,
            settings: SettingsDeclaration::NONE,
            metrics: &[],
            file_resources: &[],
            permissions: &[],
            problems: &[],
            events: &[],
            subscriptions: Vec::new,
            jobs: &[],
            environment: &[],
            tables: &[],
            demo: None,
            database: DatabaseExceptions::NONE,
            pages: None,
            start,
            own_process: None,
        }
    }

    /// Its service: routes for callers; consumers and jobs as internal routes.
    pub fn service<S: Backend + Clone + Send + 'static>(
        &self,
        app: S,
        routes: Routes<S>,
        consumers: Consumers<S>,
        jobs: Jobs<S>,
    ) -> Service {
        let (db, state) = (app.db().clone(), app.state().clone());
        let internal = consumers
            .routes(app.clone(), db.clone(), state.clone())
            .merge(jobs.routes(app.clone(), db, state));
        Service::new(self.name, self.about, routes, app).with_internal(internal)
    }

    /// What it erases of a closed tenant; `None` if nothing.
    pub fn erasure(&self) -> Option<Erasure> {
        let erasure = Erasure {
            function: self.name,
            tables: self.tables,
        };
        erasure.table_names().next().map(|_| erasure)
    }

    /// Every environment variable that it reads as a process of its own, besides those of every process.
    pub fn own_environment(&self) -> impl Iterator<Item = &'static Entry> {
        let own = self.own_process.map_or(&[][..], |own| own.environment);
        self.environment.iter().chain(own)
    }

    /// Runs it as a process of its own.
    pub async fn run(&'static self) -> ExitCode {
        let (entries, start) = match self.own_process {
            Some(own) => (own.environment, own.start),
            None => (&[][..], self.start),
        };
        let lists = [self.environment, entries];
        process::run(self.name, self.about, lists, |db, state| {
            start(Parts {
                db,
                state,
                environment: Environment::process(),
            })
        })
        .await
    }
}

/// Where local data lies by default.
const LOCAL_FOLDER: &str = ".local";

/// Environment variables as seen by a context: those of the process, or values given to it.
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// The variables of this process.
    pub fn process() -> Self {
        Self(Arc::new(settings::environment))
    }

    /// What these contexts need on a developer's machine: `locally` of [`web::settings!`], and the folders of [`in_folder`].
    ///
    /// [`in_folder`]: Self::in_folder
    pub fn local<'a>(
        contexts: impl IntoIterator<Item = &'a Context> + Clone,
        folder: &Path,
    ) -> Self {
        let local = |entry: &Entry| entry.local_default.map(str::to_owned);
        Self::derived(contexts.clone(), local).or(Self::in_folder(contexts, folder))
    }

    /// The defaults of these contexts below `.local/`, moved to `folder`.
    pub fn in_folder<'a>(contexts: impl IntoIterator<Item = &'a Context>, folder: &Path) -> Self {
        Self::derived(contexts, |entry| {
            let below = Path::new(entry.default?).strip_prefix(LOCAL_FOLDER).ok()?;
            Some(folder.join(below).display().to_string())
        })
    }

    fn derived<'a>(
        contexts: impl IntoIterator<Item = &'a Context>,
        value: impl Fn(&Entry) -> Option<String>,
    ) -> Self {
        let entries = contexts.into_iter().flat_map(|context| context.environment);
        let values = entries.filter_map(|entry| Some((entry.name.to_owned(), value(entry)?)));
        Self::from(values.collect::<BTreeMap<_, _>>())
    }

    /// Only these variables.
    pub fn of<const N: usize>(values: [(&str, &str); N]) -> Self {
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self::from(BTreeMap::from(values))
    }

    /// These variables, and `defaults` where one is not set or empty.
    #[must_use]
    pub fn or(self, defaults: Self) -> Self {
        Self(Arc::new(move |name| {
            let set = self.get(name).filter(|value| !value.is_empty());
            set.or_else(|| defaults.get(name))
        }))
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }

    /// The values as `Settings::read` of [`web::settings!`] takes them.
    pub fn lookup(&self) -> &dyn Fn(&str) -> Option<String> {
        &*self.0
    }
}

impl From<BTreeMap<String, String>> for Environment {
    fn from(values: BTreeMap<String, String>) -> Self {
        Self(Arc::new(move |name| values.get(name).cloned()))
    }
}

/// Without values: they may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    web::settings! {
        /// Settings of a shelf.
        pub struct Settings {
            /// Its folder.
            pub folder: String = "SHELF_FOLDER" or ".local/shelf",
            /// Its lock; required.
            pub lock: String = "SHELF_LOCK" locally "off",
            /// Its number of boards.
            pub boards: u16 = "SHELF_BOARDS" or "3",
        }
    }

    #[test]
    fn on_a_developers_machine_folders_move_and_required_settings_have_a_value() {
        let context = Context {
            environment: Settings::ENTRIES,
            ..Context::new("shelf", "", |_| Err("is not started".into()))
        };
        let local = Environment::local([&context], Path::new("/data"));
        let settings = Settings::read(local.lookup()).unwrap();
        assert_eq!(
            (settings.folder.as_str(), settings.lock.as_str()),
            ("/data/shelf", "off")
        );
        assert_eq!(local.get("SHELF_BOARDS"), None);
    }

    #[test]
    fn a_variable_that_is_set_wins_over_its_default() {
        let defaults = Environment::of([("FOLDER", "local"), ("PORT", "1")]);
        let both = Environment::of([("PORT", "2"), ("FOLDER", "")]).or(defaults);
        assert_eq!(both.get("PORT").as_deref(), Some("2"));
        assert_eq!(both.get("FOLDER").as_deref(), Some("local"));
        assert_eq!(both.get("HOST"), None);
    }
}

//! The environment that the platform hands to functions: the variables of its own process, and defaults for one machine.

use std::{collections::BTreeMap, path::Path};

use events::{Context, Environment};
use web::settings::Entry;

use crate::functions;

/// The variables that functions declare. A default for one machine takes precedence, because that is where the platform runs.
pub fn entries() -> Vec<Entry> {
    let declared = contexts().flat_map(|context| context.environment);
    declared
        .map(|entry| Entry {
            default: entry.local_default.or(entry.default),
            ..*entry
        })
        .collect()
}

/// The environment of functions in this process.
pub fn of_functions(local_dir: &Path) -> Environment {
    Environment::process().or(Environment::local(contexts(), local_dir))
}

/// The values of [`of_functions`] by name, for functions in processes of their own.
pub fn values(local_dir: &Path) -> BTreeMap<String, String> {
    let environment = of_functions(local_dir);
    let declared = contexts().flat_map(|context| context.environment);
    declared
        .filter_map(|entry| Some((entry.name.to_owned(), environment.get(entry.name)?)))
        .collect()
}

fn contexts() -> impl Iterator<Item = &'static Context> {
    functions::ALL.iter().copied()
}

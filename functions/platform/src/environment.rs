//! The environment that the platform hands to functions: the variables of its own process, and defaults for one machine.

use std::{collections::BTreeMap, path::Path};

use events::{Context, Environment};
use web::settings::Entry;

use crate::functions;

/// Who can reach the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Only this machine.
    Local,
    /// Other machines, directly or through a proxy or tunnel.
    Public,
}

impl Exposure {
    /// Whether only this machine can reach the platform.
    pub fn is_local(self) -> bool {
        self == Self::Local
    }
}

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

/// The environment of functions in a process of this exposure. In public, the defaults of a developer's machine do not apply.
pub fn of_functions(exposure: Exposure, local_dir: &Path) -> Environment {
    Environment::process().or(match exposure {
        Exposure::Local => Environment::local(contexts(), local_dir),
        Exposure::Public => Environment::in_folder(contexts(), local_dir),
    })
}

/// The values of [`of_functions`] by name, for functions in processes of their own.
pub fn values(local_dir: &Path) -> BTreeMap<String, String> {
    let environment = of_functions(Exposure::Local, local_dir);
    let declared = contexts().flat_map(|context| context.environment);
    declared
        .filter_map(|entry| Some((entry.name.to_owned(), environment.get(entry.name)?)))
        .collect()
}

fn contexts() -> impl Iterator<Item = &'static Context> + Clone {
    functions::ALL.iter().copied()
}

//! How far the load has come, so that one that was interrupted goes on and does nothing twice.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Error, secrets,
    secrets::FileError,
    sign_ins::{SignIns, Tenant},
};

/// A load that is under way. Its file is gone when it is done.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    entry: Entry,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// When the load began: "today" of the demo.
    today: DateTime<Utc>,
    /// The passwords that were chosen, the identifiers that are known so far.
    sign_ins: SignIns,
    /// Steps that are done, by tenant.
    done: BTreeMap<String, usize>,
}

impl Journal {
    /// The load that was interrupted, if there is one.
    pub fn unfinished(path: &Path) -> Result<Option<Self>, Error> {
        let Some(text) = secrets::read(path)? else {
            return Ok(None);
        };
        let entry =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Some(Self {
            path: path.to_owned(),
            entry,
        }))
    }

    /// A new load.
    pub fn begin(path: &Path, today: DateTime<Utc>, sign_ins: SignIns) -> Result<Self, Error> {
        let journal = Self {
            path: path.to_owned(),
            entry: Entry {
                today,
                sign_ins,
                done: BTreeMap::new(),
            },
        };
        journal.keep()?;
        Ok(journal)
    }

    /// When the load began.
    pub fn today(&self) -> DateTime<Utc> {
        self.entry.today
    }

    /// Who can sign in.
    pub fn sign_ins(&self) -> &SignIns {
        &self.entry.sign_ins
    }

    /// The same load with these sign-ins. A tenant that lost its identifier is gone, and begins anew.
    pub fn with(mut self, sign_ins: SignIns) -> Result<Self, Error> {
        for (slug, tenant) in &sign_ins.tenants {
            if tenant.id.is_none() {
                self.entry.done.insert(slug.clone(), 0);
            }
        }
        self.entry.sign_ins = sign_ins;
        self.keep()?;
        Ok(self)
    }

    /// Whether the load of a tenant began.
    pub fn is_loading(&self, slug: &str) -> bool {
        self.entry.done.contains_key(slug)
    }

    /// The load of a tenant begins, or goes on after so many steps.
    pub fn start(&mut self, slug: &str) -> Result<usize, Error> {
        let done = *self.entry.done.entry(slug.to_owned()).or_default();
        self.keep()?;
        Ok(done)
    }

    /// Notes what became known of a tenant.
    pub fn learn(&mut self, slug: &str, tenant: Tenant) -> Result<(), Error> {
        self.entry.sign_ins.tenants.insert(slug.to_owned(), tenant);
        self.keep()
    }

    /// Notes how many steps are done.
    pub fn advance(&mut self, slug: &str, done: usize) -> Result<(), Error> {
        self.entry.done.insert(slug.to_owned(), done);
        self.keep()
    }

    /// The load is complete.
    pub fn finish(self) -> Result<SignIns, Error> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(FileError::at(&self.path)(error).into())
            }
            _ => Ok(self.entry.sign_ins),
        }
    }

    fn keep(&self) -> Result<(), Error> {
        let text = serde_json::to_string(&self.entry)?;
        Ok(secrets::write(&self.path, &text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_load_goes_on_and_a_lost_tenant_begins_anew() {
        let path = std::env::temp_dir().join(format!("rvz-{}.json", secrets::password()));
        let today = "2026-11-20T10:00:00Z".parse().unwrap();
        let mut sign_ins = SignIns::fresh("http://127.0.0.1:8080", &["demo", "other"]);
        for tenant in sign_ins.tenants.values_mut() {
            tenant.id = Some(ids::TenantId::at(today));
        }
        let mut journal = Journal::begin(&path, today, sign_ins).unwrap();
        assert!(!journal.is_loading("demo"));
        assert_eq!(journal.start("demo").unwrap(), 0);
        journal.start("other").unwrap();
        journal.advance("demo", 7).unwrap();
        journal.advance("other", 9).unwrap();

        let journal = Journal::unfinished(&path).unwrap().unwrap();
        assert_eq!(journal.today(), today);
        let mut known = journal.sign_ins().clone();
        known.tenants.get_mut("other").unwrap().forget();
        let mut journal = journal.with(known).unwrap();
        assert_eq!(journal.start("demo").unwrap(), 7);
        assert_eq!(journal.start("other").unwrap(), 0);

        journal.finish().unwrap();
        assert!(Journal::unfinished(&path).unwrap().is_none());
    }
}

//! Progress of the load, so that an interrupted load continues without duplicates.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::script::Variables;
use crate::{
    Error, secrets,
    secrets::FileError,
    sign_ins::{SignIns, Tenant},
};

/// A load in progress. Its file is removed when the load completes.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    state: State,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// Start of the load: the current time of the demo.
    today: DateTime<Utc>,
    /// Generated passwords, and the identifiers known so far.
    sign_ins: SignIns,
    /// Progress by tenant.
    tenants: BTreeMap<String, Progress>,
}

/// Progress of one tenant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Number of completed steps.
    pub done: usize,
    /// What they have saved for later steps.
    pub saved: Variables,
}

impl Checkpoint {
    /// Reads the state of an interrupted load, if there is one.
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        let Some(text) = secrets::read(path)? else {
            return Ok(None);
        };
        let state =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Some(Self {
            path: path.to_owned(),
            state,
        }))
    }

    /// Starts a new load.
    pub fn create(path: &Path, today: DateTime<Utc>, sign_ins: SignIns) -> Result<Self, Error> {
        let checkpoint = Self {
            path: path.to_owned(),
            state: State {
                today,
                sign_ins,
                tenants: BTreeMap::new(),
            },
        };
        checkpoint.save()?;
        Ok(checkpoint)
    }

    /// Returns the start of the load.
    pub fn today(&self) -> DateTime<Utc> {
        self.state.today
    }

    /// Returns the demo accounts.
    pub fn sign_ins(&self) -> &SignIns {
        &self.state.sign_ins
    }

    /// Replaces the demo accounts. A tenant without an identifier no longer exists and is loaded from the start.
    pub fn with_sign_ins(mut self, sign_ins: SignIns) -> Result<Self, Error> {
        for (slug, tenant) in &sign_ins.tenants {
            if tenant.id.is_none() {
                self.state.tenants.insert(slug.clone(), Progress::default());
            }
        }
        self.state.sign_ins = sign_ins;
        self.save()?;
        Ok(self)
    }

    /// Whether the load of a tenant has started.
    pub fn is_loading(&self, slug: &str) -> bool {
        self.state.tenants.contains_key(slug)
    }

    /// Starts or resumes the load of a tenant; returns its progress.
    pub fn start_tenant(&mut self, slug: &str) -> Result<Progress, Error> {
        let progress = self.state.tenants.entry(slug.to_owned()).or_default();
        let progress = progress.clone();
        self.save()?;
        Ok(progress)
    }

    /// Stores what is known about a tenant, and its progress.
    pub fn set_progress(
        &mut self,
        slug: &str,
        tenant: &Tenant,
        progress: Progress,
    ) -> Result<(), Error> {
        let tenants = &mut self.state.sign_ins.tenants;
        tenants.insert(slug.to_owned(), tenant.clone());
        self.state.tenants.insert(slug.to_owned(), progress);
        self.save()
    }

    /// Removes the file of a completed load.
    pub fn finish(self) -> Result<SignIns, Error> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(FileError::at(&self.path)(error).into())
            }
            _ => Ok(self.state.sign_ins),
        }
    }

    fn save(&self) -> Result<(), Error> {
        let text = serde_json::to_string(&self.state)?;
        Ok(secrets::write(&self.path, &text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_load_resumes_and_a_lost_tenant_restarts() {
        let path = std::env::temp_dir().join(format!("rvz-{}.json", secrets::password()));
        let today = "2026-11-20T10:00:00Z".parse().unwrap();
        let mut sign_ins = SignIns::generate("http://127.0.0.1:8080", &["demo", "other"]);
        for tenant in sign_ins.tenants.values_mut() {
            tenant.id = Some(ids::TenantId::at(today));
        }
        let mut checkpoint = Checkpoint::create(&path, today, sign_ins).unwrap();
        assert!(!checkpoint.is_loading("demo"));
        assert_eq!(checkpoint.start_tenant("demo").unwrap().done, 0);
        checkpoint.start_tenant("other").unwrap();
        for (slug, done) in [("demo", 7), ("other", 9)] {
            let tenant = checkpoint.sign_ins().tenants[slug].clone();
            let saved = Variables::from_iter([("ticket1.id".to_owned(), slug.into())]);
            let progress = Progress { done, saved };
            checkpoint.set_progress(slug, &tenant, progress).unwrap();
        }

        let checkpoint = Checkpoint::load(&path).unwrap().unwrap();
        assert_eq!(checkpoint.today(), today);
        let mut known = checkpoint.sign_ins().clone();
        known.tenants.get_mut("other").unwrap().clear_ids();
        let mut checkpoint = checkpoint.with_sign_ins(known).unwrap();
        let demo = checkpoint.start_tenant("demo").unwrap();
        assert_eq!((demo.done, &demo.saved["ticket1.id"]), (7, &"demo".into()));
        let other = checkpoint.start_tenant("other").unwrap();
        assert_eq!((other.done, other.saved.len()), (0, 0));

        checkpoint.finish().unwrap();
        assert!(Checkpoint::load(&path).unwrap().is_none());
    }
}

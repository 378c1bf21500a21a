//! The steps of the demo, which contexts declare in their `demo.json`.
//!
//! A step is an HTTP request: who sends it, when, and what later steps need of the response. `{name}` in a text stands for a
//! variable ([`super::runner`]). Values of `with` are taken as they are.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};
use web::Clock;

use super::schedule;
use crate::{Error, functions};

/// Variables by name.
pub type Variables = Map<String, Value>;

/// A `demo.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The tenants, each with its variables, of which `slug` is required.
    #[serde(default)]
    tenants: Vec<Variables>,
    /// Steps that others repeat with variables of their own.
    #[serde(default)]
    templates: BTreeMap<String, Vec<Step>>,
    steps: Vec<Step>,
}

/// A request, or a group of steps that inherit `at`, `by` and `with`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a JSON format")]
pub struct Step {
    /// Slug of the only tenant that it is for.
    tenant: Option<String>,
    /// Whether it is one of many similar steps, of which tests load only the first few.
    one_of_many: bool,
    /// The steps of a group.
    steps: Vec<Self>,
    /// The template of a group.
    r#do: Option<String>,
    /// When: see [`schedule`].
    at: Option<String>,
    /// Who: a person, `superadmin`; `None` is an anonymous request.
    pub by: Option<String>,
    /// Variables.
    pub with: Variables,
    get: Option<String>,
    post: Option<String>,
    put: Option<String>,
    /// The JSON body.
    pub body: Option<Value>,
    /// A file, sent as a form.
    pub form: Option<Form>,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// Names for fields of the response.
    pub save: BTreeMap<String, String>,
    /// How the response shows that an earlier run has done it.
    pub exists: Option<Exists>,
    /// Skips the step if a `GET` of its path finds items.
    pub unless_found: bool,
    /// Whether the response has a secret, which is not repeated for an idempotency key.
    pub has_secret: bool,
    /// Whether it is repeated when people get new passwords.
    pub setup: bool,
}

/// A file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    pub name: String,
    pub content: String,
}

/// A status that means "done before", and where to find what was created.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exists {
    pub status: u16,
    pub find: Option<Find>,
}

/// A list, and the item whose `field` is `is`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Find {
    pub path: String,
    pub field: String,
    pub is: String,
}

/// A tenant of the demo.
#[derive(Clone, Debug)]
pub struct TenantScript {
    /// Slug for sign-in.
    pub slug: String,
    /// Variables of the tenant.
    pub variables: Variables,
    /// Its requests and their times, in order.
    pub steps: Vec<(DateTime<Utc>, Step)>,
}

/// Returns the scripts of all tenants for a demo that ends `now`. `limit` bounds the number of similar steps.
pub fn tenants(now: DateTime<Utc>, limit: usize) -> Result<Vec<TenantScript>, Error> {
    let mut files = Vec::new();
    for context in functions::ALL {
        if let Some(text) = context.demo {
            let file: File = serde_json::from_str(text)
                .map_err(|error| format!("demo.json of {}: {error}", context.name))?;
            files.push(file);
        }
    }
    let mut scripts = Vec::new();
    for variables in files.iter().flat_map(|file| &file.tenants) {
        let slug = variables.get("slug").and_then(Value::as_str);
        let slug = slug.ok_or("a tenant of the demo has no slug")?;
        let mut steps = Vec::new();
        for file in &files {
            for step in file.steps_of(slug, limit)? {
                let at = step.at.as_deref().ok_or("a step of the demo has no time")?;
                steps.push((schedule::resolve(at, now)?, step));
            }
        }
        // Stable: simultaneous steps keep their order.
        steps.sort_by_key(|(at, _)| *at);
        scripts.push(TenantScript {
            slug: slug.to_owned(),
            variables: variables.clone(),
            steps,
        });
    }
    Ok(scripts)
}

impl TenantScript {
    /// Returns the time of its first step.
    pub fn start(&self, clock: &Clock) -> DateTime<Utc> {
        self.steps.first().map_or(clock.now(), |(at, _)| *at)
    }
}

impl File {
    fn steps_of(&self, slug: &str, limit: usize) -> Result<Vec<Step>, Error> {
        let mut requests = Vec::new();
        let mut many = 0;
        for step in &self.steps {
            if step.tenant.as_deref().is_some_and(|only| only != slug) {
                continue;
            }
            many += usize::from(step.one_of_many);
            if !step.one_of_many || many <= limit {
                self.expand(step, &Step::default(), &mut requests)?;
            }
        }
        Ok(requests)
    }

    fn expand(&self, step: &Step, outer: &Step, requests: &mut Vec<Step>) -> Result<(), Error> {
        let mut step = step.clone();
        step.at = step.at.or_else(|| outer.at.clone());
        step.by = step.by.or_else(|| outer.by.clone());
        let own = std::mem::replace(&mut step.with, outer.with.clone());
        step.with.extend(own);
        if let Some(name) = &step.r#do {
            let template = self.templates.get(name);
            let template = template.ok_or_else(|| format!("the demo has no template {name}"))?;
            step.steps.extend_from_slice(template);
        }
        if step.steps.is_empty() {
            requests.push(step);
            return Ok(());
        }
        for inner in &step.steps {
            self.expand(inner, &step, requests)?;
        }
        Ok(())
    }
}

impl Step {
    /// Returns the method and the path.
    pub fn request(&self) -> Result<(Method, &str), Error> {
        match (&self.get, &self.post, &self.put) {
            (Some(path), None, None) => Ok((Method::GET, path)),
            (None, Some(path), None) => Ok((Method::POST, path)),
            (None, None, Some(path)) => Ok((Method::PUT, path)),
            _ => Err(format!("a step of the demo needs one method: {self:?}").into()),
        }
    }
}

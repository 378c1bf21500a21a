//! Sends the steps of one tenant, one after the other.
//!
//! `{name}` is a value of `with`, a saved name or a variable of the tenant; `{scopes}` all permissions that an admin has for the
//! whole tenant; `{invitation}` the token of the first admin's invitation. In `{name.field}`, `name` is a person (`email`,
//! `password`, `id`), the tenant (`id`), an object, or a variable that holds one of these names.

use access::Purpose;
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Demo,
    client::{ApiRequest, DemoClient},
    script::{Step, TenantScript, Variables},
};
use crate::{
    Error,
    sign_ins::{Account, SignIns, Tenant},
};

/// Runs the steps of one tenant.
pub struct Runner<'a> {
    demo: &'a Demo,
    pub client: &'a mut DemoClient,
    script: &'a TenantScript,
    /// Everyone who can sign in.
    pub sign_ins: SignIns,
    /// What steps have saved, besides the identifiers in `sign_ins`.
    pub saved: Variables,
    /// What no operation returns.
    special: Variables,
}

impl<'a> Runner<'a> {
    pub fn new(
        demo: &'a Demo,
        client: &'a mut DemoClient,
        script: &'a TenantScript,
        sign_ins: SignIns,
    ) -> Self {
        Self {
            demo,
            client,
            script,
            sign_ins,
            saved: Variables::new(),
            special: Variables::new(),
        }
    }

    /// Runs a step. `number` makes a repetition harmless.
    pub async fn run(&mut self, step: &Step, number: Option<usize>) -> Result<(), Error> {
        let account = match &step.by {
            Some(by) => Some(self.account(&self.text(step, by)?)?),
            None => None,
        };
        let account = account.as_ref();
        let (method, path) = step.request()?;
        let mut request = ApiRequest::new(method, self.text(step, path)?);
        for (name, value) in &step.headers {
            request = request.header(name, self.text(step, value)?);
        }
        if step.unless_found {
            let list = request.clone().method(Method::GET);
            let found = self.client.call(account, list).await?.success()?;
            if found.items().next().is_some() {
                return Ok(());
            }
        }
        if let Some(body) = &step.body {
            self.load_special_variables(body).await?;
            request = request.json(&self.fill(step, body)?);
        }
        if let Some(form) = &step.form {
            let (name, content) = (
                self.text(step, &form.name)?,
                self.text(step, &form.content)?,
            );
            request = request.file(&name, &content);
        }
        if let (&Method::POST, Some(number), None, false) =
            (&request.method, number, &step.exists, step.has_secret)
        {
            request = request.header("idempotency-key", format!("demo-{number}"));
        }
        let response = self.client.call(account, request).await?;
        let exists = step.exists.as_ref();
        let exists = exists.filter(|exists| response.status.as_u16() == exists.status);
        let body = match exists.map(|exists| &exists.find) {
            None => response.success()?.body,
            Some(None) => Value::Null,
            Some(Some(find)) => {
                let list = ApiRequest::new(Method::GET, self.text(step, &find.path)?);
                let wanted = self.text(step, &find.is)?;
                let list = self.client.call(account, list).await?.success()?;
                let item = list
                    .items()
                    .find(|item| item[&find.field] == wanted.as_str());
                let item = item.ok_or_else(|| format!("{wanted} exists but cannot be found"))?;
                item.clone()
            }
        };
        for (name, field) in &step.save {
            let name = self.text(step, name)?;
            let value = body.get(field).filter(|value| !value.is_null());
            let value = value.ok_or_else(|| format!("the response has no {field} for {name}"))?;
            self.save(name, value.clone())?;
        }
        Ok(())
    }

    /// The tenant as it appears in `demo.json`.
    pub fn tenant(&mut self) -> &mut Tenant {
        self.sign_ins
            .tenants
            .entry(self.script.slug.clone())
            .or_default()
    }

    fn account(&self, person: &str) -> Result<Account, Error> {
        if person == "superadmin" {
            return Ok(self.sign_ins.superadmin_account());
        }
        self.sign_ins.account(&self.script.slug, person)
    }

    fn save(&mut self, name: String, value: Value) -> Result<(), Error> {
        fn parse<T: DeserializeOwned>(value: Value) -> Result<Option<T>, Error> {
            Ok(Some(serde_json::from_value(value)?))
        }
        let tenant = self.tenant();
        let person = name.strip_suffix(".id");
        if name == "tenant.id" {
            tenant.id = parse(value)?;
        } else if name == "api_key" {
            tenant.api_key = parse(value)?;
        } else if let Some(user) = person.and_then(|person| tenant.users.get_mut(person)) {
            user.id = parse(value)?;
        } else {
            self.saved.insert(name, value);
        }
        Ok(())
    }

    /// Replaces the variables in all texts. A text that is one variable becomes its value, whatever its type.
    fn fill(&self, step: &Step, value: &Value) -> Result<Value, Error> {
        Ok(match value {
            Value::String(text) => match sole_variable(text) {
                Some(name) => self.find(step, name)?,
                None => Value::String(self.text(step, text)?),
            },
            Value::Array(items) => {
                let items = items.iter().map(|item| self.fill(step, item));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let fill = |(name, field): (&String, &Value)| -> Result<_, Error> {
                    Ok((name.clone(), self.fill(step, field)?))
                };
                Value::Object(fields.iter().map(fill).collect::<Result<_, _>>()?)
            }
            other => other.clone(),
        })
    }

    fn text(&self, step: &Step, template: &str) -> Result<String, Error> {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("a brace is not closed")?;
            text.push_str(before);
            match self.find(step, name)? {
                Value::String(value) => text.push_str(&value),
                other => text.push_str(&other.to_string()),
            }
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }

    fn find(&self, step: &Step, name: &str) -> Result<Value, Error> {
        let script = self.script;
        let plain = [&step.with, &self.special, &script.variables];
        if let Some(value) = plain.iter().find_map(|variables| variables.get(name)) {
            return Ok(value.clone());
        }
        let unknown = || format!("the demo has no value for {{{name}}}").into();
        let (head, field) = name.split_once('.').ok_or_else(unknown)?;
        let head = step.with.get(head).and_then(Value::as_str).unwrap_or(head);
        let tenant = self
            .sign_ins
            .tenants
            .get(&script.slug)
            .ok_or_else(unknown)?;
        let known = match (head, tenant.users.get(head)) {
            ("tenant", _) => serde_json::json!({"id": tenant.id}),
            (_, Some(user)) => serde_json::to_value(user)?,
            _ => script.variables.get(head).cloned().unwrap_or_default(),
        };
        let saved = self.saved.get(&format!("{head}.{field}"));
        let value = saved.or_else(|| known.get(field).filter(|value| !value.is_null()));
        value.cloned().ok_or_else(unknown)
    }

    /// Reads what no operation returns from the database.
    async fn load_special_variables(&mut self, body: &Value) -> Result<(), Error> {
        let mentions = |name: &str| {
            let values = body.as_object().into_iter().flat_map(|body| body.values());
            values.clone().any(|value| value == name)
        };
        if mentions("{scopes}") {
            let scopes: Vec<String> = sqlx::query_scalar(
                "select permission
                from access.builtin_grants
                where base_role = 'admin' and reach = 'all'
                order by permission",
            )
            .fetch_all(&mut self.demo.database.administrator().await?)
            .await?;
            self.special.insert("scopes".to_owned(), scopes.into());
        }
        if mentions("{invitation}") {
            let token = self.read_invitation().await?;
            self.special.insert("invitation".to_owned(), token.into());
        }
        Ok(())
    }

    /// Returns the token of the first admin's invitation. The outbox holds it, encrypted.
    async fn read_invitation(&mut self) -> Result<String, Error> {
        let tenant = self.tenant().id.ok_or("the tenant does not exist")?;
        let sealed: Option<Vec<u8>> = sqlx::query_scalar(
            "select sealed
            from events.outbox
            where tenant_id = $1 and type = 'de.revalenz.identity.user.invited.v1' and sealed is not null
            order by occurred_at
            limit 1",
        )
        .bind(tenant)
        .fetch_optional(&mut self.demo.database.administrator().await?)
        .await?;
        let sealed = sealed.ok_or("the outbox has no invitation of the admin")?;
        let keyring = &self.demo.keyring;
        let token = keyring.open(Purpose::Notifications, tenant.uuid().as_bytes(), &sealed)?;
        Ok(String::from_utf8(token)?)
    }
}

fn sole_variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    (!name.contains(['{', '}'])).then_some(name)
}

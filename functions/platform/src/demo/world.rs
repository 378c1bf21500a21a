//! The platform's own routers at another time, and the people who call them.
//!
//! The demo goes through the front door: every row of it was written by a handler, under its caller's permissions, with
//! history, audit and events. Only the clock is not today's.

use std::{collections::HashMap, time::Duration};

use access::{Gate, GateSettings, Keyring};
use axum::{Router, body::Body};
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use ids::TicketId;
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{
    Clock,
    edge::{self, Edge},
};

use crate::{
    Error,
    database::Database,
    functions::{Function, Objects},
};

/// Access tokens are renewed this long before they end.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

/// The routers and a clock that stands still until it is moved.
pub struct World {
    clock: Clock,
    gate: Gate,
    router: Router,
    sessions: HashMap<String, Session>,
}

struct Session {
    access: String,
    refresh: String,
    ends: DateTime<Utc>,
}

/// Who calls: an account and its password.
#[derive(Clone, Debug)]
pub struct Account {
    /// The tenant's slug.
    pub tenant: String,
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body; null when there is none.
    pub body: Value,
    asked: String,
}

/// A request that the demo needs and that was refused.
#[derive(Debug, thiserror::Error)]
#[error("{asked} answered {status}: {body}")]
pub struct Refused {
    asked: String,
    status: StatusCode,
    body: String,
}

impl Answer {
    /// The answer if it is a success.
    pub fn success(self) -> Result<Self, Refused> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(Refused {
            asked: self.asked,
            status: self.status,
            body: self.body.to_string(),
        })
    }

    /// A text of the body.
    pub fn text(&self, field: &str) -> Result<String, Error> {
        self.body[field].as_str().map(str::to_owned).ok_or_else(|| {
            format!("{} has no {field} in its answer: {}", self.asked, self.body).into()
        })
    }

    /// The identifier in the body.
    pub fn id<T: std::str::FromStr>(&self) -> Result<T, Error> {
        self.text("id")?
            .parse()
            .map_err(|_| format!("{} has no sound id in its answer", self.asked).into())
    }
}

impl World {
    /// The routers of `functions` at `now`.
    pub fn at(
        now: DateTime<Utc>,
        functions: &[Function],
        database: &Database,
        keyring: &Keyring,
        (public_url, objects): (&str, &Objects),
    ) -> Result<Self, Error> {
        let clock = Clock::standing_at(now);
        let settings = GateSettings {
            public_url: public_url.to_owned(),
            remember: Duration::from_secs(15),
            local: true,
            in_flight: 64,
        };
        let gate = Gate::new(
            database.of("identity")?,
            clock.clone(),
            keyring.clone(),
            settings,
        );
        let mut services = Vec::new();
        for function in functions {
            let db = database.of(function.name)?;
            services.push(function.serve(db, gate.clone(), objects));
        }
        let router = edge::wrap(
            web::service::compose(&services),
            Edge {
                clock: clock.clone(),
                trusted_proxies: 0,
            },
        );
        Ok(Self {
            clock,
            gate,
            router,
            sessions: HashMap::new(),
        })
    }

    /// What authenticates in this world.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Moves the clock forward to `now`; never back.
    pub fn wait_until(&self, now: DateTime<Utc>) {
        self.clock.set(now.max(self.clock.now()));
    }

    /// A request of somebody who is signed in, or becomes so by it. `once` makes a repetition harmless.
    pub async fn call(
        &mut self,
        account: &Account,
        method: Method,
        path: &str,
        body: Option<&Value>,
        once: Option<&str>,
    ) -> Result<Answer, Error> {
        let token = self.token(account).await?;
        self.send(method, path, body, Some(&token), once).await
    }

    /// `GET`.
    pub async fn get(&mut self, account: &Account, path: &str) -> Result<Answer, Error> {
        self.call(account, Method::GET, path, None, None).await
    }

    /// `PUT`.
    pub async fn put(
        &mut self,
        account: &Account,
        path: &str,
        body: &Value,
    ) -> Result<Answer, Error> {
        self.call(account, Method::PUT, path, Some(body), None)
            .await
    }

    /// `POST`.
    pub async fn post(
        &mut self,
        account: &Account,
        path: &str,
        body: &Value,
    ) -> Result<Answer, Error> {
        self.call(account, Method::POST, path, Some(body), None)
            .await
    }

    /// A request with a credential that was not got by signing in.
    #[cfg(test)]
    pub async fn with_token(&self, token: &str, path: &str) -> Result<Answer, Error> {
        self.send(Method::GET, path, None, Some(token), None).await
    }

    /// A request of nobody.
    pub async fn ask(&self, path: &str, body: &Value) -> Result<Answer, Error> {
        self.send(Method::POST, path, Some(body), None, None).await
    }

    /// Whether the account can sign in.
    pub async fn can_sign_in(&mut self, account: &Account) -> Result<bool, Error> {
        let answer = self.sign_in(account).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Ok(false);
        }
        self.remember(account, &answer.success()?)?;
        Ok(true)
    }

    /// Ends the account's session.
    pub async fn sign_out(&mut self, account: &Account) -> Result<(), Error> {
        let answer = self.call(account, Method::POST, "/auth/logout", None, None);
        answer.await?.success()?;
        self.sessions.remove(&account.email);
        Ok(())
    }

    async fn sign_in(&self, account: &Account) -> Result<Answer, Error> {
        let body = json!({
            "tenant": account.tenant, "email": account.email, "password": account.password,
            "device_name": "Firefox",
        });
        self.ask("/auth/login", &body).await
    }

    fn remember(&mut self, account: &Account, answer: &Answer) -> Result<String, Error> {
        let access = answer.text("access_token")?;
        let seconds = answer.body["expires_in"].as_i64().unwrap_or_default();
        let session = Session {
            access: access.clone(),
            refresh: answer.text("refresh_token")?,
            ends: self.clock.now() + TimeDelta::seconds(seconds),
        };
        self.sessions.insert(account.email.clone(), session);
        Ok(access)
    }

    /// A token that is good now: kept, renewed, or by signing in.
    async fn token(&mut self, account: &Account) -> Result<String, Error> {
        if let Some(session) = self.sessions.get(&account.email) {
            if self.clock.now() < session.ends - MARGIN {
                return Ok(session.access.clone());
            }
            let body = json!({"refresh_token": session.refresh});
            let answer = self.ask("/auth/refresh", &body).await?;
            if answer.status.is_success() {
                return self.remember(account, &answer);
            }
        }
        let answer = self.sign_in(account).await?.success()?;
        self.remember(account, &answer)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
        once: Option<&str>,
    ) -> Result<Answer, Error> {
        let asked = format!("{method} {path}");
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", web::openapi::BASE));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(once) = once {
            request = request.header("idempotency-key", once);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.answer(asked, request.body(body)?).await
    }

    async fn answer(&self, asked: String, request: Request<Body>) -> Result<Answer, Error> {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok(Answer {
            status,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            asked,
        })
    }

    /// Attaches a file to a ticket, unless it has one.
    pub async fn attach(
        &mut self,
        account: &Account,
        ticket: TicketId,
        name: &str,
        content: &str,
    ) -> Result<(), Error> {
        let grant = format!("/tickets/{ticket}/file-grant");
        let grant = self.get(account, &grant).await?.success()?.text("grant")?;
        let token = self.token(account).await?;
        let files = format!("/files?resource=ticket:{ticket}");
        let request = |method: Method| {
            Request::builder()
                .method(method)
                .uri(format!("{}{files}", web::openapi::BASE))
                .header(header::AUTHORIZATION, format!("Bearer {token}"))
                .header("x-file-grant", &grant)
        };
        let asked = format!("GET {files}");
        let list = request(Method::GET).body(Body::empty())?;
        let there = self.answer(asked, list).await?.success()?;
        if there.body["items"]
            .as_array()
            .is_some_and(|items| !items.is_empty())
        {
            return Ok(());
        }
        let form = format!(
            "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n--limit--\r\n"
        );
        let upload = request(Method::POST)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=limit")
            .body(Body::from(form))?;
        self.answer(format!("POST {files}"), upload)
            .await?
            .success()?;
        Ok(())
    }
}

//! An API client over the platform's own routers, with a clock that can be set.
//!
//! The demo is loaded through the API: handlers write every row under the permissions of the caller, with history, audit log and
//! events. Only the clock differs.

use std::{collections::HashMap, time::Duration};

use access::{AppSettings, AppState, Keyring};
use axum::{Router, body::Body};
use chrono::{DateTime, TimeDelta, Utc};
use events::Environment;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{
    Clock,
    edge::{self, Edge},
};

use crate::{Error, database::Database, functions, sign_ins::Account};

/// Access tokens are refreshed this long before they expire.
const TOKEN_EXPIRY_MARGIN: TimeDelta = TimeDelta::seconds(60);

/// The routers, a clock that is set explicitly, and the sessions of the callers.
pub struct DemoClient {
    clock: Clock,
    state: AppState,
    router: Router,
    sessions: HashMap<String, Session>,
}

struct Session {
    access: String,
    refresh: String,
    expires_at: DateTime<Utc>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    pub method: Method,
    path: String,
    headers: Vec<(String, String)>,
    content: String,
}

/// A response.
#[derive(Debug)]
pub struct ApiResponse {
    /// Status code.
    pub status: StatusCode,
    /// JSON body; null if there is none.
    pub body: Value,
    request_line: String,
}

impl ApiRequest {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            content: String::new(),
        }
    }

    pub fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.content = body.to_string();
        self.header("content-type", "application/json")
    }

    /// With a file as a form.
    pub fn file(mut self, name: &str, content: &str) -> Self {
        self.content = format!(
            "--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n--boundary--\r\n"
        );
        self.header("content-type", "multipart/form-data; boundary=boundary")
    }
}

impl ApiResponse {
    /// Returns the response if it is successful.
    pub fn success(self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let Self {
            status,
            body,
            request_line,
        } = self;
        Err(format!("{request_line} failed with {status}: {body}").into())
    }

    /// Returns the items of a list.
    pub fn items(&self) -> impl Iterator<Item = &Value> {
        self.body["items"].as_array().into_iter().flatten()
    }

    fn text(&self, field: &str) -> Result<String, Error> {
        let text = self.body[field].as_str().map(str::to_owned);
        text.ok_or_else(|| format!("{} has no {field} in its response", self.request_line).into())
    }
}

impl DemoClient {
    /// Creates a client for the routers of all functions, with the clock at `now`.
    pub fn at(
        now: DateTime<Utc>,
        database: &Database,
        keyring: &Keyring,
        (public_url, environment): (&str, &Environment),
    ) -> Result<Self, Error> {
        let clock = Clock::fixed_at(now);
        let settings = AppSettings {
            public_url: public_url.to_owned(),
            cache_ttl: Duration::from_secs(15),
            local: true,
            in_flight: 64,
        };
        let state = AppState::new(
            database.shared_pool()?,
            clock.clone(),
            keyring.clone(),
            settings,
        );
        let started = functions::start(|name| database.pool_of(name), &state, environment)?;
        let router = edge::wrap(
            web::service::compose(started.iter().map(|started| &started.service)),
            Edge {
                clock: clock.clone(),
                trusted_proxies: 0,
            },
        );
        Ok(Self {
            clock,
            state,
            router,
            sessions: HashMap::new(),
        })
    }

    /// Returns the shared state of the routers.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Moves the clock forward to `now`, never back.
    pub fn advance_to(&self, now: DateTime<Utc>) {
        self.clock.set(now.max(self.clock.now()));
    }

    /// Sends a request as an account, which signs in first if needed, or without credentials.
    pub async fn call(
        &mut self,
        account: Option<&Account>,
        mut request: ApiRequest,
    ) -> Result<ApiResponse, Error> {
        if let Some(account) = account {
            let token = self.token(account).await?;
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request).await
    }

    /// Whether the account can sign in.
    pub async fn can_sign_in(&mut self, account: &Account) -> Result<bool, Error> {
        let response = self.sign_in(account).await?;
        if response.status == StatusCode::UNAUTHORIZED {
            return Ok(false);
        }
        self.store_session(account, &response.success()?)?;
        Ok(true)
    }

    /// Signs the account out.
    pub async fn sign_out(&mut self, account: &Account) -> Result<(), Error> {
        let request = ApiRequest::new(Method::POST, "/auth/logout");
        self.call(Some(account), request).await?.success()?;
        self.sessions.remove(&account.email);
        Ok(())
    }

    async fn sign_in(&self, account: &Account) -> Result<ApiResponse, Error> {
        let body = json!({
            "tenant": account.tenant, "email": account.email, "password": account.password,
            "device_name": "Firefox",
        });
        let request = ApiRequest::new(Method::POST, "/auth/login").json(&body);
        self.send(request).await
    }

    fn store_session(
        &mut self,
        account: &Account,
        response: &ApiResponse,
    ) -> Result<String, Error> {
        let access = response.text("access_token")?;
        let seconds = response.body["expires_in"].as_i64().unwrap_or_default();
        let session = Session {
            access: access.clone(),
            refresh: response.text("refresh_token")?,
            expires_at: self.clock.now() + TimeDelta::seconds(seconds),
        };
        self.sessions.insert(account.email.clone(), session);
        Ok(access)
    }

    /// Returns a valid access token: cached, refreshed, or by signing in.
    async fn token(&mut self, account: &Account) -> Result<String, Error> {
        if let Some(session) = self.sessions.get(&account.email) {
            if self.clock.now() < session.expires_at - TOKEN_EXPIRY_MARGIN {
                return Ok(session.access.clone());
            }
            let body = json!({"refresh_token": session.refresh});
            let request = ApiRequest::new(Method::POST, "/auth/refresh").json(&body);
            let response = self.send(request).await?;
            if response.status.is_success() {
                return self.store_session(account, &response);
            }
        }
        let response = self.sign_in(account).await?.success()?;
        self.store_session(account, &response)
    }

    async fn send(&self, request: ApiRequest) -> Result<ApiResponse, Error> {
        let request_line = format!("{} {}", request.method, request.path);
        let mut builder = Request::builder().method(request.method).uri(format!(
            "{}{}",
            web::openapi::BASE,
            request.path
        ));
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        let request = builder.body(Body::from(request.content))?;
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok(ApiResponse {
            status,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            request_line,
        })
    }
}

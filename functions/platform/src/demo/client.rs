//! An API client over the platform's own routers, with a clock that can be set.
//!
//! The demo is loaded through the API: handlers write every row under the permissions of the caller, with history, audit log and
//! events. Only the clock differs.

use std::{collections::HashMap, time::Duration};

use access::{AppSettings, AppState, Keyring};
use axum::{Router, body::Body};
use chrono::{DateTime, TimeDelta, Utc};
use events::Environment;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use ids::TicketId;
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{
    Clock,
    edge::{self, Edge},
};

use crate::{Error, database::Database, functions};

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

/// An account and its password.
#[derive(Clone, Debug)]
pub struct Account {
    /// Slug of the tenant.
    pub tenant: String,
    /// Email address.
    pub email: String,
    /// Password.
    pub password: String,
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

/// A failed request.
#[derive(Debug, thiserror::Error)]
#[error("{request_line} failed with {status}: {body}")]
pub struct RequestRefused {
    request_line: String,
    status: StatusCode,
    body: String,
}

impl ApiResponse {
    /// Returns the response if it is successful.
    pub fn success(self) -> Result<Self, RequestRefused> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(RequestRefused {
            request_line: self.request_line,
            status: self.status,
            body: self.body.to_string(),
        })
    }

    /// Returns a string field of the body.
    pub fn text(&self, field: &str) -> Result<String, Error> {
        self.body[field].as_str().map(str::to_owned).ok_or_else(|| {
            format!(
                "{} has no {field} in its response: {}",
                self.request_line, self.body
            )
            .into()
        })
    }

    /// Returns the `id` field of the body.
    pub fn id<T: std::str::FromStr>(&self) -> Result<T, Error> {
        self.text("id")?
            .parse()
            .map_err(|_| format!("{} has no valid id in its response", self.request_line).into())
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

    /// Sends a request as an account; signs in first if needed. `idempotency_key` makes a repetition harmless.
    pub async fn call(
        &mut self,
        account: &Account,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<ApiResponse, Error> {
        let token = self.token(account).await?;
        self.send(method, path, body, Some(&token), idempotency_key)
            .await
    }

    /// Sends a `GET` request.
    pub async fn get(&mut self, account: &Account, path: &str) -> Result<ApiResponse, Error> {
        self.call(account, Method::GET, path, None, None).await
    }

    /// Sends a `PUT` request.
    pub async fn put(
        &mut self,
        account: &Account,
        path: &str,
        body: &Value,
    ) -> Result<ApiResponse, Error> {
        self.call(account, Method::PUT, path, Some(body), None)
            .await
    }

    /// Sends a `POST` request.
    pub async fn post(
        &mut self,
        account: &Account,
        path: &str,
        body: &Value,
    ) -> Result<ApiResponse, Error> {
        self.call(account, Method::POST, path, Some(body), None)
            .await
    }

    /// Sends a `GET` request with an API key or token.
    #[cfg(test)]
    pub async fn get_with_token(&self, token: &str, path: &str) -> Result<ApiResponse, Error> {
        self.send(Method::GET, path, None, Some(token), None).await
    }

    /// Sends a `POST` request without credentials.
    pub async fn post_anonymously(&self, path: &str, body: &Value) -> Result<ApiResponse, Error> {
        self.send(Method::POST, path, Some(body), None, None).await
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
        let response = self.call(account, Method::POST, "/auth/logout", None, None);
        response.await?.success()?;
        self.sessions.remove(&account.email);
        Ok(())
    }

    async fn sign_in(&self, account: &Account) -> Result<ApiResponse, Error> {
        let body = json!({
            "tenant": account.tenant, "email": account.email, "password": account.password,
            "device_name": "Firefox",
        });
        self.post_anonymously("/auth/login", &body).await
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
            let response = self.post_anonymously("/auth/refresh", &body).await?;
            if response.status.is_success() {
                return self.store_session(account, &response);
            }
        }
        let response = self.sign_in(account).await?.success()?;
        self.store_session(account, &response)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
        idempotency_key: Option<&str>,
    ) -> Result<ApiResponse, Error> {
        let request_line = format!("{method} {path}");
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", web::openapi::BASE));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(idempotency_key) = idempotency_key {
            request = request.header("idempotency-key", idempotency_key);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.execute(request_line, request.body(body)?).await
    }

    async fn execute(
        &self,
        request_line: String,
        request: Request<Body>,
    ) -> Result<ApiResponse, Error> {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok(ApiResponse {
            status,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            request_line,
        })
    }

    /// Attaches a file to a ticket, unless it already has one.
    pub async fn attach_file(
        &mut self,
        account: &Account,
        ticket: TicketId,
        name: &str,
        content: &str,
    ) -> Result<(), Error> {
        let path = format!("/tickets/{ticket}/file-grant");
        let grant = self.get(account, &path).await?.success()?.text("grant")?;
        let token = self.token(account).await?;
        let files = format!("/files?resource=ticket:{ticket}");
        let request = |method: Method| {
            Request::builder()
                .method(method)
                .uri(format!("{}{files}", web::openapi::BASE))
                .header(header::AUTHORIZATION, format!("Bearer {token}"))
                .header("x-file-grant", &grant)
        };
        let request_line = format!("GET {files}");
        let list = request(Method::GET).body(Body::empty())?;
        let existing = self.execute(request_line, list).await?.success()?;
        if existing.body["items"]
            .as_array()
            .is_some_and(|items| !items.is_empty())
        {
            return Ok(());
        }
        let form = format!(
            "--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n--boundary--\r\n"
        );
        let upload = request(Method::POST)
            .header(
                header::CONTENT_TYPE,
                "multipart/form-data; boundary=boundary",
            )
            .body(Body::from(form))?;
        self.execute(format!("POST {files}"), upload)
            .await?
            .success()?;
        Ok(())
    }
}

//! The providers configured for this process.

use std::sync::Arc;

use access::{
    oidc::{Issuer, Metadata, fetch},
    opaque::sha256,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

use super::{
    Identity, OidcError, Secrets,
    apple::AppleKey,
    id_token::{self, Expected},
};

/// A path segment that a provider's name would shadow.
const RESERVED_NAME: &str = "token";

/// Our client credential.
enum Credential {
    Secret(String),
    Apple(AppleKey),
}

/// A provider, with its cached metadata and keys.
pub struct Provider {
    pub(crate) name: String,
    pub(crate) label: String,
    issuer: Issuer,
    client_id: String,
    credential: Credential,
    scopes: String,
    /// Apple posts its response as a form if a name or email address is requested.
    pub(crate) form_post: bool,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({})", self.name)
    }
}

/// All providers of this process, in the order of the settings.
#[derive(Clone, Debug, Default)]
pub struct Providers(Arc<[Arc<Provider>]>);

/// A provider in the settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderConfig {
    name: String,
    label: Option<String>,
    issuer: String,
    client_id: String,
    client_secret: Option<String>,
    apple: Option<AppleConfig>,
    scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppleConfig {
    team_id: String,
    key_id: String,
    private_key: String,
}

impl Providers {
    /// Parses a JSON array. `local` allows providers on this machine without TLS.
    pub fn parse(text: &str, local: bool) -> Result<Self, String> {
        // The text contains secrets, so the error names only the position.
        let config: Vec<ProviderConfig> = serde_json::from_str(text).map_err(|error| {
            format!(
                "line {} column {}: {:?}",
                error.line(),
                error.column(),
                error.classify()
            )
        })?;
        let http = Issuer::client(local).map_err(|error| error.to_string())?;
        let mut all: Vec<Arc<Provider>> = Vec::new();
        for one in config {
            let name = one.name.clone();
            if all.iter().any(|other| other.name == name) {
                return Err(format!("{name}: twice"));
            }
            let provider = Provider::new(one, local, http.clone());
            all.push(Arc::new(
                provider.map_err(|wrong| format!("{name}: {wrong}"))?,
            ));
        }
        Ok(Self(all.into()))
    }

    /// Finds the provider with this name.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Provider>> {
        self.iter().find(|provider| provider.name == name).cloned()
    }

    /// Iterates over all providers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.0.iter()
    }
}

fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
        && name != RESERVED_NAME
}

impl Provider {
    fn new(
        config: ProviderConfig,
        local: bool,
        http: reqwest::Client,
    ) -> Result<Self, &'static str> {
        let ProviderConfig {
            name,
            label,
            issuer,
            client_id,
            client_secret,
            apple,
            scopes,
        } = config;
        if !is_name(&name) {
            return Err("the name must be 1 to 32 of a-z, 0-9, - and _, and not `token`");
        }
        let issuer = Issuer::new(issuer, local, http).ok_or("the issuer must be an https URL")?;
        if client_id.is_empty() {
            return Err("the client_id is empty");
        }
        let form_post = apple.is_some();
        let credential = match (client_secret, apple) {
            (Some(secret), None) if !secret.is_empty() => Credential::Secret(secret),
            (None, Some(apple)) => Credential::Apple(
                AppleKey::parse(apple.team_id, apple.key_id, &apple.private_key)
                    .ok_or("apple.private_key must be a P-256 key in PKCS #8 (PEM)")?,
            ),
            _ => return Err("either client_secret or apple is required"),
        };
        let scopes = scopes.map_or_else(
            || {
                let usual = if form_post {
                    "openid email name"
                } else {
                    "openid email profile"
                };
                usual.to_owned()
            },
            |scopes| scopes.join(" "),
        );
        if !scopes.split(' ').any(|scope| scope == "openid") {
            return Err("the scopes must include openid");
        }
        Ok(Self {
            label: label.unwrap_or_else(|| name.clone()),
            name,
            issuer,
            client_id,
            credential,
            scopes,
            form_post,
        })
    }

    /// The issuer's name.
    pub(crate) fn issuer(&self) -> &str {
        self.issuer.url()
    }

    /// Whether `text` is the name of this issuer. Google uses two spellings.
    pub(crate) fn is_issuer(&self, text: &str) -> bool {
        text == self.issuer()
            || (self.issuer() == "https://accounts.google.com" && text == "accounts.google.com")
    }

    /// The URL to redirect the browser to.
    pub(crate) async fn authorization_url(
        &self,
        callback: &str,
        state: &str,
        secrets: &Secrets<'_>,
        now: DateTime<Utc>,
    ) -> Result<Url, OidcError> {
        let mut url = self
            .issuer
            .metadata(now)
            .await?
            .authorization_endpoint
            .clone();
        let challenge = URL_SAFE_NO_PAD.encode(sha256(secrets.verifier.as_bytes()));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", callback)
            .append_pair("scope", &self.scopes)
            .append_pair("state", state)
            .append_pair("nonce", secrets.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if self.form_post {
            url.query_pairs_mut()
                .append_pair("response_mode", "form_post");
        }
        Ok(url)
    }

    /// Exchanges the code for a verified identity.
    pub(crate) async fn redeem(
        &self,
        code: &str,
        callback: &str,
        secrets: &Secrets<'_>,
        now: DateTime<Utc>,
    ) -> Result<Identity, OidcError> {
        let metadata = self.issuer.metadata(now).await?;
        let request = self.token_request(&metadata, code, callback, secrets, now)?;
        let answer: TokenAnswer = fetch::json(request, fetch::MAX_DOCUMENT_BYTES).await?;
        let token = answer
            .id_token
            .ok_or(OidcError::Refused("no ID token in the response"))?;
        let claims = self
            .issuer
            .verify(&token, &id_token::ALGORITHMS, now)
            .await?;
        let expected = Expected {
            is_issuer: &|text| self.is_issuer(text),
            client_id: &self.client_id,
            nonce: secrets.nonce,
            now,
        };
        id_token::validate_claims(claims, &expected)
    }

    fn token_request(
        &self,
        metadata: &Metadata,
        code: &str,
        callback: &str,
        secrets: &Secrets<'_>,
        now: DateTime<Utc>,
    ) -> Result<reqwest::RequestBuilder, OidcError> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", callback)
            .append_pair("code_verifier", secrets.verifier);
        let mut request = self.issuer.http().post(metadata.token_endpoint.clone());
        match &self.credential {
            Credential::Secret(secret) if metadata.basic => {
                let encoded = |text: &str| -> String {
                    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
                };
                request = request.basic_auth(encoded(&self.client_id), Some(encoded(secret)));
            }
            Credential::Secret(secret) => {
                form.append_pair("client_id", &self.client_id)
                    .append_pair("client_secret", secret);
            }
            Credential::Apple(key) => {
                let secret = key
                    .client_secret(&self.client_id, self.issuer(), now)
                    .ok_or(OidcError::Refused("the client secret can't be signed"))?;
                form.append_pair("client_id", &self.client_id)
                    .append_pair("client_secret", &secret);
            }
        }
        let form_type = "application/x-www-form-urlencoded";
        Ok(request
            .header(http::header::CONTENT_TYPE, form_type)
            .body(form.finish()))
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Providers::parse(text, false).unwrap_err()
    }

    #[test]
    fn a_list_is_parsed_and_errors_contain_no_secrets() {
        let good = r#"[{"name": "google", "issuer": "https://accounts.google.com", "client_id": "c", "client_secret": "hush"}]"#;
        let providers = Providers::parse(good, false).unwrap();
        assert_eq!(format!("{providers:?}"), "Providers([Provider(google)])");
        let google = providers.find("google").unwrap();
        assert!(google.is_issuer("accounts.google.com"));
        assert!(!google.is_issuer("https://accounts.google.com/"));
        assert!(providers.find("apple").is_none());
        for (from, to, wrong) in [
            ("\"google\"", "\"token\"", "the name must be"),
            ("\"google\"", "\"Google\"", "the name must be"),
            ("https:", "http:", "the issuer must be"),
            ("\"hush\"", "\"\"", "either client_secret or apple"),
            ("\"hush\"", "7", "line 1"),
            (
                "}]",
                ", \"scopes\": [\"email\"]}]",
                "the scopes must include openid",
            ),
        ] {
            let text = good.replace(from, to);
            let message = refusal(&text);
            assert!(message.contains(wrong), "{message}");
            assert!(!message.contains("hush"), "{message}");
        }
        let twice = format!("[{0}, {0}]", &good[1..good.len() - 1]);
        assert_eq!(refusal(&twice), "google: twice");
    }

    #[test]
    fn issuers_without_tls_are_allowed_only_locally() {
        for (issuer, local) in [
            ("http://127.0.0.1:9", true),
            ("http://localhost:9", true),
            ("http://example.org", false),
        ] {
            let text = format!(
                r#"[{{"name": "x", "issuer": "{issuer}", "client_id": "c", "client_secret": "s"}}]"#
            );
            assert_eq!(Providers::parse(&text, true).is_ok(), local, "{issuer}");
            assert!(Providers::parse(&text, false).is_err(), "{issuer}");
        }
    }
}

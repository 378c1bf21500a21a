//! Forged access tokens (RFC 8725 and common attack lists): all of them are refused.
//!
//! Forgeries of claims or headers are signed with a trusted key, so that only the
//! check under test can refuse them.

use aws_lc_rs::hmac;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use testkit::{
    TestApp, TestTenant,
    fake_issuer::{FakeIssuer, KeyPair, join},
};

use super::{PASSWORD, add, demo, try_login};

/// The trusted key, with this key ID.
const TRUSTED: &str = "forge";
/// The order of Ed25519's group, little-endian (RFC 8032, 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
/// The prefix of the 32 key bytes in a `SubjectPublicKeyInfo` (RFC 8410).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Creates forgeries and collects them by name.
struct ForgedTokens {
    key: KeyPair,
    foreign: KeyPair,
    /// The claims of a genuine token.
    claims: Value,
    all: Vec<(String, String)>,
}

impl ForgedTokens {
    fn header() -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": TRUSTED})
    }

    fn valid_token(&self) -> String {
        join(&Self::header(), &self.claims, |message| {
            self.key.sign(message)
        })
    }

    fn add(&mut self, name: impl Into<String>, token: impl Into<String>) {
        self.all.push((name.into(), token.into()));
    }

    /// Adds a token with these header members (null removes one) and a valid signature.
    fn with_header(&mut self, name: impl Into<String>, members: &Value) {
        let header = merged(Self::header(), members);
        let token = join(&header, &self.claims, |message| self.key.sign(message));
        self.add(name, token);
    }

    /// Adds a token with these claims and a valid signature.
    fn with_claims(&mut self, name: impl Into<String>, members: &Value) {
        let claims = merged(self.claims.clone(), members);
        let token = join(&Self::header(), &claims, |message| self.key.sign(message));
        self.add(name, token);
    }

    /// Adds a token of arbitrary parts with a valid signature.
    fn with_texts(&mut self, name: &str, header: &str, claims: &str) {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = encode(self.key.sign(message.as_bytes()));
        self.add(name, format!("{message}.{signature}"));
    }

    /// Adds a token with these header members, signed with a foreign key.
    fn with_signer(
        &mut self,
        name: impl Into<String>,
        members: &Value,
        sign: impl Fn(&[u8]) -> Vec<u8>,
    ) {
        let token = join(&merged(Self::header(), members), &self.claims, sign);
        self.add(name, token);
    }

    /// Adds the genuine token with a different signature.
    fn signed(&mut self, name: &str, signature: impl AsRef<[u8]>) {
        let valid = self.valid_token();
        let (message, _) = valid.rsplit_once('.').unwrap();
        self.add(name, format!("{message}.{}", encode(signature)));
    }
}

fn merged(mut target: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(name);
        } else {
            target[name] = value.clone();
        }
    }
    target
}

/// `alg: none` in every spelling.
fn without_algorithm(forged: &mut ForgedTokens) {
    for alg in ["none", "None", "NONE", "nOnE", "none ", "", "null", "plain"] {
        forged.with_signer(
            format!("alg {alg:?}, no signature"),
            &json!({"alg": alg}),
            |_| Vec::new(),
        );
    }
    let key = forged.key.clone();
    forged.with_signer(
        "alg none, a good signature",
        &json!({"alg": "none"}),
        |message| key.sign(message),
    );
    let unsigned = join(
        &merged(ForgedTokens::header(), &json!({"alg": "none"})),
        &forged.claims,
        |_| Vec::new(),
    );
    forged.add("alg none, no last dot", unsigned.trim_end_matches('.'));
    for (name, members) in [
        ("alg missing", json!({"alg": null})),
        ("alg a list", json!({"alg": ["EdDSA"]})),
        ("alg a number", json!({"alg": 8})),
        ("alg in lower case", json!({"alg": "eddsa"})),
        ("alg with a space", json!({"alg": "EdDSA "})),
        ("alg of another curve", json!({"alg": "Ed448"})),
    ] {
        forged.with_header(name, &members);
    }
}

/// Our public key, used as an HMAC secret.
fn public_key_as_secret(forged: &mut ForgedTokens) {
    let public = forged.key.public_key();
    let spki = [&SPKI[..], &public].concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&spki)
    );
    let hex = public
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let secrets: [(&str, Vec<u8>); 9] = [
        ("raw", public.clone()),
        ("base64url", encode(&public).into()),
        ("base64", STANDARD.encode(&public).into()),
        ("hex", hex.into()),
        ("DER", spki),
        ("PEM", pem.clone().into()),
        ("PEM without its last line feed", pem.trim_end().into()),
        ("JWK", forged.key.jwk().to_string().into()),
        ("nothing", Vec::new()),
    ];
    for (alg, algorithm) in [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ] {
        for (form, secret) in &secrets {
            let key = hmac::Key::new(algorithm, secret);
            forged.with_signer(
                format!("{alg} with our public key as secret, {form}"),
                &json!({"alg": alg}),
                |message| hmac::sign(&key, message).as_ref().to_vec(),
            );
        }
    }
}

/// Foreign keys, and attempts to make us accept one.
fn foreign_keys(forged: &mut ForgedTokens) {
    let (rsa, p256, foreign) = (
        KeyPair::rsa(TRUSTED),
        KeyPair::p256(TRUSTED),
        forged.foreign.clone(),
    );
    for key in [&rsa, &p256] {
        let alg = key.algorithm();
        forged.with_signer(
            format!("{alg} with_signer a key of one's own"),
            &json!({"alg": alg}),
            |message| key.sign(message),
        );
        forged.with_signer(
            format!("{alg}, and EdDSA says the header"),
            &json!({}),
            |message| key.sign(message),
        );
        forged.with_header(
            format!("{alg} says the header, and EdDSA signed"),
            &json!({"alg": alg}),
        );
    }
    let x5c = STANDARD.encode(foreign.public_key());
    for (name, members) in [
        ("a foreign key under our name", json!({})),
        ("a foreign key that nobody knows", json!({"kid": "foreign"})),
        ("a foreign key in jwk", json!({"jwk": foreign.jwk()})),
        (
            "a foreign key in jwk, no kid",
            json!({"jwk": foreign.jwk(), "kid": null}),
        ),
        (
            "a foreign key at jku",
            json!({"jku": "https://evil.example/jwks.json"}),
        ),
        (
            "a foreign key at our own jku",
            json!({"jku": "https://api.revalenz.example/.well-known/jwks.json"}),
        ),
        (
            "a foreign key at x5u",
            json!({"x5u": "https://evil.example/cert.pem"}),
        ),
        ("a foreign key in x5c", json!({"x5c": [x5c]})),
        (
            "a foreign key with_signer its thumbprint",
            json!({"x5t": encode([1; 20]), "x5t#S256": encode([1; 32])}),
        ),
    ] {
        forged.with_signer(name, &members, |message| foreign.sign(message));
    }
    let small_order = json!({"kty": "OKP", "crv": "Ed25519", "x": encode([0; 32])});
    let mut identity = vec![0; 64];
    identity[0] = 1;
    forged.with_signer(
        "a key of small order in jwk",
        &json!({"jwk": small_order}),
        |_| identity.clone(),
    );
    for (name, kid) in [
        ("up the path", json!("../../../../../../dev/null")),
        ("from the root", json!("/dev/null")),
        ("SQL", json!("forge' or '1'='1")),
        ("SQL union", json!("x' union select 'AA' --")),
        ("a command", json!("forge; ls")),
        ("an address", json!("https://evil.example/key")),
        ("empty", json!("")),
        ("with NUL", json!("forge\0")),
        ("with a space", json!(" forge")),
        ("in upper case", json!("FORGE")),
        ("without end", json!("x".repeat(2_000))),
        ("a number", json!(0)),
        ("a list", json!([TRUSTED])),
        ("an object", json!({"kid": TRUSTED})),
        ("true", json!(true)),
        ("missing", Value::Null),
    ] {
        forged.with_header(format!("kid {name}"), &json!({"kid": kid}));
    }
}

/// Headers that would change the type of the token.
fn other_headers(forged: &mut ForgedTokens) {
    for (name, members) in [
        ("crit names exp", json!({"crit": ["exp"], "exp": 1})),
        (
            "crit names something unknown",
            json!({"crit": ["x"], "x": 1}),
        ),
        ("crit is empty", json!({"crit": []})),
        ("crit is a text", json!({"crit": "exp"})),
        ("crit names b64", json!({"crit": ["b64"], "b64": false})),
        ("typ missing", json!({"typ": null})),
        ("typ JWT", json!({"typ": "JWT"})),
        ("typ of an ID token", json!({"typ": "id+jwt"})),
        ("typ of a logout token", json!({"typ": "logout+jwt"})),
        ("typ of a proof of possession", json!({"typ": "dpop+jwt"})),
        ("typ with a space", json!({"typ": "at+jwt "})),
        ("typ with parameters", json!({"typ": "at+jwt; x=y"})),
        ("typ a number", json!({"typ": 1})),
        ("typ a list", json!({"typ": ["at+jwt"]})),
    ] {
        forged.with_header(name, &members);
    }
    let claims = forged.claims.to_string();
    for (name, header) in [
        (
            "alg twice, none last",
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"forge","alg":"none"}"#,
        ),
        (
            "alg twice, none first",
            r#"{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"forge"}"#,
        ),
        (
            "kid twice",
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"x","kid":"forge"}"#,
        ),
        (
            "typ twice",
            r#"{"alg":"EdDSA","typ":"JWT","typ":"at+jwt","kid":"forge"}"#,
        ),
        ("header a list", r#"["EdDSA","at+jwt","forge"]"#),
        ("header a text", r#""EdDSA""#),
        ("header no JSON", "{alg: EdDSA}"),
        (
            "header with something behind",
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"forge"}{}"#,
        ),
        ("header empty", ""),
    ] {
        forged.with_texts(name, header, &claims);
    }
    let header = ForgedTokens::header().to_string();
    let twice =
        |name: &str, value: &str| claims.replacen('{', &format!("{{\"{name}\":{value},"), 1);
    for (name, text) in [
        ("exp twice", twice("exp", "1")),
        (
            "sub twice",
            twice("sub", "\"00000000-0000-0000-0000-000000000000\""),
        ),
        ("claims a list", "[]".to_owned()),
        ("claims null", "null".to_owned()),
        ("claims no JSON", claims.replace('"', "'")),
        ("claims with something behind", format!("{claims}{{}}")),
        ("claims empty", String::new()),
    ] {
        forged.with_texts(name, &header, &text);
    }
}

/// Wrong claims with a valid signature.
fn wrong_claims(forged: &mut ForgedTokens, now: i64) {
    let issuer = testkit::PUBLIC_URL;
    for claim in [
        "iss", "aud", "sub", "tid", "sid", "role", "amr", "iat", "exp", "jti",
    ] {
        forged.with_claims(format!("{claim} missing"), &json!({claim: null}));
    }
    for (name, members) in [
        ("exp over", json!({"exp": now - 5})),
        ("exp long over", json!({"exp": 0})),
        ("exp negative", json!({"exp": -1})),
        ("exp before all times", json!({"exp": i64::MIN})),
        ("exp behind all times", json!({"exp": i64::MAX})),
        ("exp larger than a number of ours", json!({"exp": u64::MAX})),
        ("exp far away", json!({"exp": now + 86_400})),
        ("exp a second too far away", json!({"exp": now + 601})),
        ("exp a fraction", json!({"exp": 1e300})),
        ("exp a text", json!({"exp": (now + 600).to_string()})),
        ("exp a time", json!({"exp": "2099-01-01T00:00:00Z"})),
        ("exp a list", json!({"exp": [now + 600]})),
        ("exp true", json!({"exp": true})),
        (
            "iat in the future",
            json!({"iat": now + 6, "exp": now + 600}),
        ),
        ("iat a text", json!({"iat": now.to_string()})),
        ("iat before all times", json!({"iat": i64::MIN})),
        ("nbf in the future", json!({"nbf": now + 6})),
        ("nbf behind all times", json!({"nbf": i64::MAX})),
        ("nbf a text", json!({"nbf": "0"})),
        ("aud of somebody else", json!({"aud": "other-api"})),
        ("aud in upper case", json!({"aud": "REVALENZ-API"})),
        ("aud empty", json!({"aud": ""})),
        (
            "aud a list with others",
            json!({"aud": ["revalenz-api", "other-api"]}),
        ),
        ("aud a list of others", json!({"aud": ["other-api"]})),
        ("aud an empty list", json!({"aud": []})),
        ("aud an object", json!({"aud": {"revalenz-api": true}})),
        (
            "iss of somebody else",
            json!({"iss": "https://evil.example"}),
        ),
        ("iss with a slash", json!({"iss": format!("{issuer}/")})),
        (
            "iss without TLS",
            json!({"iss": issuer.replace("https", "http")}),
        ),
        (
            "iss that only begins like ours",
            json!({"iss": format!("{issuer}.evil.example")}),
        ),
        ("iss a list", json!({"iss": [issuer]})),
        ("sub a number", json!({"sub": 1})),
        ("sub no identifier", json!({"sub": "admin"})),
        (
            "sub without hyphens",
            json!({"sub": forged.claims["sub"].as_str().unwrap().replace('-', "")}),
        ),
        ("tid no identifier", json!({"tid": "demo"})),
        ("sid no identifier", json!({"sid": "x"})),
        ("role a list", json!({"role": ["admin"]})),
        ("amr a text", json!({"amr": "pwd"})),
        ("jti a number", json!({"jti": 1})),
    ] {
        forged.with_claims(name, &members);
    }
    let claims = forged.claims.to_string();
    let exp = (now + 600).to_string();
    for (name, value) in [
        ("NaN", "NaN"),
        ("infinite", "1e999"),
        ("hexadecimal", "0x7fffffff"),
    ] {
        let text = claims.replace(&exp, value);
        assert_ne!(text, claims);
        forged.with_texts(
            &format!("exp {name}"),
            &ForgedTokens::header().to_string(),
            &text,
        );
    }
}

/// Foreign tenants and sessions with a valid signature.
fn swapped_identifiers(forged: &mut ForgedTokens, own: &TestTenant, other: &TestTenant) {
    let (theirs, session) = (json!(other.id), json!(other.customer.session));
    let nobody = "01900000-0000-7000-8000-000000000000";
    for (name, members) in [
        ("tid of another tenant", json!({"tid": theirs})),
        ("sid of another tenant", json!({"sid": session})),
        (
            "tid and sid of another tenant",
            json!({"tid": theirs, "sid": session}),
        ),
        ("sub of another tenant", json!({"sub": other.customer.id})),
        (
            "sub and tid of another tenant",
            json!({"sub": other.customer.id, "tid": theirs}),
        ),
        ("sub of a colleague", json!({"sub": own.admin.id})),
        ("sid of a colleague", json!({"sid": own.admin.session})),
        ("tid of staff", json!({"tid": access::REVALENZ})),
        ("tid of nobody", json!({"tid": nobody})),
        ("sid of nobody", json!({"sid": nobody})),
    ] {
        forged.with_claims(name, &members);
    }
}

/// Malformed signatures.
fn modified_signatures(forged: &mut ForgedTokens) {
    let valid = forged.valid_token();
    let (_, signature) = valid.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    forged.signed("signature empty", []);
    forged.signed("signature of zeros", [0; 64]);
    forged.signed("signature of ones", [0xff; 64]);
    forged.signed("signature a byte short", &bytes[..63]);
    forged.signed("signature half", &bytes[..32]);
    forged.signed("signature with a byte behind", [&bytes[..], &[0]].concat());
    forged.signed("signature twice", [&bytes[..], &bytes[..]].concat());
    forged.signed(
        "signature turned round",
        [&bytes[32..], &bytes[..32]].concat(),
    );
    for position in [0, 31, 32, 63] {
        let mut flipped = bytes.clone();
        flipped[position] ^= 1;
        forged.signed(
            &format!("signature with a bit of byte {position} flipped"),
            flipped,
        );
    }
    // The equation also holds modulo the group order: a check that does not bound s accepts it.
    let mut malleable = bytes.clone();
    let mut carry = 0;
    for (byte, order) in malleable[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    forged.signed("signature with the group's order added", malleable);
    let mut identity = [0; 64];
    identity[0] = 1;
    forged.signed("signature of the neutral point", identity);
}

/// Malformed tokens.
fn modified_tokens(forged: &mut ForgedTokens) {
    let valid = forged.valid_token();
    let parts: Vec<&str> = valid.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let other = merged(forged.claims.clone(), &json!({"role": "superadmin"})).to_string();
    forged.add(
        "other claims under the signature",
        format!("{header}.{}.{signature}", encode(other)),
    );
    let other = merged(ForgedTokens::header(), &json!({"x": 1})).to_string();
    forged.add(
        "another header under the signature",
        format!("{}.{claims}.{signature}", encode(other)),
    );

    let last = signature.chars().last().unwrap();
    let stray = char::from(u8::try_from(last).unwrap() + 1);
    let padded = |part: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(part).unwrap());
    let message = format!("{}.{}", padded(header), padded(claims));
    let over_padded = encode(forged.key.sign(message.as_bytes()));
    let standard = format!(
        "{}.{}",
        STANDARD.encode(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"forge","x":"???>>>"}"#),
        STANDARD.encode(forged.claims.to_string())
    );
    assert!(standard.contains(['+', '/', '=']));
    let over_standard = encode(forged.key.sign(standard.as_bytes()));
    let text = forged.claims.to_string();
    let raw = format!(
        "{}.{text}",
        encode(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"forge","b64":false}"#)
    );
    let over_raw = encode(forged.key.sign(raw.as_bytes()));
    for (name, token) in [
        (
            "signature padded",
            format!("{header}.{claims}.{}", padded(signature)),
        ),
        (
            "signature with stray bits",
            format!("{header}.{claims}.{}{stray}", &signature[..85]),
        ),
        ("all padded, signed so", format!("{message}.{over_padded}")),
        (
            "in the standard alphabet, signed so",
            format!("{standard}.{over_standard}"),
        ),
        ("body not encoded, signed so", format!("{raw}.{over_raw}")),
        ("a dot behind", format!("{valid}.")),
        ("a dot in front", format!(".{valid}")),
        ("a fourth part", format!("{valid}.AAAA")),
        ("letters behind", format!("{valid}AAAA")),
        ("two dots together", valid.replacen('.', "..", 1)),
        ("without a signature", format!("{header}.{claims}")),
        (
            "without a signature, with its dot",
            format!("{header}.{claims}."),
        ),
        ("the header alone", header.to_owned()),
        ("the claims alone", claims.to_owned()),
        ("dots alone", "..".to_owned()),
        ("cut in the middle", valid[..valid.len() / 2].to_owned()),
        ("without its first letter", valid[1..].to_owned()),
        ("a space inside", format!("{header}. {claims}.{signature}")),
        ("a tab inside", format!("{header}\t.{claims}.{signature}")),
        (
            "a space in the signature",
            format!(
                "{header}.{claims}.{} {}",
                &signature[..40],
                &signature[40..]
            ),
        ),
        ("in quotes", format!("\"{valid}\"")),
        ("twice", format!("{valid} {valid}")),
        ("twice with a comma", format!("{valid},{valid}")),
        ("percent-encoded", valid.replace('.', "%2E")),
        ("in lower case", valid.to_lowercase()),
        (
            "encrypted (JWE)",
            format!(
                "{}.{}.{}.{}.{}",
                encode(r#"{"alg":"dir","enc":"A256GCM","kid":"forge"}"#),
                "",
                encode([1; 12]),
                claims,
                encode([2; 16])
            ),
        ),
        (
            "as JSON (JWS)",
            json!({"protected": header, "payload": claims, "signature": signature}).to_string(),
        ),
        (
            "larger than what is looked at",
            format!("{header}.{}.{signature}", "A".repeat(5_000)),
        ),
    ] {
        forged.add(name, token);
    }
}

/// A complete token in place of the claims.
fn nested(forged: &mut ForgedTokens) {
    let valid = forged.valid_token();
    let nested = format!(
        "{}.{}",
        encode(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"forge","cty":"JWT"}"#),
        encode(&valid)
    );
    let over_nested = encode(forged.key.sign(nested.as_bytes()));
    forged.add("a token in a token", format!("{nested}.{over_nested}"));
}

/// Our own tokens for other purposes, and tokens of deleted keys.
async fn tokens_of_other_kinds(forged: &mut ForgedTokens, app: &TestApp, tenant: &TestTenant) {
    add(app, tenant, "customer", "ada@demo.example").await;
    let tokens = try_login(app, "demo", "ada@demo.example", PASSWORD)
        .await
        .expect(200)
        .json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    forged.add("a refresh token", refresh);
    forged.add("a refresh token with dots", format!("{refresh}..{refresh}"));
    let gone = KeyPair::ed25519("gone");
    trust(app, &gone).await;
    let token = join(
        &merged(ForgedTokens::header(), &json!({"kid": "gone"})),
        &forged.claims,
        |message| gone.sign(message),
    );
    app.anonymous()
        .bearer(&token)
        .get("/api/v1/me")
        .await
        .expect(200);
    sqlx::query("delete from access.signing_keys where key_id = 'gone'")
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    let fresh = merged(forged.claims.clone(), &json!({"jti": "another"}));
    let header = merged(ForgedTokens::header(), &json!({"kid": "gone"}));
    forged.add(
        "by a key that is gone",
        join(&header, &fresh, |message| gone.sign(message)),
    );
    let issuer = FakeIssuer::start().await;
    forged.add("of another issuer", issuer.sign(&forged.claims));
}

async fn trust(app: &TestApp, key: &KeyPair) {
    sqlx::query("insert into access.signing_keys (key_id, public_key, status, created_at, retired_at) values ($1, $2, 'retired', $3, $3)")
        .bind(key.key_id())
        .bind(key.public_key())
        .bind(app.clock.now())
        .execute(&mut app.admin().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn forged_access_tokens_are_refused() {
    let (app, tenant) = demo().await;
    let other = app.tenant("other").await;
    let key = KeyPair::ed25519(TRUSTED);
    trust(&app, &key).await;
    let claims = serde_json::to_value(app.claims(&tenant.customer)).unwrap();
    let mut forged = ForgedTokens {
        key,
        foreign: KeyPair::ed25519(TRUSTED),
        claims,
        all: Vec::new(),
    };
    without_algorithm(&mut forged);
    public_key_as_secret(&mut forged);
    foreign_keys(&mut forged);
    other_headers(&mut forged);
    wrong_claims(&mut forged, app.clock.now().timestamp());
    swapped_identifiers(&mut forged, &tenant, &other);
    modified_signatures(&mut forged);
    modified_tokens(&mut forged);
    nested(&mut forged);
    tokens_of_other_kinds(&mut forged, &app, &tenant).await;

    let valid = app.anonymous().bearer(&forged.valid_token());
    valid.get("/api/v1/me").await.expect(200);
    let mut accepted = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for (name, token) in &forged.all {
        assert!(names.insert(name), "two forgeries are called {name}");
        assert_ne!(*token, forged.valid_token(), "{name}");
        let answer = app.anonymous().bearer(token).get("/api/v1/me").await;
        let refused = answer.status == 401
            && answer.header("content-type") == "application/problem+json"
            && answer.header("www-authenticate") == "Bearer realm=\"revalenz\""
            && answer.json()["code"] == "unauthenticated";
        if !refused {
            accepted.push(format!("{name}: {} {}", answer.status, answer.text()));
        }
    }
    let tried = forged.all.len();
    println!(
        "{tried} forged access tokens, {} not refused",
        accepted.len()
    );
    assert!(
        accepted.is_empty(),
        "of {tried} not refused:\n{}",
        accepted.join("\n")
    );
    assert!(tried >= 60, "{tried}");
    // Control: the genuine token is still accepted.
    valid.get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn a_token_of_an_ended_session_is_refused_like_a_forged_one() {
    let (app, tenant) = demo().await;
    let customer = app.as_user(&tenant.customer);
    customer.get("/api/v1/me").await.expect(200);
    customer
        .call(http::Method::POST, "/api/v1/auth/logout")
        .send()
        .await
        .expect(204);
    customer
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn tokens_allowed_by_the_standards_are_accepted() {
    let (app, tenant) = demo().await;
    let key = KeyPair::ed25519(TRUSTED);
    trust(&app, &key).await;
    let claims = serde_json::to_value(app.claims(&tenant.customer)).unwrap();
    let now = app.clock.now().timestamp();
    for (header, members) in [
        (json!({"typ": "AT+JWT"}), json!({})),
        (json!({"typ": "application/at+jwt"}), json!({})),
        (json!({"x": "unknown"}), json!({"unknown": {"a": [1]}})),
        (json!({}), json!({"nbf": now, "iat": now + 4})),
        (json!({}), json!({"exp": now - 4})),
    ] {
        let header = merged(ForgedTokens::header(), &header);
        let claims = merged(claims.clone(), &members);
        let token = join(&header, &claims, |message| key.sign(message));
        let answer = app.anonymous().bearer(&token).get("/api/v1/me").await;
        assert_eq!(answer.status, 200, "{header} {members}");
    }
}

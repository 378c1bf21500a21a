//! Settings from the environment: one documented struct per binary, read once; unknown variables are rejected.

use std::{
    fmt::{self, Write as _},
    net::{IpAddr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    str::FromStr,
};

/// Prefix of the platform's own variables. A variable with this prefix that no setting reads is rejected.
pub const PREFIX: &str = "REVALENZ_";

/// All errors in the settings.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

/// One line of `--help`.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The environment variable.
    pub name: &'static str,
    /// The description.
    pub doc: &'static str,
    /// The default value.
    pub default: Option<&'static str>,
    /// The default on a developer's machine, where it is a different one.
    pub local_default: Option<&'static str>,
    /// Whether the value is a secret: never printed, and provided by the secret manager.
    pub secret: bool,
}

/// Whether a host names this machine itself: `localhost` (RFC 6761, 6.3) or a loopback address, with or without brackets.
pub fn is_loopback_host(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Whether the host of a URL names this machine itself.
pub fn is_loopback_url(url: &str) -> bool {
    let uri: Option<http::Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(http::Uri::host);
    host.is_some_and(is_loopback_host)
}

/// A type of a setting.
pub trait Setting: Sized {
    /// Whether the value is a secret.
    const SECRET: bool = false;
    /// Parses a value.
    fn read(text: &str) -> Result<Self, String>;
    /// The value of an unset variable; `None` if the setting is required.
    fn unset() -> Option<Self> {
        None
    }
}

macro_rules! by_from_str {
    ($($ty:ty: $expected:literal),* $(,)?) => {$(
        impl Setting for $ty {
            fn read(text: &str) -> Result<Self, String> {
                <$ty>::from_str(text).map_err(|_| concat!("must be ", $expected).to_owned())
            }
        }
    )*};
}
by_from_str!(
    String: "a text",
    bool: "true or false",
    u16: "a whole number from 0 to 65535",
    u32: "a whole number",
    u64: "a whole number",
    usize: "a whole number",
    std::path::PathBuf: "a path",
    SocketAddr: "an address and a port, such as 192.0.2.1:53",
);

macro_rules! at_least_one {
    ($($ty:ty),*) => {$(
        impl Setting for $ty {
            fn read(text: &str) -> Result<Self, String> {
                <$ty>::from_str(text).map_err(|_| "must be a whole number of at least 1".to_owned())
            }
        }
    )*};
}
at_least_one!(NonZeroU32, NonZeroUsize);

impl<T: Setting> Setting for Option<T> {
    const SECRET: bool = T::SECRET;
    fn read(text: &str) -> Result<Self, String> {
        T::read(text).map(Some)
    }
    fn unset() -> Option<Self> {
        Some(None)
    }
}

/// Reads one setting; used by [`settings!`](crate::settings!).
#[doc(hidden)]
pub fn read_one<T: Setting>(
    entry: Entry,
    lookup: &dyn Fn(&str) -> Option<String>,
    wrong: &mut Vec<String>,
) -> Option<T> {
    let given = lookup(entry.name).filter(|text| !text.is_empty());
    match given.or_else(|| entry.default.map(str::to_owned)) {
        Some(text) => match T::read(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                // Without the value: it may be a secret.
                wrong.push(format!("{} is invalid: {error}", entry.name));
                None
            }
        },
        None => T::unset().or_else(|| {
            wrong.push(format!("{} is missing: {}", entry.name, entry.doc.trim()));
            None
        }),
    }
}

/// Rejects variables that start with `REVALENZ_` and are in none of the lists.
pub fn refuse_unknown(
    names: impl Iterator<Item = String>,
    known: &[&[Entry]],
) -> Result<(), SettingsError> {
    let unknown: Vec<String> = names
        .filter(|name| name.starts_with(PREFIX))
        .filter(|name| {
            !known
                .iter()
                .any(|entries| entries.iter().any(|entry| entry.name == name))
        })
        .map(|name| format!("{name} is not a setting; see --help for the list"))
        .collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(SettingsError(unknown))
    }
}

/// The text of `--help`.
pub fn help(binary: &str, about: &str, lists: &[&[Entry]]) -> String {
    let mut text = format!("{binary}: {}\n\nEnvironment variables:\n", about.trim());
    for entry in lists.iter().copied().flatten() {
        let default = entry
            .default
            .map_or_else(String::new, |default| format!(" [{default}]"));
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "  {}{default}\n      {}",
            entry.name,
            entry.doc.trim()
        );
    }
    text
}

/// The process environment, as a lookup.
pub fn environment(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    std::env::var(name).ok()
}

/// The names of the process environment.
pub fn environment_names() -> impl Iterator<Item = String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())
}

/// A secret that is never printed.
#[derive(Clone)]
pub struct SecretString(String);

impl SecretString {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }
    /// The secret.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Setting for SecretString {
    const SECRET: bool = true;
    fn read(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Declares the settings of a binary. `locally` gives a required setting a value on a developer's machine.
///
/// ```
/// web::settings! {
///     /// Settings of the shelf service.
///     pub struct Settings {
///         /// Port to listen on.
///         pub port: u16 = "PORT" or "8080",
///         /// Location of the shelf.
///         pub place: Option<String> = "REVALENZ_PLACE",
///     }
/// }
/// let settings = Settings::read(&|_| None).unwrap();
/// assert_eq!(settings.port, 8080);
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            $( $(#[doc = $field_doc:literal])* pub $field:ident : $ty:ty = $env:literal $(or $default:literal)? $(locally $local:literal)?, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $name { $( $(#[doc = $field_doc])* pub $field: $ty, )* }

        impl $name {
            /// Every setting with its documentation.
            pub const ENTRIES: &[$crate::settings::Entry] = &[$(
                $crate::settings::Entry {
                    name: $env,
                    doc: concat!($($field_doc,)*),
                    default: $crate::settings!(@default $($default)?),
                    local_default: $crate::settings!(@default $($local)?),
                    secret: <$ty as $crate::settings::Setting>::SECRET,
                },
            )*];

            /// Reads all settings; the error lists everything that is missing or invalid.
            pub fn read(
                lookup: &dyn Fn(&str) -> Option<String>,
            ) -> Result<Self, $crate::settings::SettingsError> {
                let mut wrong = Vec::new();
                let mut entries = Self::ENTRIES.iter();
                $( let $field = entries.next().and_then(|entry| {
                    $crate::settings::read_one::<$ty>(*entry, lookup, &mut wrong)
                }); )*
                match ($($field,)*) {
                    ($(Some($field),)*) if wrong.is_empty() => Ok(Self { $($field,)* }),
                    _ => Err($crate::settings::SettingsError(wrong)),
                }
            }
        }
    };
    (@default $default:literal) => { Some($default) };
    (@default) => { None };
}

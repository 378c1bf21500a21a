//! This function's settings, and how a process of its own starts with them.

use std::{net::IpAddr, path::PathBuf};

use access::{Gate, process, process::Made};
use blob::{Folder, S3, S3Settings, Store};
use db::Db;
use http::Uri;
use web::settings::{self, Hidden};

use crate::{Scanner, service_with};

/// Where objects lie when nothing else is said.
pub const LOCAL_FOLDER: &str = ".local/objects";

web::settings! {
    /// Settings of files.
    pub struct Settings {
        /// Folder for objects, where no bucket is set.
        pub objects_folder: PathBuf = "REVALENZ_OBJECTS_FOLDER" or ".local/objects",
        /// Bucket of Google Cloud Storage, as the service account of the process (built with the feature gcp).
        pub gcs_bucket: Option<String> = "REVALENZ_GCS_BUCKET",
        /// Bucket of an S3-compatible store; with it the other four settings of S3 are needed.
        pub s3_bucket: Option<String> = "REVALENZ_S3_BUCKET",
        /// Address of the S3-compatible store, such as https://fsn1.your-objectstorage.com.
        pub s3_endpoint: Option<String> = "REVALENZ_S3_ENDPOINT",
        /// Region, as the S3-compatible store calls it.
        pub s3_region: Option<String> = "REVALENZ_S3_REGION",
        /// Name of the access key to the S3-compatible store.
        pub s3_access_key: Option<String> = "REVALENZ_S3_ACCESS_KEY",
        /// Secret of the access key to the S3-compatible store.
        pub s3_secret_key: Option<Hidden> = "REVALENZ_S3_SECRET_KEY",
        /// Where clamd listens: HOST:PORT, or the path of its socket. The word `off` trusts every file: for a laptop alone, and refused where others reach the process.
        pub clamd: String = "REVALENZ_CLAMD",
    }
}

/// The service with the settings of this process.
pub fn start(db: Db, gate: Gate) -> Made {
    let process = process::Settings::read(&settings::environment)?;
    let settings = Settings::read(&settings::environment)?;
    let scanner = Scanner::parse(&settings.clamd);
    check_trust(&scanner, &process.public_url, &process.address)?;
    Ok((service_with(db, gate, store(settings)?, scanner), None))
}

/// Nobody trusts every file by mistake: a process that others reach has a scanner. One that only its own machine reaches may
/// be somebody's demo behind a tunnel: it says what it does.
fn check_trust(scanner: &Scanner, public_url: &str, address: &str) -> Result<(), String> {
    let uri: Option<Uri> = public_url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    if !matches!(scanner, Scanner::Trusting) || is_loopback(host) {
        return Ok(());
    }
    if is_loopback(address) {
        tracing::warn!(public_url, "REVALENZ_CLAMD=off: no file is scanned");
        return Ok(());
    }
    Err(format!(
        "REVALENZ_CLAMD=off trusts every file, which is for a laptop alone, and {public_url} is none: say where clamd listens"
    ))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn store(settings: Settings) -> Result<Store, String> {
    let bucket = match (settings.gcs_bucket, settings.s3_bucket) {
        (None, None) => return Ok(Store::Folder(Folder::new(settings.objects_folder))),
        (Some(bucket), None) => return gcs(&bucket),
        (None, Some(bucket)) => bucket,
        (Some(_), Some(_)) => {
            return Err("REVALENZ_GCS_BUCKET and REVALENZ_S3_BUCKET are both set".to_owned());
        }
    };
    let missing = |name: &str| format!("REVALENZ_S3_{name} is missing beside REVALENZ_S3_BUCKET");
    let s3 = S3::new(S3Settings {
        endpoint: settings.s3_endpoint.ok_or_else(|| missing("ENDPOINT"))?,
        bucket,
        region: settings.s3_region.ok_or_else(|| missing("REGION"))?,
        access_key: settings
            .s3_access_key
            .ok_or_else(|| missing("ACCESS_KEY"))?,
        secret_key: settings
            .s3_secret_key
            .ok_or_else(|| missing("SECRET_KEY"))?
            .expose()
            .to_owned(),
    });
    s3.map(Store::S3).map_err(|error| error.to_string())
}

#[cfg(feature = "gcp")]
#[expect(clippy::unnecessary_wraps, reason = "alike without the feature")]
fn gcs(bucket: &str) -> Result<Store, String> {
    Ok(Store::Gcs(blob::Gcs::new(bucket)))
}

#[cfg(not(feature = "gcp"))]
fn gcs(_bucket: &str) -> Result<Store, String> {
    Err("REVALENZ_GCS_BUCKET wants the function files built with --features files/gcp".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(set: &[(&str, &str)]) -> Result<Store, String> {
        let lookup = |name: &str| {
            let found = set.iter().find(|(own, _)| *own == name);
            let clamd = (name == "REVALENZ_CLAMD").then(|| "off".to_owned());
            found.map(|(_, value)| (*value).to_owned()).or(clamd)
        };
        store(Settings::read(&lookup).unwrap())
    }

    const GCS: (&str, &str) = ("REVALENZ_GCS_BUCKET", "objects");
    const S3: (&str, &str) = ("REVALENZ_S3_BUCKET", "objects");

    #[test]
    fn objects_lie_in_a_folder_or_in_one_bucket() {
        assert!(matches!(chosen(&[]), Ok(Store::Folder(_))));
        let folder = ("REVALENZ_OBJECTS_FOLDER", "elsewhere");
        assert!(matches!(chosen(&[folder]), Ok(Store::Folder(_))));
        let missing = chosen(&[S3]).unwrap_err();
        assert!(missing.contains("REVALENZ_S3_ENDPOINT"), "{missing}");
        let both = chosen(&[S3, GCS]).unwrap_err();
        assert!(both.contains("both"), "{both}");
    }

    #[test]
    fn a_process_that_others_reach_does_not_trust_every_file() {
        let (off, clamd) = (Scanner::parse("off"), Scanner::parse("clamd:3310"));
        let everywhere = "0.0.0.0";
        for own in [
            "http://127.0.0.1:8080",
            "https://localhost",
            "http://[::1]:80",
        ] {
            assert_eq!(check_trust(&off, own, everywhere), Ok(()), "{own}");
        }
        for public in ["https://api.example.org", "http://127.0.0.1.example.org"] {
            assert!(check_trust(&off, public, everywhere).is_err(), "{public}");
            assert_eq!(check_trust(&off, public, "127.0.0.1"), Ok(()));
            assert_eq!(check_trust(&clamd, public, everywhere), Ok(()));
        }
    }

    #[test]
    #[cfg(feature = "gcp")]
    fn gcs_is_a_bucket_at_google() {
        assert!(matches!(chosen(&[GCS]), Ok(Store::Gcs(_))));
    }

    #[test]
    #[cfg(not(feature = "gcp"))]
    fn what_was_built_without_google_says_what_to_build() {
        let refused = chosen(&[GCS]).unwrap_err();
        assert!(refused.contains("--features files/gcp"), "{refused}");
    }
}

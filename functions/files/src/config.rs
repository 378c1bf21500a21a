//! The settings of this function, and its start as a standalone process.

use std::path::PathBuf;

use access::process;
use blob::{Folder, S3, S3Settings, Store};
use events::{Parts, StartError, Started};
use web::settings::{SecretString, is_loopback_host, is_loopback_url};

use crate::{Scanner, service_with};

/// The default folder for objects.
pub const LOCAL_FOLDER: &str = ".local/objects";

web::settings! {
    /// Settings of the files function.
    pub struct Settings {
        /// Folder for objects if no bucket is set.
        pub objects_folder: PathBuf = "REVALENZ_OBJECTS_FOLDER" or ".local/objects",
        /// Google Cloud Storage bucket, accessed with the service account of the process. Requires the build feature gcp.
        pub gcs_bucket: Option<String> = "REVALENZ_GCS_BUCKET",
        /// Bucket of an S3-compatible store. Requires the other four S3 settings.
        pub s3_bucket: Option<String> = "REVALENZ_S3_BUCKET",
        /// Endpoint of the S3-compatible store, such as https://fsn1.your-objectstorage.com.
        pub s3_endpoint: Option<String> = "REVALENZ_S3_ENDPOINT",
        /// Region of the S3-compatible store.
        pub s3_region: Option<String> = "REVALENZ_S3_REGION",
        /// Access key id for the S3-compatible store.
        pub s3_access_key: Option<String> = "REVALENZ_S3_ACCESS_KEY",
        /// Secret access key for the S3-compatible store.
        pub s3_secret_key: Option<SecretString> = "REVALENZ_S3_SECRET_KEY",
        /// Address of clamd: HOST:PORT, or the path of its socket. `off` disables scanning, for local development only; refused if the process can be reached from other machines.
        pub clamd: String = "REVALENZ_CLAMD" locally "off",
    }
}

/// Builds the service with the settings of its environment.
pub(crate) fn start(parts: Parts) -> Result<Started, StartError> {
    let Parts {
        db,
        state,
        environment,
    } = parts;
    let settings = Settings::read(environment.lookup())?;
    let scanner = Scanner::parse(&settings.clamd);
    // The platform on a developer's machine works without a scanner.
    if !state.settings().local {
        let address = process::address(environment.lookup());
        check_scanner(&scanner, &state.settings().public_url, &address)?;
    }
    Ok(service_with(db, state, store(settings)?, scanner).into())
}

/// Refuses to start without a scanner if other machines can reach the process. A process that listens on a loopback address is
/// behind a proxy or a tunnel of the same machine: there, `off` is the operator's decision.
fn check_scanner(scanner: &Scanner, public_url: &str, address: &str) -> Result<(), String> {
    if !matches!(scanner, Scanner::Disabled) || is_loopback_url(public_url) {
        return Ok(());
    }
    if is_loopback_host(address) {
        tracing::warn!(public_url, "REVALENZ_CLAMD=off: files are not scanned");
        return Ok(());
    }
    Err(format!(
        "REVALENZ_CLAMD=off is for local development only, but the public URL is {public_url}: set REVALENZ_CLAMD to the address of clamd"
    ))
}

fn store(settings: Settings) -> Result<Store, String> {
    let bucket = match (settings.gcs_bucket, settings.s3_bucket) {
        (None, None) => return Ok(Store::Folder(Folder::new(settings.objects_folder))),
        (Some(bucket), None) => return gcs(&bucket),
        (None, Some(bucket)) => bucket,
        (Some(_), Some(_)) => {
            return Err(
                "REVALENZ_GCS_BUCKET and REVALENZ_S3_BUCKET are both set; set only one of them"
                    .to_owned(),
            );
        }
    };
    let missing = |name: &str| format!("REVALENZ_S3_{name} is required with REVALENZ_S3_BUCKET");
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
#[expect(
    clippy::unnecessary_wraps,
    reason = "same signature as without the feature"
)]
fn gcs(bucket: &str) -> Result<Store, String> {
    Ok(Store::Gcs(blob::Gcs::new(bucket)))
}

#[cfg(not(feature = "gcp"))]
fn gcs(_bucket: &str) -> Result<Store, String> {
    Err("REVALENZ_GCS_BUCKET requires a build with --features files/gcp".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured_store(set: &[(&str, &str)]) -> Result<Store, String> {
        let lookup = |name: &str| {
            let value = set.iter().find(|(own, _)| *own == name);
            let clamd = (name == "REVALENZ_CLAMD").then(|| "off".to_owned());
            value.map(|(_, value)| (*value).to_owned()).or(clamd)
        };
        store(Settings::read(&lookup).unwrap())
    }

    const GCS: (&str, &str) = ("REVALENZ_GCS_BUCKET", "objects");
    const S3: (&str, &str) = ("REVALENZ_S3_BUCKET", "objects");

    #[test]
    fn objects_are_in_a_folder_or_in_one_bucket() {
        assert!(matches!(configured_store(&[]), Ok(Store::Folder(_))));
        let folder = ("REVALENZ_OBJECTS_FOLDER", "elsewhere");
        assert!(matches!(configured_store(&[folder]), Ok(Store::Folder(_))));
        let missing = configured_store(&[S3]).unwrap_err();
        assert!(missing.contains("REVALENZ_S3_ENDPOINT"), "{missing}");
        let both = configured_store(&[S3, GCS]).unwrap_err();
        assert!(both.contains("both"), "{both}");
    }

    #[test]
    fn a_process_reachable_from_other_machines_needs_a_scanner() {
        let (off, clamd) = (Scanner::parse("off"), Scanner::parse("clamd:3310"));
        let everywhere = "0.0.0.0";
        for own in [
            "http://127.0.0.1:8080",
            "https://localhost",
            "http://[::1]:80",
        ] {
            assert_eq!(check_scanner(&off, own, everywhere), Ok(()), "{own}");
        }
        for public in ["https://api.example.org", "http://127.0.0.1.example.org"] {
            assert!(check_scanner(&off, public, everywhere).is_err(), "{public}");
            assert_eq!(check_scanner(&off, public, "127.0.0.1"), Ok(()));
            assert_eq!(check_scanner(&clamd, public, everywhere), Ok(()));
        }
    }

    #[test]
    #[cfg(feature = "gcp")]
    fn a_gcs_bucket_selects_google_cloud_storage() {
        assert!(matches!(configured_store(&[GCS]), Ok(Store::Gcs(_))));
    }

    #[test]
    #[cfg(not(feature = "gcp"))]
    fn a_build_without_gcp_names_the_missing_feature() {
        let refused = configured_store(&[GCS]).unwrap_err();
        assert!(refused.contains("--features files/gcp"), "{refused}");
    }
}

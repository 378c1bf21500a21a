//! Creates the data directory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use aws_lc_rs::rand;

use super::{SUPERUSER, run};
use crate::local::binaries::Binaries;
use crate::local::layout::{Layout, remove};
use crate::local::{Durability, LocalError};

/// `pg_hba.conf` of a test cluster, which only listens on the loopback interface. Tests open thousands of connections, and SCRAM
/// (RFC 7677) costs 4,096 rounds of SHA-256 in a debug build each: functions' logins are trusted, the superuser sends the
/// password in clear.
const DISPOSABLE_ACCESS: &str = "\
host all +rvz_app 127.0.0.1/32 trust
host all all 127.0.0.1/32 password
";

/// Creates a data directory at a temporary path, so that an interrupted `initdb` is never mistaken for a complete one. Returns
/// the superuser's password.
pub(in crate::local) fn create(
    layout: &Layout,
    binaries: &Binaries,
    durability: Durability,
) -> Result<String, LocalError> {
    layout.prepare_base()?;
    let fresh = layout.beside("new");
    let password = random_password()?;
    let password_file = layout.beside("password");
    remove(&password_file)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&password_file)
        .and_then(|mut file| writeln!(file, "{password}"))
        .map_err(LocalError::io(&password_file))?;
    layout.give_to_server(&password_file)?;

    let initdb = |locale: &str| {
        remove(&fresh)?;
        let mut command = layout.command(&binaries.tool("initdb"))?;
        command
            .arg("--pgdata")
            .arg(&fresh)
            .arg("--pwfile")
            .arg(&password_file)
            .args([
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--lc-messages=C",
                "--no-instructions",
            ])
            .args([
                format!("--locale={locale}"),
                format!("--username={SUPERUSER}"),
            ]);
        if durability == Durability::Disposable {
            command.arg("--no-sync");
        }
        run("initdb", &mut command)
    };
    // Older macOS has no C.UTF-8; C sorts the same way, but only folds ASCII letters.
    let made = initdb("C.UTF-8").or_else(|error| match &error {
        LocalError::Command { output, .. } if output.contains("invalid locale") => initdb("C"),
        _ => Err(error),
    });
    remove(&password_file)?;
    made?;
    if durability == Durability::Disposable {
        let rules = fresh.join("pg_hba.conf");
        fs::write(&rules, DISPOSABLE_ACCESS).map_err(LocalError::io(&rules))?;
    }
    Ok(password)
}

/// Moves the result of [`create`] to its final path, replacing what was there.
pub(in crate::local) fn adopt_created(layout: &Layout) -> Result<(), LocalError> {
    let old = layout.beside("old");
    remove(&old)?;
    if layout.data.exists() {
        // Renamed before removal: orphaned backends may still write to it.
        fs::rename(&layout.data, &old).map_err(LocalError::io(&layout.data))?;
        _ = fs::remove_dir_all(&old);
    }
    fs::rename(layout.beside("new"), &layout.data).map_err(LocalError::io(&layout.data))
}

fn random_password() -> Result<String, LocalError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes)
        .map_err(|_| LocalError::io("random bytes")(io::ErrorKind::Other.into()))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_differ() {
        let one = random_password().unwrap();
        assert_eq!(one.len(), 32);
        assert_ne!(one, random_password().unwrap());
    }
}

//! PostgreSQL for local development and tests: found or installed, created and started automatically. Not used in production,
//! which is configured with a URL.
//!
//! A cluster is identified by its name. Its port and password are in `<local_dir>/<name>.json`, readable by the owner only. The
//! data are beside it, except for root: `initdb` refuses root, and the user `postgres` cannot read a checkout below root's home,
//! so the data are in `/var/lib/revalenz/<hash>/<name>`.
//!
//! The connection file and the data belong together: data without the file (someone removed the folder) cannot be opened and
//! are recreated. Every step holds a file lock, so that many test processes can call this at once and one does the work.

use std::fmt::{self, Write as _};
use std::path::Path;

mod binaries;
mod error;
mod layout;
mod note;
mod server;

use binaries::Binaries;
pub use error::LocalError;
use layout::Layout;
use note::Note;
use server::State;

/// A numeric address: `localhost` may resolve to `::1` first, where the server does not listen.
const HOST: &str = "127.0.0.1";

/// Durability of a cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Survives `kill -9` and power cuts, like any PostgreSQL.
    Safe,
    /// Three times faster, but lost after a crash: without fsync the data are unreliable, so they are recreated at the next
    /// start after an unclean shutdown.
    Disposable,
}

/// A running private cluster.
#[derive(Clone)]
pub struct Cluster {
    port: u16,
    password: String,
}

impl fmt::Debug for Cluster {
    /// Without the password: test failures print their arguments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// Finds PostgreSQL (or installs it if no password is needed), creates the cluster `name` if missing, starts it if
    /// necessary, and leaves it running.
    ///
    /// A running server keeps the durability it was started with.
    pub async fn ensure(
        local_dir: &Path,
        name: &str,
        durability: Durability,
    ) -> Result<Self, LocalError> {
        let (local_dir, name) = (local_dir.to_owned(), name.to_owned());
        blocking(move || ensure(&local_dir, &name, durability)).await
    }

    /// The cluster `name`, if it is running.
    pub async fn running(local_dir: &Path, name: &str) -> Result<Option<Self>, LocalError> {
        let (local_dir, name) = (local_dir.to_owned(), name.to_owned());
        blocking(move || running(&local_dir, &name)).await
    }

    /// Stops the cluster `name`, disconnecting all clients. Returns whether it was running.
    pub async fn stop(local_dir: &Path, name: &str) -> Result<bool, LocalError> {
        let (local_dir, name) = (local_dir.to_owned(), name.to_owned());
        blocking(move || stop(&local_dir, &name)).await
    }

    /// URL of the superuser for `database`.
    pub fn admin_url(&self, database: &str) -> String {
        format!(
            "postgres://{}:{}@{HOST}:{}/{}",
            server::SUPERUSER,
            self.password,
            self.port,
            percent_encode(database)
        )
    }

    /// The address it listens on: loopback.
    pub fn host(&self) -> &str {
        HOST
    }

    /// The port it listens on; may change after a restart if it is taken.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl From<Note> for Cluster {
    fn from(note: Note) -> Self {
        Self {
            port: note.port,
            password: note.superuser_password,
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LocalError> + Send + 'static,
) -> Result<T, LocalError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| LocalError::Interrupted)?
}

fn ensure(local_dir: &Path, name: &str, durability: Durability) -> Result<Cluster, LocalError> {
    let layout = Layout::create(local_dir, name)?;
    let _lock = layout.lock()?;
    let note = Note::read(&layout)?;
    let state = server::state(&layout);

    if let (Some(note), State::Ready { port }) = (&note, &state) {
        return note.clone().with_port(*port, &layout).map(Cluster::from);
    }
    if state.is_alive() {
        // Starting, stopping or hung, but nothing holds the lock: the process that did this has ended.
        server::stop(&layout)?;
    }

    let crashed = matches!(state, State::Crashed);
    let kept =
        note.filter(|_| layout.has_data() && !(crashed && durability == Durability::Disposable));
    let note = match kept {
        Some(note) => match start(&layout, &note, durability) {
            Err(_) if durability == Durability::Disposable => {
                create_and_start(&layout, durability)?
            }
            started => started?,
        },
        None => create_and_start(&layout, durability)?,
    };
    Ok(note.into())
}

fn create_and_start(layout: &Layout, durability: Durability) -> Result<Note, LocalError> {
    let binaries = Binaries::find_or_install()?;
    let password = server::create(layout, &binaries, durability)?;
    let note = Note {
        port: server::free_port(None)?,
        data_dir: layout.data.clone(),
        superuser_password: password,
    };
    // The connection file first: data without it are deleted, a file without data is overwritten.
    note.write(layout)?;
    server::adopt_created(layout)?;
    start(layout, &note, durability)
}

fn start(layout: &Layout, note: &Note, durability: Durability) -> Result<Note, LocalError> {
    let binaries = Binaries::that_made(layout)?;
    let port = server::start(layout, &binaries, durability, note.port)?;
    note.clone().with_port(port, layout)
}

fn running(local_dir: &Path, name: &str) -> Result<Option<Cluster>, LocalError> {
    let Some(layout) = Layout::existing(local_dir, name)? else {
        return Ok(None);
    };
    let _lock = layout.lock()?;
    Ok(match (Note::read(&layout)?, server::state(&layout)) {
        (Some(note), State::Ready { port }) => Some(note.with_port(port, &layout)?.into()),
        _ => None,
    })
}

fn stop(local_dir: &Path, name: &str) -> Result<bool, LocalError> {
    let Some(layout) = Layout::existing(local_dir, name)? else {
        return Ok(false);
    };
    let _lock = layout.lock()?;
    let alive = server::state(&layout).is_alive();
    if alive {
        server::stop(&layout)?;
    }
    Ok(alive)
}

/// Percent-encodes characters that are not safe in the path of a URL.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_survives_odd_database_names() {
        let cluster = Cluster {
            port: 5433,
            password: "s3cret".to_owned(),
        };
        assert_eq!(
            cluster.admin_url("my db/1"),
            "postgres://postgres:s3cret@127.0.0.1:5433/my%20db%2F1"
        );
        assert!(!format!("{cluster:?}").contains("s3cret"));
    }
}

//! The built program with the settings of a public server.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use access::{Keyring, opaque};
use testkit::Database;

const PROGRAM: &str = env!("CARGO_BIN_EXE_platform");
const START_LIMIT: Duration = Duration::from_mins(1);

/// A platform that serves.
pub(crate) struct Platform {
    child: Child,
    output: Arc<Output>,
    settings: Vec<(&'static str, String)>,
    folder: PathBuf,
    port: u16,
    operations_port: u16,
}

#[derive(Default)]
struct Output {
    text: Mutex<String>,
    grown: Condvar,
}

/// What a public platform must be told, and nothing more. Neither mail server nor scanner is asked for anything here.
pub(crate) fn settings(database_url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("PORT", "0".to_owned()),
        ("PUBLIC_URL", "https://app.example.org".to_owned()),
        ("REVALENZ_TRUSTED_PROXIES", "1".to_owned()),
        ("DATABASE_URL", database_url.to_owned()),
        ("REVALENZ_MASTER_KEY", Keyring::generate()),
        ("REVALENZ_SMTP_URL", "smtps://u:p@127.0.0.1:1".to_owned()),
        ("REVALENZ_CLAMD", "127.0.0.1:1".to_owned()),
        ("REVALENZ_POOL", "2".to_owned()),
    ]
}

impl Platform {
    pub(crate) fn start(database: &Database) -> Self {
        let folder = folder();
        let operations_port = free_port();
        let mut settings = settings(&database.admin_url());
        settings.push(("LOCAL_DIR", folder.display().to_string()));
        settings.push(("REVALENZ_OPERATIONS_PORT", operations_port.to_string()));
        let mut child = command(&settings)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Arc::new(Output::default());
        collect(child.stdout.take().unwrap(), &output);
        collect(child.stderr.take().unwrap(), &output);
        let port = listening_port(&output);
        Self {
            child,
            output,
            settings,
            folder,
            port,
            operations_port,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn operations_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.operations_port)
    }

    /// Runs a command with the same settings; returns what it prints.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        let output = command(&self.settings).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Stops it; returns everything it printed.
    pub(crate) fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        self.child.wait().unwrap();
        self.output.text.lock().unwrap().clone()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Starts the program with these settings and an empty folder; returns its errors.
pub(crate) fn failed_start(mut settings: Vec<(&'static str, String)>) -> String {
    let folder = folder();
    settings.push(("LOCAL_DIR", folder.display().to_string()));
    let output = command(&settings).output().unwrap();
    fs::remove_dir_all(folder).unwrap();
    assert!(!output.status.success(), "it started");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn command(settings: &[(&'static str, String)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null());
    command
}

fn folder() -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("rvz-{:x}", u64::from_be_bytes(opaque::random())));
    fs::create_dir(&folder).unwrap();
    folder
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Reads in a thread, so that a full pipe never stops the program.
fn collect(from: impl Read + Send + 'static, into: &Arc<Output>) {
    let into = Arc::clone(into);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut text = into.text.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
            into.grown.notify_all();
        }
    });
}

fn listening_port(output: &Output) -> u16 {
    let text = output.text.lock().unwrap();
    let (text, waited) = output
        .grown
        .wait_timeout_while(text, START_LIMIT, |text| port_of(text).is_none())
        .unwrap();
    assert!(!waited.timed_out(), "it does not listen: {text}");
    port_of(&text).unwrap()
}

fn port_of(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("Listening on port ")?;
    rest.split('.').next()?.parse().ok()
}

//! A private RabbitMQ per test program, with a virtual host per test. It stops with the program, even if that is killed.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use web::settings::SecretString;

/// Number of virtual hosts: more than a program has tests.
const VIRTUAL_HOSTS: usize = 64;

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    script: Child,
    output: BufReader<std::process::ChildStdout>,
    url: String,
}

impl Broker {
    /// The URL of an unused virtual host. The broker is started on first use.
    pub async fn virtual_host() -> SecretString {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let url = tokio::task::spawn_blocking(|| SHARED.get_or_init(Self::start).url.clone());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(number < VIRTUAL_HOSTS, "more tests than virtual hosts");
        SecretString::new(format!("{}/{number}", url.await.unwrap()))
    }

    /// Starts a dedicated broker that the test can stop and start.
    pub async fn dedicated() -> Self {
        tokio::task::spawn_blocking(Self::start).await.unwrap()
    }

    /// The URL of its first virtual host.
    pub fn url(&self) -> SecretString {
        SecretString::new(format!("{}/0", self.url))
    }

    fn start() -> Self {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let name = URL_SAFE_NO_PAD.encode(access::opaque::random::<9>());
        let folder = std::env::temp_dir().join(format!("revalenz-broker-{name}"));
        let mut script = Command::new(format!("{root}/infra/scripts/broker.sh"))
            .arg(folder)
            .arg(VIRTUAL_HOSTS.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cannot run infra/scripts/broker.sh");
        let output = BufReader::new(script.stdout.take().unwrap());
        let mut broker = Self {
            script,
            output,
            url: String::new(),
        };
        broker.url = broker.wait_for_line("ready");
        broker
    }

    /// Stops the broker; its messages stay on disk.
    pub async fn stop(self) -> Self {
        self.send_command("stop", "stopped").await
    }

    /// Starts the broker again with the same URL.
    pub async fn resume(self) -> Self {
        self.send_command("start", "ready").await
    }

    async fn send_command(mut self, command: &'static str, word: &'static str) -> Self {
        let task = tokio::task::spawn_blocking(move || {
            writeln!(self.script.stdin.as_mut().unwrap(), "{command}").unwrap();
            self.wait_for_line(word);
            self
        });
        task.await.unwrap()
    }

    fn wait_for_line(&mut self, word: &str) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim()
            .strip_prefix(word)
            .unwrap_or_else(|| {
                panic!("RabbitMQ is required; see above for why it could not be started")
            })
            .trim()
            .to_owned()
    }
}

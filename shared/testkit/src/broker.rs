//! A private RabbitMQ: one a test program, a virtual host of its own for every test. It ends with the program, however that ends.

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

/// Virtual hosts that a broker is made with: more than a program has tests.
const VIRTUAL_HOSTS: usize = 64;

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    script: Child,
    said: BufReader<std::process::ChildStdout>,
    url: String,
}

impl Broker {
    /// The address of a virtual host that nobody else uses. The broker is started for the first who asks.
    pub async fn virtual_host() -> SecretString {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let url = tokio::task::spawn_blocking(|| SHARED.get_or_init(Self::start).url.clone());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(number < VIRTUAL_HOSTS, "more tests than virtual hosts");
        SecretString::new(format!("{}/{number}", url.await.unwrap()))
    }

    /// One for a test alone, which stops and starts it.
    pub async fn dedicated() -> Self {
        tokio::task::spawn_blocking(Self::start).await.unwrap()
    }

    /// The address of its first virtual host.
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
            .expect("infra/scripts/broker.sh can't be run");
        let said = BufReader::new(script.stdout.take().unwrap());
        let mut broker = Self {
            script,
            said,
            url: String::new(),
        };
        broker.url = broker.await_word("ready");
        broker
    }

    /// Stops it; what it holds stays on its disk.
    pub async fn stop(self) -> Self {
        self.told("stop", "stopped").await
    }

    /// Starts it again, under the same address.
    pub async fn resume(self) -> Self {
        self.told("start", "ready").await
    }

    async fn told(mut self, command: &'static str, word: &'static str) -> Self {
        let told = tokio::task::spawn_blocking(move || {
            writeln!(self.script.stdin.as_mut().unwrap(), "{command}").unwrap();
            self.await_word(word);
            self
        });
        told.await.unwrap()
    }

    fn await_word(&mut self, word: &str) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim()
            .strip_prefix(word)
            .unwrap_or_else(|| panic!("RabbitMQ is needed here; why there is none stands above"))
            .trim()
            .to_owned()
    }
}

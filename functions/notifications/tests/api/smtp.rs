//! Sends emails through a real mail server.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use notifications::Smtp;

use crate::Harness;

/// The server from `infra/scripts/tool.sh`, with a mailbox folder. It stops with the test.
struct MailServer {
    process: Child,
    port: u16,
    mailbox: PathBuf,
}

impl MailServer {
    async fn start(harness: &Harness, max_bytes: u32) -> Self {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/scripts/tool.sh");
        let found = Command::new(tools).arg("aiosmtpd").output().unwrap();
        let program = String::from_utf8(found.stdout).unwrap();
        assert!(found.status.success(), "infra/scripts/tool.sh aiosmtpd");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mailbox = std::env::temp_dir().join(format!("revalenz-smtp-{}", harness.demo.id));
        let process = Command::new(program.trim())
            .args(["-n", "-c", "aiosmtpd.handlers.Mailbox"])
            .args(["-s", &max_bytes.to_string()])
            .args(["-l", &format!("127.0.0.1:{port}")])
            .arg(&mailbox)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self {
            process,
            port,
            mailbox,
        }
    }

    fn mailer(&self) -> Arc<Smtp> {
        Arc::new(Smtp::new(&format!("smtp://127.0.0.1:{}", self.port)).unwrap())
    }

    fn mails(&self) -> Vec<String> {
        fs::read_dir(self.mailbox.join("new"))
            .unwrap()
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
        _ = fs::remove_dir_all(&self.mailbox);
    }
}

#[tokio::test]
async fn the_server_gets_the_mail_and_its_recipient() {
    let harness = Harness::new().await;
    let server = MailServer::start(&harness, 1_000_000).await;
    harness.deliver(&harness.ticket_created()).await;
    harness.sender(server.mailer()).run_once().await.unwrap();
    let message = harness.message().await;
    assert_eq!(message.status, "sent", "{:?}", message.last_error);
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let recipients = format!("X-RcptTo: {}", message.address);
    assert!(mails[0].contains(&recipients), "{}", mails[0]);
    assert!(mails[0].contains("Content-Type: multipart/alternative"));
}

#[tokio::test]
async fn a_permanent_rejection_fails_without_the_servers_text() {
    let harness = Harness::new().await;
    let server = MailServer::start(&harness, 100).await;
    harness.deliver(&harness.ticket_created()).await;
    harness.sender(server.mailer()).run_once().await.unwrap();
    let message = harness.message().await;
    assert_eq!(message.status, "failed");
    assert_eq!(
        message.last_error.as_deref(),
        Some("the mail server responded with 552")
    );
}

#[tokio::test]
async fn a_mail_is_sent_when_the_server_is_back() {
    let harness = Harness::new().await;
    let server = MailServer::start(&harness, 1_000_000).await;
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let unreachable = format!("smtp://{}", closed.local_addr().unwrap());
    drop(closed);
    harness.deliver(&harness.ticket_created()).await;
    let sender = harness.sender(Arc::new(Smtp::new(&unreachable).unwrap()));
    sender.run_once().await.unwrap();
    let message = harness.message().await;
    assert_eq!((message.status.as_str(), message.attempts), ("queued", 1));
    assert_eq!(
        message.last_error.as_deref(),
        Some("the mail server is unreachable")
    );
    harness.app.clock.advance(Duration::from_mins(1));
    harness.sender(server.mailer()).run_once().await.unwrap();
    assert_eq!(harness.message().await.status, "sent");
}

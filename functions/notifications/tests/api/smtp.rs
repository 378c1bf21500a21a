//! Mails through a real mail server.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use notifications::Smtp;

use crate::Scene;

/// The server that `infra/scripts/tool.sh` names, over a folder of mails; it ends with the test.
struct MailServer {
    process: Child,
    port: u16,
    mailbox: PathBuf,
}

impl MailServer {
    async fn start(scene: &Scene, most_bytes: u32) -> Self {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/scripts/tool.sh");
        let found = Command::new(tools).arg("aiosmtpd").output().unwrap();
        let program = String::from_utf8(found.stdout).unwrap();
        assert!(found.status.success(), "infra/scripts/tool.sh aiosmtpd");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mailbox = std::env::temp_dir().join(format!("revalenz-smtp-{}", scene.demo.id));
        let process = Command::new(program.trim())
            .args(["-n", "-c", "aiosmtpd.handlers.Mailbox"])
            .args(["-s", &most_bytes.to_string()])
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
async fn a_mail_server_gets_the_whole_mail_and_whom_it_is_for() {
    let scene = Scene::new().await;
    let server = MailServer::start(&scene, 1_000_000).await;
    scene.tell(&scene.opened()).await;
    scene.sender(server.mailer()).run_once().await.unwrap();
    let message = scene.message().await;
    assert_eq!(message.status, "sent", "{:?}", message.last_error);
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let recipients = format!("X-RcptTo: {}", message.address);
    assert!(mails[0].contains(&recipients), "{}", mails[0]);
    assert!(mails[0].contains("Content-Type: multipart/alternative"));
}

#[tokio::test]
async fn what_the_server_will_never_take_is_given_up_without_a_word_of_it() {
    let scene = Scene::new().await;
    let server = MailServer::start(&scene, 100).await;
    scene.tell(&scene.opened()).await;
    scene.sender(server.mailer()).run_once().await.unwrap();
    let message = scene.message().await;
    assert_eq!(message.status, "failed");
    assert_eq!(
        message.last_error.as_deref(),
        Some("the mail server answered 552")
    );
}

#[tokio::test]
async fn a_server_that_is_away_gets_the_mail_when_it_is_back() {
    let scene = Scene::new().await;
    let server = MailServer::start(&scene, 1_000_000).await;
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let away = format!("smtp://{}", nobody.local_addr().unwrap());
    drop(nobody);
    scene.tell(&scene.opened()).await;
    let sender = scene.sender(Arc::new(Smtp::new(&away).unwrap()));
    sender.run_once().await.unwrap();
    let message = scene.message().await;
    assert_eq!((message.status.as_str(), message.attempts), ("queued", 1));
    assert_eq!(
        message.last_error.as_deref(),
        Some("the mail server can't be reached")
    );
    scene.stage.clock.advance(Duration::from_mins(1));
    scene.sender(server.mailer()).run_once().await.unwrap();
    assert_eq!(scene.message().await.status, "sent");
}

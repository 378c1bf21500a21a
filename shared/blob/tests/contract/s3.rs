//! S3, as moto speaks it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use blob::{Presented, S3, S3Settings, Store};

use crate::{keeps_addresses, keeps_the_contract, key, scratch};

#[tokio::test]
async fn an_address_is_signed_for_one_object_one_method_one_length() {
    let store = Store::S3(s3(1));
    let minute = Duration::from_mins(1);
    let mut signatures = std::collections::BTreeSet::new();
    let mut note = |address: Option<String>| {
        let address = address.unwrap();
        assert!(address.contains("X-Amz-Expires=60"));
        let (_, signature) = address.split_once("X-Amz-Signature=").unwrap();
        signatures.insert(signature.to_owned());
    };
    for name in ["a", "b"] {
        for content_type in ["text/plain", "application/pdf"] {
            let shown = Presented {
                content_type,
                disposition: "inline",
            };
            note(store.sign_get(&key(name), &shown, minute).await.unwrap());
        }
        for size in [5, 6] {
            let address = store.sign_put(&key(name), size, minute).await.unwrap();
            note(address.map(|address| address.url));
        }
    }
    assert_eq!(signatures.len(), 8);
}

/// A bucket at this port.
fn s3(port: u16) -> S3 {
    S3::new(S3Settings {
        endpoint: format!("http://127.0.0.1:{port}"),
        bucket: "files".to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".to_owned(),
    })
    .unwrap()
}

struct Server {
    child: Child,
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The path that `tool.sh` prints for a tool.
fn tool(name: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = Command::new("infra/scripts/tool.sh")
        .arg(name)
        .current_dir(root)
        .output()
        .ok()?;
    let path = String::from_utf8(found.stdout).ok()?;
    found.status.success().then(|| path.trim().to_owned())
}

/// A server that `command` starts on a port in a folder, and a store of its bucket.
async fn serve(command: impl Fn(u16, &Path) -> Command) -> (Server, Store, u16) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let folder = scratch();
    std::fs::create_dir(&folder).unwrap();
    let child = command(port, &folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { child, folder };
    for _ in 0..1_200 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_ok()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (server, Store::S3(s3(port)), port)
}

#[tokio::test]
async fn s3_keeps_the_contract() {
    let Some(moto) = tool("moto_server") else {
        println!("skipped: moto comes by pip, which is not here");
        return;
    };
    let command = |port: u16, _: &Path| {
        let mut command = Command::new(&moto);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command
    };
    let (_server, store, port) = serve(command).await;
    let bucket = format!("http://127.0.0.1:{port}/files");
    let made = reqwest::Client::new().put(bucket).send().await.unwrap();
    assert_eq!(made.status(), 200);
    keeps_the_contract(&store).await;
    keeps_addresses(&store).await;
}

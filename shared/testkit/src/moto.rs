//! An S3 of this machine: moto (`PyPI`). It takes any signature.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A running server; it ends with the value.
#[derive(Debug)]
pub struct Moto {
    child: Child,
    port: u16,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Moto {
    /// The name of its bucket.
    pub const BUCKET: &str = "files";

    /// Starts one with a bucket, on a free port; `None` where moto can't be had.
    pub async fn start() -> Option<Self> {
        let program = tokio::task::spawn_blocking(|| crate::tool("moto_server"));
        let program = program.await.unwrap()?;
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self { child, port };
        for _ in 0..1_200 {
            if let Ok(wire) = TcpStream::connect(("127.0.0.1", port)).await {
                make_bucket(wire).await;
                return Some(moto);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("moto does not listen");
    }

    /// Where it is.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn make_bucket(mut wire: TcpStream) {
    let bucket = Moto::BUCKET;
    let request = format!(
        "PUT /{bucket} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    wire.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    wire.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

//! Scanning with the real clamd, whose test database detects EICAR only.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use files::Scanner;
use tokio::net::TcpStream;

use crate::{Fixture, eicar, form, noise, temp_path, upload};

/// A clamd process.
struct Clamd {
    process: Child,
    folder: PathBuf,
    address: String,
}

impl Drop for Clamd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The database: MD5, length and name of EICAR.
const SIGNATURE: &str = "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n";

async fn clamd() -> Option<Clamd> {
    let program = tokio::task::spawn_blocking(|| testkit::tool("clamd"));
    let program = program.await.unwrap()?;
    let folder = temp_path();
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("own.hdb"), SIGNATURE).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let here = folder.display();
    let settings = format!(
        "Foreground yes\nDatabaseDirectory {here}\nTemporaryDirectory {here}\nLogFile {here}/log\n\
         TCPSocket {port}\nTCPAddr 127.0.0.1\nStreamMaxLength 20M\n\
         AlertExceedsMax yes\nMaxFiles 10\n"
    );
    let path = folder.join("clamd.conf");
    std::fs::write(&path, settings).unwrap();
    let process = Command::new(program)
        .arg("-c")
        .arg(path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let address = format!("127.0.0.1:{port}");
    let clamd = Clamd {
        process,
        folder,
        address,
    };
    for _ in 0..600 {
        if TcpStream::connect(&clamd.address).await.is_ok() {
            return Some(clamd);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("clamd does not listen");
}

/// A zip archive with one stored file.
fn zip(content: &[u8], encrypted: bool) -> Vec<u8> {
    zip_of(&[content], encrypted)
}

/// A zip archive with these stored files.
fn zip_of(contents: &[&[u8]], encrypted: bool) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for content in contents {
        let begin = u32::try_from(file.len()).unwrap();
        let common = common(content, encrypted);
        file.extend_from_slice(b"PK\x03\x04");
        file.extend_from_slice(&common);
        file.extend_from_slice(b"a.txt");
        file.extend_from_slice(content);
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&begin.to_le_bytes());
        directory.extend_from_slice(b"a.txt");
    }
    let begin = u32::try_from(file.len()).unwrap();
    let length = u32::try_from(directory.len()).unwrap();
    let count = u16::try_from(contents.len()).unwrap();
    file.extend_from_slice(&directory);
    file.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    file.extend_from_slice(&count.to_le_bytes());
    file.extend_from_slice(&count.to_le_bytes());
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&begin.to_le_bytes());
    file.extend_from_slice(&[0, 0]);
    file
}

/// The fields that the two headers of a file in a zip archive share.
fn common(content: &[u8], encrypted: bool) -> Vec<u8> {
    let crc = !content.iter().fold(!0_u32, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
        crc
    });
    let size = u32::try_from(content.len()).unwrap();
    let mut common = vec![20, 0, u8::from(encrypted), 0, 0, 0, 0, 0, 0, 0];
    for number in [crc, size, size] {
        common.extend_from_slice(&number.to_le_bytes());
    }
    common.extend_from_slice(&[5, 0, 0, 0]);
    common
}

#[tokio::test]
async fn clamd_detects_eicar_also_inside_a_zip_archive() {
    let Some(clamd) = clamd().await else {
        return;
    };
    let fixture = Fixture::with_scanner(Scanner::parse(&clamd.address)).await;
    let customer = fixture.customer();
    let refused = async |name: &str, content: &[u8]| {
        form(&customer, "", name, content)
            .send()
            .await
            .expect_problem(403, "file_refused");
    };
    refused("eicar.com", &eicar()).await;
    refused("eicar.zip", &zip(&eicar(), false)).await;
    refused("larger than the stream limit", &noise(25 << 20)).await;
    // Content beyond clamd's limits is not scanned.
    let (first, hidden) = (b"a".as_slice(), eicar());
    let many: Vec<&[u8]> = std::iter::repeat_n(first, 20).chain([&*hidden]).collect();
    refused("many.zip", &zip_of(&many, false)).await;
    let shipped = include_str!("../../../../infra/clamd/clamd.conf");
    assert!(shipped.contains("\nAlertExceedsMax yes\n"));
    let states = customer.get("/api/v1/files").await.json();
    let mut states: Vec<String> = states["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["status"].as_str().unwrap().to_owned())
        .collect();
    states.sort();
    assert_eq!(states, ["infected", "infected", "rejected", "rejected"]);

    // Encrypted archives cannot be scanned and are clean.
    let encrypted = upload(&customer, "encrypted.zip", &zip(&noise(1_000), true))
        .await
        .json();
    assert_eq!(encrypted["status"], "clean");
    assert_eq!(encrypted["mime_type"], "application/zip");
    let both = [b"%PDF-1.7\n".as_slice(), &zip(b"hello", false)].concat();
    assert_eq!(
        upload(&customer, "both.pdf", &both).await.json()["mime_type"],
        "application/pdf"
    );
    assert_eq!(
        upload(&customer, "empty", b"").await.json()["status"],
        "clean"
    );
    println!("scanned with clamd at {}", clamd.address);
}

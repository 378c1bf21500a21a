//! A DNS server on the loopback interface with configurable TXT and A records, over UDP.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use tokio::{net::UdpSocket, task::JoinHandle};

const A: u16 = 1;
const TXT: u16 = 16;

type Records = Arc<Mutex<HashMap<(String, u16), Vec<Vec<u8>>>>>;

/// A running server; stops when dropped.
#[derive(Debug)]
pub struct DnsServer {
    address: SocketAddr,
    records: Records,
    task: JoinHandle<()>,
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DnsServer {
    /// Starts a server without records.
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let records = Records::default();
        let known = records.clone();
        let task = tokio::spawn(async move {
            let mut query = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut query).await {
                if let Some(answer) = answer(&query[..length], &known) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self {
            address,
            records,
            task,
        }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a TXT record.
    pub fn set_txt(&self, name: &str, text: &str) {
        let length = u8::try_from(text.len()).unwrap();
        self.add(name, TXT, [&[length], text.as_bytes()].concat());
    }

    /// Adds an A record.
    pub fn set_address(&self, name: &str, address: &str) {
        let address: Ipv4Addr = address.parse().unwrap();
        self.add(name, A, address.octets().to_vec());
    }

    /// Removes all records of a name.
    pub fn remove(&self, name: &str) {
        let mut records = self.records.lock().unwrap();
        records.retain(|(known, _), _| known != name);
    }

    fn add(&self, name: &str, kind: u16, data: Vec<u8>) {
        let mut records = self.records.lock().unwrap();
        records
            .entry((name.to_owned(), kind))
            .or_default()
            .push(data);
    }
}

/// The response to a query (RFC 1035, 4): header, question and records.
fn answer(query: &[u8], records: &Records) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        let label = query.get(at..at + length)?;
        labels.push(String::from_utf8_lossy(label).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    let question = query.get(12..at + 4)?;
    let records = records.lock().unwrap();
    let name = labels.join(".");
    let known = records.keys().any(|(other, _)| *other == name);
    let found = records.get(&(name, kind)).cloned().unwrap_or_default();
    // A response with recursion available; NXDOMAIN for unknown names.
    let code = if known { 0x80 } else { 0x83 };
    let mut answer = vec![query[0], query[1], 0x81, code, 0, 1, 0];
    answer.push(u8::try_from(found.len()).ok()?);
    answer.extend([0, 0, 0, 0]);
    answer.extend(question);
    for data in found {
        // The name of the question, with a TTL of one minute.
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        answer.extend(data);
    }
    Some(answer)
}

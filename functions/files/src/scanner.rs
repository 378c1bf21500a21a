//! Virus scanning with clamd, by its `INSTREAM` command.

use std::{io, path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// Time limit for connecting to clamd, and for sending it one chunk.
const IO_TIMEOUT: Duration = Duration::from_secs(20);
/// Time limit for clamd's verdict after the last chunk.
const VERDICT_TIMEOUT: Duration = Duration::from_mins(3);
/// The signature that clamd reports for content beyond its limits, if `AlertExceedsMax` is set.
const LIMITS_EXCEEDED: &str = " Heuristics.Limits.Exceeded";
/// Maximum length of clamd's response in bytes.
const MAX_RESPONSE_LENGTH: u64 = 4_096;

/// The malware scanner.
#[derive(Clone, Debug)]
pub enum Scanner {
    /// No scanner: every file is considered clean. For local development only.
    Disabled,
    /// clamd at `host:port`.
    Tcp(String),
    /// clamd at a Unix socket.
    Socket(PathBuf),
}

/// The verdict on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// Malware was found.
    Infected,
    /// The file, or an archive's content, exceeds the scanner's limits.
    TooLarge,
}

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// A scan in progress.
pub(crate) struct Scan {
    connection: Option<Box<dyn Connection>>,
    /// clamd has closed its side; its response says why.
    is_closed: bool,
}

impl Scanner {
    /// Parses `off`, `host:port`, or the path of a socket.
    pub fn parse(text: &str) -> Self {
        match text {
            "off" => Self::Disabled,
            path if path.starts_with('/') => Self::Socket(path.into()),
            address => Self::Tcp(address.to_owned()),
        }
    }

    /// Starts to scan a file.
    pub(crate) async fn start_scan(&self) -> io::Result<Scan> {
        let mut connection: Box<dyn Connection> = match self {
            Self::Disabled => {
                return Ok(Scan {
                    connection: None,
                    is_closed: false,
                });
            }
            Self::Tcp(address) => {
                Box::new(timeout(IO_TIMEOUT, TcpStream::connect(address)).await??)
            }
            Self::Socket(path) => Box::new(timeout(IO_TIMEOUT, UnixStream::connect(path)).await??),
        };
        timeout(IO_TIMEOUT, connection.write_all(b"zINSTREAM\0")).await??;
        Ok(Scan {
            connection: Some(connection),
            is_closed: false,
        })
    }
}

impl Scan {
    /// Sends a chunk to the scanner.
    pub(crate) async fn feed(&mut self, chunk: &[u8]) -> io::Result<()> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        if self.is_closed || chunk.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
        let sent = timeout(IO_TIMEOUT, async {
            connection.write_all(&length.to_be_bytes()).await?;
            connection.write_all(chunk).await
        });
        // clamd closes the connection after it has responded that its limits are exceeded.
        self.is_closed = sent.await?.is_err();
        Ok(())
    }

    /// Ends the stream and returns the verdict.
    pub(crate) async fn finish(mut self) -> io::Result<Verdict> {
        let Some(mut connection) = self.connection.take() else {
            return Ok(Verdict::Clean);
        };
        if !self.is_closed {
            let end = 0_u32.to_be_bytes();
            let sent = timeout(IO_TIMEOUT, connection.write_all(&end)).await?;
            // It may have responded and closed while the last chunk was on its way.
            self.is_closed = sent.is_err();
        }
        let mut response = Vec::new();
        let mut connection = connection.take(MAX_RESPONSE_LENGTH);
        let read = timeout(VERDICT_TIMEOUT, connection.read_to_end(&mut response)).await?;
        let response = String::from_utf8_lossy(&response);
        let response = response.trim_end_matches(['\0', '\n']);
        match response {
            "stream: OK" if !self.is_closed => Ok(Verdict::Clean),
            limit if limit.contains(LIMITS_EXCEEDED) && limit.ends_with(" FOUND") => {
                Ok(Verdict::TooLarge)
            }
            found if found.ends_with(" FOUND") => Ok(Verdict::Infected),
            large if large.contains("size limit exceeded") => Ok(Verdict::TooLarge),
            _ => {
                read?;
                Err(io::Error::other("unexpected response from clamd"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over a socket of the machine the next write fails at once.
    #[tokio::test]
    async fn the_verdict_is_read_of_a_scanner_that_has_closed() {
        let name = format!("scanner-{}.sock", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let server = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut sent = [0; 10 + 4 + 5];
            connection.read_exact(&mut sent).await.unwrap();
            let response = b"INSTREAM size limit exceeded. ERROR\0";
            connection.write_all(response).await.unwrap();
        });
        let scanner = Scanner::parse(path.to_str().unwrap());
        let mut scan = scanner.start_scan().await.unwrap();
        scan.feed(b"hello").await.unwrap();
        server.await.unwrap();
        assert_eq!(scan.finish().await.unwrap(), Verdict::TooLarge);
        std::fs::remove_file(path).unwrap();
    }
}

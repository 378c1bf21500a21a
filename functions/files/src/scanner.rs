//! Asking clamd about bytes as they pass (its `INSTREAM` command).

use std::{io, path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// How long clamd may take to accept a connection, and to take a piece.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it may think when all has come.
const THINKING: Duration = Duration::from_mins(3);
/// What it calls a file that holds more than its limits let it look at (with its setting `AlertExceedsMax`).
const LIMIT: &str = " Heuristics.Limits.Exceeded";
/// Longest answer that is read.
const LONGEST_ANSWER: u64 = 4_096;

/// Who says whether a file is harmful.
#[derive(Clone, Debug)]
pub enum Scanner {
    /// Nobody: every file is clean at once. For a laptop.
    Trusting,
    /// clamd at `host:port`.
    Tcp(String),
    /// clamd at a socket.
    Socket(PathBuf),
}

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// Something was.
    Infected,
    /// The file, or what is packed into it, is more than what it looks at.
    TooLarge,
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A file on its way through the scanner.
pub(crate) struct Scan {
    wire: Option<Box<dyn Wire>>,
    /// It takes nothing more; its answer says why.
    closed: bool,
}

impl Scanner {
    /// Reads `off`, `host:port`, or a path.
    pub fn parse(text: &str) -> Self {
        match text {
            "off" => Self::Trusting,
            path if path.starts_with('/') => Self::Socket(path.into()),
            address => Self::Tcp(address.to_owned()),
        }
    }

    /// Begins with a file.
    pub(crate) async fn begin(&self) -> io::Result<Scan> {
        let mut wire: Box<dyn Wire> = match self {
            Self::Trusting => {
                return Ok(Scan {
                    wire: None,
                    closed: false,
                });
            }
            Self::Tcp(address) => Box::new(timeout(PATIENCE, TcpStream::connect(address)).await??),
            Self::Socket(path) => Box::new(timeout(PATIENCE, UnixStream::connect(path)).await??),
        };
        timeout(PATIENCE, wire.write_all(b"zINSTREAM\0")).await??;
        Ok(Scan {
            wire: Some(wire),
            closed: false,
        })
    }
}

impl Scan {
    /// Shows it a piece.
    pub(crate) async fn feed(&mut self, piece: &[u8]) -> io::Result<()> {
        let Some(wire) = &mut self.wire else {
            return Ok(());
        };
        if self.closed || piece.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(piece.len()).map_err(io::Error::other)?;
        let sent = timeout(PATIENCE, async {
            wire.write_all(&length.to_be_bytes()).await?;
            wire.write_all(piece).await
        });
        // It hangs up when it has seen too much, and has said so before.
        self.closed = sent.await?.is_err();
        Ok(())
    }

    /// What it says now that it has seen everything.
    pub(crate) async fn finish(self) -> io::Result<Verdict> {
        let Some(mut wire) = self.wire else {
            return Ok(Verdict::Clean);
        };
        if !self.closed {
            timeout(PATIENCE, wire.write_all(&0_u32.to_be_bytes())).await??;
        }
        let mut answer = Vec::new();
        let mut wire = wire.take(LONGEST_ANSWER);
        let read = timeout(THINKING, wire.read_to_end(&mut answer)).await?;
        let answer = String::from_utf8_lossy(&answer);
        let answer = answer.trim_end_matches(['\0', '\n']);
        match answer {
            "stream: OK" if !self.closed => Ok(Verdict::Clean),
            limit if limit.contains(LIMIT) && limit.ends_with(" FOUND") => Ok(Verdict::TooLarge),
            found if found.ends_with(" FOUND") => Ok(Verdict::Infected),
            large if large.contains("size limit exceeded") => Ok(Verdict::TooLarge),
            _ => {
                read?;
                Err(io::Error::other("clamd did not say what it found"))
            }
        }
    }
}

//! The floods. Each connection does its own over and over, as fast as it is answered; when it is cut, it comes again.

use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// How long a slow one waits before its next byte.
const SLOWLY: Duration = Duration::from_millis(500);
/// How long one waits that could not connect.
const AWAY: Duration = Duration::from_millis(100);
/// The statuses that are counted; whatever is none of them counts as none.
const STATUSES: [u16; 9] = [0, 200, 201, 400, 401, 403, 409, 413, 429];

/// What floods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Heads of requests, a byte at a time
    SlowHeads,
    /// Bodies of requests, a byte at a time
    SlowBodies,
    /// Connections on which nothing comes
    Idle,
    /// Bodies that are too long
    Oversized,
    /// API keys that nobody knows
    UnknownKeys,
    /// Enrolment links that nobody knows
    Tickets,
    /// One-time codes, all wrong
    Codes,
    /// One relying party that asks for everyone
    Creations,
    /// One relying party that opens enrolment links
    Enrolments,
    /// One relying party that waits, and waits again
    Waits,
}

impl Kind {
    /// Every flood.
    pub const ALL: [Self; 10] = [
        Self::SlowHeads,
        Self::SlowBodies,
        Self::Idle,
        Self::Oversized,
        Self::UnknownKeys,
        Self::Tickets,
        Self::Codes,
        Self::Creations,
        Self::Enrolments,
        Self::Waits,
    ];

    /// Its word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SlowHeads => "slow-heads",
            Self::SlowBodies => "slow-bodies",
            Self::Idle => "idle",
            Self::Oversized => "oversized",
            Self::UnknownKeys => "unknown-keys",
            Self::Tickets => "tickets",
            Self::Codes => "codes",
            Self::Creations => "creations",
            Self::Enrolments => "enrolments",
            Self::Waits => "waits",
        }
    }
}

/// What floods aim at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Target {
    /// The server.
    pub url: String,
    /// The key of the careless relying party.
    pub api_key: String,
    /// Its people.
    pub users: Vec<String>,
    /// A question of its that waits.
    pub challenge: String,
}

#[derive(Debug, Parser)]
struct Generate {
    #[arg(value_enum)]
    kind: Kind,
    #[arg(long)]
    connections: usize,
    #[arg(long)]
    generate: bool,
}

/// How often each status came.
struct Counts {
    of: [AtomicU64; STATUSES.len()],
    begun: Notify,
}

impl Counts {
    fn count(&self, status: u16) {
        let place = STATUSES.iter().position(|known| *known == status).unwrap_or(0);
        self.of[place].fetch_add(1, Relaxed);
        self.begun.notify_one();
    }
}

/// Floods what is read from standard input, until that ends; says when it has begun, and at the end how often it was
/// answered what.
pub async fn generate() -> ExitCode {
    let Generate { kind, connections, .. } = Generate::parse();
    let mut input = BufReader::new(tokio::io::stdin());
    let mut line = String::new();
    input.read_line(&mut line).await.unwrap();
    let target: Arc<Target> = Arc::new(serde_json::from_str(&line).unwrap());
    let counts = Arc::new(Counts { of: Default::default(), begun: Notify::new() });
    let flooding: Vec<_> = (0..connections)
        .map(|number| {
            let (target, counts) = (Arc::clone(&target), Arc::clone(&counts));
            tokio::spawn(async move {
                let mut turn = number;
                loop {
                    // An error is a connection that was cut.
                    if converse(kind, &target, &counts, &mut turn).await.is_err() {
                        tokio::time::sleep(AWAY).await;
                    }
                }
            })
        })
        .collect();
    counts.begun.notified().await;
    println!("begun");
    let mut end = String::new();
    input.read_line(&mut end).await.unwrap();
    flooding.iter().for_each(tokio::task::JoinHandle::abort);
    let said: BTreeMap<String, u64> = STATUSES
        .iter()
        .zip(&counts.of)
        .map(|(status, count)| (status.to_string(), count.load(Relaxed)))
        .filter(|(_, count)| *count > 0)
        .collect();
    println!("{}", serde_json::to_string(&said).unwrap());
    ExitCode::SUCCESS
}

/// One connection, until it is cut.
async fn converse(kind: Kind, target: &Target, counts: &Counts, turn: &mut usize) -> std::io::Result<()> {
    let host = target.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    if matches!(kind, Kind::SlowHeads | Kind::SlowBodies | Kind::Idle) {
        counts.begun.notify_one();
    }
    match kind {
        Kind::SlowHeads => return slowly(&mut stream, b"GET / HTTP/1.1\r\nHost: a\r\nX: ").await,
        Kind::SlowBodies => {
            let head = request(target, "POST", "/v1/users", None, 1_000);
            return slowly(&mut stream, head.as_bytes()).await;
        }
        Kind::Idle => {
            let mut byte = [0];
            stream.read_exact(&mut byte).await?;
            return Ok(());
        }
        _ => {}
    }
    loop {
        *turn += 1;
        let user = &target.users[*turn % target.users.len()];
        let json = |body: String| (Some(body), true);
        let (method, path, (body, keyed)) = match kind {
            Kind::Oversized => ("POST", "/v1/users".to_owned(), json("x".repeat(70_000))),
            Kind::UnknownKeys => ("GET", "/v1/relying-party".to_owned(), (None, false)),
            Kind::Tickets => {
                let body = format!(r#"{{"ticket":"{turn}","transcript":"a.b.c","possession":"a.b.c"}}"#);
                ("POST", "/v1/device/enrol".to_owned(), json(body))
            }
            Kind::Codes => ("POST", format!("/v1/users/{user}/codes/verify"), json(r#"{"code":"000000"}"#.to_owned())),
            Kind::Creations => ("POST", "/v1/challenges".to_owned(), json(format!(r#"{{"user_id":"{user}"}}"#))),
            Kind::Enrolments => ("POST", format!("/v1/users/{user}/enrolments"), json(String::new())),
            _ => ("GET", format!("/v1/challenges/{}?wait=1", target.challenge), (None, true)),
        };
        let length = body.as_ref().map_or(0, String::len);
        let key = if keyed { target.api_key.clone() } else { format!("unknown {turn}") };
        let mut sent = request(target, method, &path, Some(&key), length);
        sent.push_str(body.as_deref().unwrap_or_default());
        let answered = exchange(&mut stream, sent.as_bytes()).await;
        counts.count(*answered.as_ref().unwrap_or(&0));
        answered?;
    }
}

fn request(target: &Target, method: &str, path: &str, key: Option<&str>, length: usize) -> String {
    let (host, key) = (target.url.strip_prefix("http://").unwrap(), key.unwrap_or(&target.api_key));
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// Sends this, and then a byte now and then until it is cut.
async fn slowly(stream: &mut TcpStream, begin: &[u8]) -> std::io::Result<()> {
    stream.write_all(begin).await?;
    loop {
        tokio::time::sleep(SLOWLY).await;
        stream.write_all(b"x").await?;
    }
}

/// Sends a request and reads the whole answer; its status.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<u16> {
    stream.write_all(request).await?;
    let mut answer = Vec::with_capacity(1024);
    let end = loop {
        if let Some(at) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    let mut left = (end + length.unwrap_or(0)).saturating_sub(answer.len());
    let mut rest = [0; 4096];
    while left > 0 {
        let read = stream.read(&mut rest[..left.min(4096)]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        left -= read;
    }
    Ok(head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0))
}

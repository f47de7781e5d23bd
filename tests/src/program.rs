//! The real binary, started as an operator starts it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a start may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary beside this test. `tests/all` builds it first; by hand: `cargo build`.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let binary = profile.join("countersign");
    assert!(binary.exists(), "{} is missing: build it first with cargo build", binary.display());
    binary
}

/// A command of the binary whose environment holds nothing of ours.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().env("HOME", "/nonexistent").kill_on_drop(true).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub async fn run(arguments: &[&str]) -> Output {
    tokio::time::timeout(PATIENCE, command(arguments).output()).await.expect("the command ends").unwrap()
}

/// A started program that listens.
pub struct Program {
    child: Child,
    /// Where it listens.
    pub url: String,
}

impl Program {
    /// Starts a command and waits for its first line.
    pub async fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it starts").unwrap();
        let first = first.expect("it prints where it listens");
        let url = first.strip_prefix("Listening on ").unwrap_or_else(|| panic!("{first}")).to_owned();
        Self { child, url }
    }

    /// `serve` on a free port, with this data folder.
    pub async fn serve(data: &Path) -> Self {
        Self::start(serve_command(data)).await
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Kills it as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(mut self) -> ExitStatus {
        let asked = std::process::Command::new("kill").args(["-TERM", &self.id().to_string()]).status().unwrap();
        assert!(asked.success());
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it stops").unwrap()
    }
}

/// `serve` on a free port, with this data folder.
pub fn serve_command(data: &Path) -> Command {
    let mut command = command(&["serve"]);
    command
        .env("COUNTERSIGN_LISTEN", "127.0.0.1:0")
        .env("COUNTERSIGN_DATA_DIR", data)
        .env("COUNTERSIGN_PUSH__WEBPUSH__ALLOW_PRIVATE", "true");
    command
}

/// What an admin command printed, as JSON.
pub async fn admin(data: &Path, arguments: &[&str]) -> serde_json::Value {
    let mut command = command(&["admin", "--json"]);
    let output = command.args(arguments).env("COUNTERSIGN_DATA_DIR", data).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

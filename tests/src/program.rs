//! The real binary, started as an operator starts it.

use crate::handmade::HandmadeDevice;
use crate::http::RelyingParty;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a start or an end may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary beside this program. `tests/all` builds it first; by hand: `cargo build`.
pub fn binary() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    // Tests are in a folder of their own beside it.
    let beside = this.ancestors().skip(1).take(2).map(|folder| folder.join("countersign"));
    let found = beside.into_iter().find(|binary| binary.is_file());
    found
        .unwrap_or_else(|| panic!("there is no countersign beside {}: build it first with cargo build", this.display()))
}

/// A command of the binary whose environment holds nothing of ours.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().env("HOME", "/nonexistent").kill_on_drop(true).stdin(Stdio::null());
    command
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

impl Ended {
    /// What it printed, as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What it complained about, in words: of a JSON problem, its detail and its code.
    pub fn complaint(&self) -> String {
        match serde_json::from_str::<serde_json::Value>(&self.err) {
            Ok(problem) => format!(
                "{} ({})",
                problem["detail"].as_str().unwrap_or_default(),
                problem["code"].as_str().unwrap_or_default()
            ),
            Err(_) => self.err.clone(),
        }
    }

    /// Fails the test unless the command ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// Runs a command to its end.
pub async fn run(mut command: Command) -> Ended {
    let ends = async {
        loop {
            match command.output().await {
                // Of a program that a test has just written, another test that starts one at this moment still has a
                // copy open for writing.
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => tokio::task::yield_now().await,
                ended => break ended.unwrap(),
            }
        }
    };
    let output = tokio::time::timeout(PATIENCE, ends).await.expect("the command ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
    Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
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

    /// `serve` on a free port, with this data folder, in which a server is made where there is none.
    pub async fn serve(data: &Path) -> Self {
        if !data.join("server.id").exists() {
            init(data).await;
        }
        Self::start(serve_command(data)).await
    }

    /// `serve` where an earlier server listened, with this data folder.
    pub async fn serve_at(data: &Path, url: &str) -> Self {
        let mut command = serve_command(data);
        command.env("COUNTERSIGN_LISTEN", url.strip_prefix("http://").unwrap());
        Self::start(command).await
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
    pub async fn stop(self) -> ExitStatus {
        self.ask_to_stop();
        self.wait().await
    }

    /// Asks it to stop, and does not wait.
    pub fn ask_to_stop(&self) {
        terminate(self.id());
    }

    /// Waits until it has ended.
    pub async fn wait(mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it stops").unwrap()
    }
}

/// Asks a process to end.
pub fn terminate(process: u32) {
    assert!(signal(process, "TERM"), "the process is there");
}

/// Sends a signal through the shell's own `kill`, which every system has; false when there is no such process.
pub fn signal(process: u32, name: &str) -> bool {
    let kill = format!("kill -{name} {process} 2>/dev/null");
    std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success()
}

/// A data folder in which a server has worked.
pub async fn used() -> TempDir {
    let data = tempfile::tempdir().unwrap();
    assert!(Program::serve(data.path()).await.stop().await.success());
    data
}

/// `init` in this data folder.
pub fn init_command(data: &Path) -> Command {
    let mut command = command(&["init", "--json"]);
    command.env("COUNTERSIGN_DATA_DIR", data);
    command
}

/// Makes a server in this data folder.
pub async fn init(data: &Path) -> serde_json::Value {
    run(init_command(data)).await.expect(0).json()
}

/// `serve` on a free port, with this data folder.
pub fn serve_command(data: &Path) -> Command {
    let mut command = command(&["serve"]);
    command
        .env("COUNTERSIGN_LISTEN", "127.0.0.1:0")
        .env("COUNTERSIGN_DATA_DIR", data)
        .env("COUNTERSIGN_PUSH__WEBPUSH__ALLOW_PRIVATE", "true")
        .env("RUST_LOG", "error");
    command
}

/// An admin command on this data folder, configured as its server is.
pub fn admin_command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = command(&["admin", "--json"]);
    command.args(arguments).env("COUNTERSIGN_DATA_DIR", data).env("COUNTERSIGN_PUSH__WEBPUSH__ALLOW_PRIVATE", "true");
    command
}

/// What an admin command printed, as JSON.
pub async fn admin(data: &Path, arguments: &[&str]) -> serde_json::Value {
    run(admin_command(data, arguments)).await.expect(0).json()
}

/// A command of the terminal phone with this store.
pub fn phone_command(store: &Path, arguments: &[&str]) -> Command {
    let mut command = command(&["phone", "--json", "--store"]);
    command.arg(store).args(arguments);
    command
}

/// A relying party of a new organisation, on the server that works with this data folder.
pub async fn relying_party(data: &Path, url: &str) -> RelyingParty {
    admin(data, &["organisation", "create", "Meridian"]).await;
    let made = admin(data, &["relying-party", "create", "--organisation", "Meridian", "Customer area"]).await;
    RelyingParty::new(url, made["api_key"].as_str().unwrap())
}

/// The real binary at work: its data, a site and a person.
pub struct Installation {
    /// Where its data is.
    pub data: TempDir,
    /// The server.
    pub server: Program,
    /// The relying party.
    pub site: RelyingParty,
    /// Maya's id.
    pub user: String,
    /// What else the environment says.
    settings: Vec<(String, String)>,
}

impl Installation {
    /// A fresh one.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// One whose environment says something else beside.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut init = init_command(data.path());
        init.envs(settings.iter().copied());
        run(init).await.expect(0);
        let mut serve = serve_command(data.path());
        serve.envs(settings.iter().copied());
        let server = Program::start(serve).await;
        let site = relying_party(data.path(), &server.url).await;
        let user = site.user("maya").await;
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { data, server, site, user, settings }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = admin_command(self.data.path(), arguments);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What an admin command printed, as JSON.
    pub async fn admin(&self, arguments: &[&str]) -> serde_json::Value {
        run(self.command(arguments)).await.expect(0).json()
    }

    /// A command that is refused, with this exit code and a sentence that holds these words.
    pub async fn refuses(&self, arguments: &[&str], code: i32, words: &str) {
        let ended = run(self.command(arguments)).await.expect(code);
        assert!(ended.complaint().contains(words), "{arguments:?}: {ended:?}");
        assert_eq!(ended.out, "", "{arguments:?}");
    }

    /// A device of Maya's, made by hand.
    pub async fn device(&self) -> HandmadeDevice {
        HandmadeDevice::enrol(&self.site, &self.user).await
    }

    /// Kills the server as a power cut would, and starts it again where it was.
    pub async fn kill_and_start(self) -> Self {
        self.kill().await.start().await
    }

    /// Kills the server as a power cut would.
    pub async fn kill(mut self) -> Self {
        self.server.child.kill().await.unwrap();
        self
    }

    /// Starts the server where it was.
    pub async fn start(self) -> Self {
        let mut serve = serve_command(self.data.path());
        serve.env("COUNTERSIGN_LISTEN", self.server.url.strip_prefix("http://").unwrap());
        serve.envs(self.settings.iter().map(|(name, value)| (name, value)));
        Self { server: Program::start(serve).await, ..self }
    }
}

//! A phone in a terminal.

use countersign_tests::program::{Ended, Installation, command, phone_command, run};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

/// How long a watching phone may take to show what came.
const PATIENCE: Duration = Duration::from_secs(60);

/// A question of this installation that waits until nobody needs it any more.
pub async fn ask(world: &Installation) -> String {
    let asked = world.site.ask_for(&world.user, json!({ "expires_in": 600 })).await;
    asked.body["id"].as_str().unwrap_or_else(|| panic!("{asked:?}")).to_owned()
}

/// Types the digits that a phone printed.
pub async fn confirm(world: &Installation, account: &Value) {
    let (id, code) = (account["id"].as_str().unwrap(), account["confirmation_code"].as_str().unwrap());
    let confirmed = world.site.confirm(&id, code).await;
    assert_eq!(confirmed.body["state"], "confirmed", "{confirmed:?}");
}

/// A phone in a terminal.
pub struct Terminal(pub TempDir);

impl Terminal {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A phone in use for the person.
    pub async fn enrolled(world: &Installation) -> Self {
        let phone = Self::new();
        let account = phone.does(&["enrol", &world.site.link(&world.user).await]).await;
        confirm(world, &account).await;
        phone
    }

    pub async fn tries(&self, arguments: &[&str]) -> Ended {
        run(phone_command(self.0.path(), arguments)).await
    }

    /// Does something, and gives what it printed.
    pub async fn does(&self, arguments: &[&str]) -> Value {
        self.tries(arguments).await.expect(0).json()
    }

    /// Fails with this exit code and a sentence that holds these words.
    pub async fn fails(&self, arguments: &[&str], code: i32, words: &str) -> Ended {
        let ended = self.tries(arguments).await.expect(code);
        assert!(ended.err.contains(words), "{arguments:?}: {ended:?}");
        ended
    }

    /// The ids of the requests that wait.
    pub async fn pending(&self) -> Vec<Value> {
        let listed = self.does(&["list"]).await;
        listed["pending"].as_array().unwrap().iter().map(|prompt| prompt["id"].clone()).collect()
    }

    /// Does something without JSON, and gives what a person reads.
    pub async fn says(&self, arguments: &[&str]) -> String {
        let mut command = command(&["phone", "--store"]);
        command.arg(self.0.path()).args(arguments);
        run(command).await.expect(0).out
    }
}

/// A phone that watches.
pub struct Watching {
    pub child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    pub fn start(phone: &Terminal) -> Self {
        let mut child = phone_command(phone.0.path(), &["watch"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line; none at the end.
    pub async fn next(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("something is shown").unwrap();
        line.map(|line| serde_json::from_str(&line).unwrap())
    }
}

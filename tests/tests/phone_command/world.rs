//! A server with a site and a person, and a phone in a terminal.

use countersign_tests::http::RelyingParty;
use countersign_tests::program::{Ended, Program, command, phone_command, relying_party, run};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

/// How long a watching phone may take to show what came.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with a site and a person.
pub struct World {
    pub data: TempDir,
    pub server: Program,
    pub site: RelyingParty,
    pub user: String,
}

impl World {
    pub async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = Program::serve(data.path()).await;
        let site = relying_party(data.path(), &server.url).await;
        let user = site.user("maya").await;
        Self { data, server, site, user }
    }

    /// A question that waits until nobody needs it any more.
    pub async fn ask(&self) -> String {
        let question = json!({ "user_id": self.user, "expires_in": 600 });
        let asked = self.site.post("/v1/challenges", &question).await;
        asked.body["id"].as_str().unwrap_or_else(|| panic!("{asked:?}")).to_owned()
    }

    /// The number that the page shows for a question.
    pub async fn number(&self, id: &str) -> String {
        let read = self.site.get(&format!("/v1/challenges/{id}")).await;
        read.body["number"].as_str().unwrap_or_else(|| panic!("{read:?}")).to_owned()
    }

    /// A phone in use for the person.
    pub async fn phone(&self) -> Terminal {
        let phone = Terminal::new();
        let account = phone.does(&["enrol", &self.site.link(&self.user).await]).await;
        self.confirm(&account).await;
        phone
    }

    pub async fn confirm(&self, account: &Value) {
        let path = format!("/v1/enrolments/{}/confirm", account["id"].as_str().unwrap());
        let confirmed = self.site.post(&path, &json!({ "code": account["confirmation_code"] })).await;
        assert_eq!(confirmed.body["state"], "confirmed", "{confirmed:?}");
    }
}

/// A phone in a terminal.
pub struct Terminal(pub TempDir);

impl Terminal {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
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

//! The real binary, with the network in front of it, and the calls of its relying party.

use super::Fault;
use super::network::{Behaviour, Network};
use crate::gateway;
use crate::http::{RelyingParty, send};
use crate::program::{Program, command, run};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// A server.
pub struct Server {
    configuration: PathBuf,
    network: Network,
    api_key: String,
    /// None while it is stopped.
    running: Option<Program>,
}

impl Server {
    /// A fresh one with its data in this folder, and a relying party of an organisation of the server's name.
    pub async fn start(folder: PathBuf, name: &str, push: &toml::Table) -> Self {
        std::fs::create_dir(&folder).unwrap();
        let network = Network::open().await;
        let configuration = json!({
            "listen": "127.0.0.1:0", "public_url": network.url, "data_dir": folder.join("data"), "push": push,
        });
        let configuration = toml::to_string(&configuration).unwrap();
        let file = folder.join("countersign.toml");
        std::fs::write(&file, configuration).unwrap();
        let mut server = Self { configuration: file, network, api_key: String::new(), running: None };
        run(on(&server.configuration, &["init"])).await.expect(0);
        server.start_again().await.unwrap();
        server.admin(&["organisation", "create", name]).await;
        let made = server.admin(&["relying-party", "create", "--organisation", name, "Customer area"]).await;
        server.api_key = made["api_key"].as_str().unwrap().to_owned();
        server
    }

    /// Where phones reach it.
    pub fn url(&self) -> &str {
        &self.network.url
    }

    /// Starts it on the data that it has.
    pub async fn start_again(&mut self) -> Result<Value, Fault> {
        if self.running.is_some() {
            return Err("the server is running".into());
        }
        let program = Program::start(on(&self.configuration, &["serve"])).await;
        let address = program.url.strip_prefix("http://").and_then(|address| address.parse().ok());
        self.network.lead_to(address);
        self.running = Some(program);
        Ok(json!({}))
    }

    /// Stops it, as an operator does.
    pub async fn stop(&mut self) -> Result<Value, Fault> {
        let program = self.running.take().ok_or("the server is stopped")?;
        self.network.lead_to(None);
        program.stop().await;
        Ok(json!({}))
    }

    async fn admin(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["admin", "--json"];
        all.extend(arguments);
        run(on(&self.configuration, &all)).await.expect(0).json()
    }

    /// The operator makes a new signing key.
    pub async fn rotate_signing_key(&mut self) -> Result<Value, Fault> {
        Ok(self.admin(&["key", "rotate"]).await)
    }

    /// The operator makes a new key that names the server to Web Push services.
    pub async fn rotate_vapid_key(&mut self) -> Result<Value, Fault> {
        Ok(self.admin(&["key", "rotate-vapid"]).await)
    }

    /// What becomes of the connections of phones.
    pub fn network(&mut self, behaves: &Value) -> Result<Value, Fault> {
        let cut = |bytes: &Value| bytes.as_u64().and_then(|bytes| usize::try_from(bytes).ok());
        let answer = behaves["answers"].as_str().and_then(gateway::way);
        self.network.behave(match (behaves.as_str(), cut(&behaves["cut_after"]), answer) {
            (Some("clear"), ..) => Behaviour::Clear,
            (Some("down"), ..) => Behaviour::Down,
            (_, Some(bytes), _) => Behaviour::CutAfter(bytes),
            (_, _, Some(bytes)) => Behaviour::Answers(bytes.into()),
            _ => return Err(format!("a network does not behave {behaves}")),
        });
        Ok(json!({}))
    }

    fn site(&self) -> Result<RelyingParty, Fault> {
        let program = self.running.as_ref().ok_or("the server is stopped")?;
        Ok(RelyingParty::new(&program.url, &self.api_key))
    }

    /// A call of the relying party: `METHOD /path`.
    pub async fn call(&mut self, call: &str, body: &Value, idempotency_key: Option<&str>) -> Result<Value, Fault> {
        let (method, path) = call.split_once(' ').ok_or("a call is a method and a path")?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = self.site()?.request(method, path);
        if !body.is_null() {
            request = request.json(body);
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let answer = send(request).await;
        Ok(json!({ "status": answer.status, "body": answer.body }))
    }

    /// Waits until the pushes of a challenge have been tried, and says what became of them.
    pub async fn await_push(&mut self, challenge: &str) -> Result<Value, Fault> {
        let site = self.site()?;
        loop {
            let answer = site.get(&format!("/v1/challenges/{challenge}")).await;
            match answer.body["push"].as_str() {
                Some("queued") => tokio::task::yield_now().await,
                Some(push) => return Ok(json!({ "push": push })),
                None => return Err(format!("{answer:?}")),
            }
        }
    }
}

/// A command of the binary with this configuration.
fn on(configuration: &Path, arguments: &[&str]) -> Command {
    let (first, rest) = arguments.split_first().unwrap();
    let mut command = command(&[first, "--config"]);
    command.arg(configuration).args(rest).env("RUST_LOG", "error");
    command
}

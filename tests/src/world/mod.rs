//! Everything around a phone, for the scenarios that the suites of all languages run: servers (the real binary), the
//! push networks, the relying party's calls, a network that fails on demand, and hardware for keys.
//!
//! It is asked in JSON, one step at a time (tests/scenarios/README.md has the words), in this process or over HTTP.

mod hardware;
mod http;
mod mailboxes;
pub mod network;
mod server;

pub use http::serve;

use hardware::Hardware;
use mailboxes::Mailboxes;
use serde_json::{Value, json};
use server::Server;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The server of a step that names none.
const USUAL_SERVER: &str = "login";

/// One scenario's world.
pub struct World {
    folder: TempDir,
    mailboxes: Mailboxes,
    servers: BTreeMap<String, Server>,
    hardware: Hardware,
}

/// Why a step could not be done: the scenario is wrong, or the world is.
pub type Fault = String;

impl World {
    /// A world with one server, under this folder.
    pub async fn begin(folder: &Path) -> Self {
        let folder = tempfile::tempdir_in(folder).unwrap();
        let mailboxes = Mailboxes::open(folder.path()).await;
        let mut world = Self { folder, mailboxes, servers: BTreeMap::new(), hardware: Hardware::default() };
        world.add_server(USUAL_SERVER).await;
        world
    }

    /// Where phones keep their stores.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    async fn add_server(&mut self, name: &str) {
        let folder = self.folder.path().join(name);
        let server = Server::start(folder, name, &self.mailboxes.configuration()).await;
        self.servers.insert(name.to_owned(), server);
    }

    /// Does one step, and gives what came of it.
    ///
    /// # Errors
    /// What is wrong with the step.
    pub async fn step(&mut self, step: &Value) -> Result<Value, Fault> {
        if let Some(call) = step["site"].as_str() {
            return self.server(step)?.call(call, &step["body"], step["idempotency_key"].as_str()).await;
        }
        match step["world"].as_str().ok_or("a step of the world says which")? {
            "server" => {
                let name = text(step, "name")?.to_owned();
                self.add_server(&name).await;
                Ok(json!({ "url": self.servers[&name].url() }))
            }
            "stop_server" => self.server(step)?.stop().await,
            "start_server" => self.server(step)?.start_again().await,
            "rotate_signing_key" => self.server(step)?.rotate_signing_key().await,
            "rotate_vapid_key" => self.server(step)?.rotate_vapid_key().await,
            "network" => self.server(step)?.network(&step["behaves"]),
            "await_push" => self.server(step)?.await_push(text(step, "challenge")?).await,
            "install" => self.mailboxes.install(text(step, "gateway")?).await,
            "uninstall" => self.mailboxes.uninstall(&step["registration"]),
            "push" => self.mailboxes.take(&step["registration"]).await,
            "age_store" => age_store(Path::new(text(step, "folder")?)),
            "mistype" => Ok(json!({ "number": mistype(text(step, "number")?) })),
            "make_key" => Ok(self.hardware.make(text(step, "name")?)),
            "sign" => self.hardware.sign(text(step, "name")?, text(step, "message_b64u")?),
            other => Err(format!("the world knows no step {other:?}")),
        }
    }

    fn server(&mut self, step: &Value) -> Result<&mut Server, Fault> {
        let name = step["server"].as_str().unwrap_or(USUAL_SERVER);
        self.servers.get_mut(name).ok_or_else(|| format!("there is no server {name:?}"))
    }
}

fn text<'a>(step: &'a Value, name: &str) -> Result<&'a str, Fault> {
    step[name].as_str().ok_or_else(|| format!("{name:?} is missing in {step}"))
}

/// The same digits but for the first.
fn mistype(number: &str) -> String {
    let other = if number.starts_with('1') { "2" } else { "1" };
    number.chars().take(1).map(|_| other).chain(number.get(1..)).collect()
}

/// Makes a phone's store one of a later version.
fn age_store(folder: &Path) -> Result<Value, Fault> {
    let path: PathBuf = folder.join("authenticator.db");
    let database = rusqlite::Connection::open(path).map_err(|error| error.to_string())?;
    database.pragma_update(None, "user_version", 1_000_000).map_err(|error| error.to_string())?;
    Ok(json!({}))
}

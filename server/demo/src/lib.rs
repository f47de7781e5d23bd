//! The demo: a sign-in site beside two phones, on one machine, over the real server.
//!
//! It knows the server over HTTP only. The site (`site`) is a relying party as anybody's; the phones (`handset`) are the same
//! authenticator as in a phone, woken by real encrypted pushes over loopback. The page in the browser (`page`) only draws what
//! they say, in the person's language, and decides nothing. What only an operator can do, an [`Operator`] does.

mod api;
mod handset;
mod network;
mod page;
mod said;
mod screen;
mod site;
mod trace;
mod view;

use async_trait::async_trait;
use axum::Router;
use countersign_protocol::handle::AccountId;
use handset::Handset;
use serde::{Deserialize, Serialize};
use site::Site;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use trace::Trace;

/// The organisation of the demo's sites.
pub const ORGANISATION: &str = "Harbour Hosting";
/// The name under which the site asks.
const SITE: &str = "Harbour Hosting customer area";
/// Another site of the same organisation, where somebody else signs in at the same time.
const WEBMAIL: &str = "Harbour Webmail";
/// The demo's person.
const PERSON: &str = "maya@harbour.example";
/// How the site greets that person.
const NAME: &str = "Maya";
/// A file that marks a folder as the demo's own, so that beginning anew deletes nothing else.
const MARK: &str = "demo.json";

/// Why the demo does not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder is not the demo's, or what is in it cannot be read; the text says what to do.
    #[error("{0}")]
    Folder(String),
    /// A phone of the demo cannot be opened.
    #[error(transparent)]
    Phone(#[from] countersign_desktop::Unusable),
    /// The system does not give what is needed.
    #[error("the demo: {0}")]
    System(String),
}

impl From<std::io::Error> for DemoError {
    fn from(error: std::io::Error) -> Self {
        Self::System(error.to_string())
    }
}

impl From<https_client::UnusableClient> for DemoError {
    fn from(error: https_client::UnusableClient) -> Self {
        Self::System(error.to_string())
    }
}

/// What only the operator of the server can do, in a call of this process: nothing of it is in the HTTP API.
#[async_trait]
pub trait Operator: Send + Sync {
    /// A fresh API key of the relying party of this name in [`ORGANISATION`]; both are made when they are missing.
    ///
    /// # Errors
    /// The reason, for the log.
    async fn new_api_key(&self, relying_party: &str) -> Result<String, String>;

    /// Lets prompts to this person through again after a report.
    ///
    /// # Errors
    /// The reason, for the log.
    async fn resume_prompts(&self, user: AccountId) -> Result<(), String>;
}

/// What the demo remembers between runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Remembered {
    api_key: String,
    /// The other site's; empty after a demo that had none.
    #[serde(default)]
    webmail_api_key: String,
    /// True once a phone has been confirmed.
    enrolled: bool,
}

/// What the parts of the demo share: a counter that grows with every change, so that the page can wait for the next.
#[derive(Clone)]
struct Changes(watch::Sender<u64>);

impl Changes {
    fn new() -> Self {
        Self(watch::Sender::new(1))
    }

    fn notify(&self) {
        self.0.send_modify(|version| *version += 1);
    }
}

/// Deletes an earlier demo, and nothing that is not one.
///
/// # Errors
/// [`DemoError::Folder`] for a folder that is not a demo's.
pub fn remove_earlier(data: &Path) -> Result<(), DemoError> {
    if !data.exists() {
        return Ok(());
    }
    let empty = std::fs::read_dir(data)?.next().is_none();
    if !empty && !data.join(MARK).exists() {
        let message =
            format!("{} is not a demo's folder (it holds no {MARK}); choose another with --data", data.display());
        return Err(DemoError::Folder(message));
    }
    Ok(std::fs::remove_dir_all(data)?)
}

/// A demo that runs.
pub struct Demo {
    data: PathBuf,
    page: page::DemoParts,
    operator: Arc<dyn Operator>,
}

impl Demo {
    /// Opens the demo's two phones in this folder.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn open(data: &Path, operator: Arc<dyn Operator>) -> Result<Self, DemoError> {
        let changes = Changes::new();
        let trace = Trace::new(changes.clone());
        let open =
            async |number, folder| Handset::open(number, &data.join(folder), trace.clone(), changes.clone()).await;
        let phones = [open(1, "phone").await?, open(2, "phone-2").await?];
        let site = Site::new(changes.clone(), trace.clone());
        let stopping = CancellationToken::new();
        let page = page::DemoParts { site, phones, operator: Arc::clone(&operator), changes, trace, stopping };
        Ok(Self { data: data.to_owned(), page, operator })
    }

    /// The demo's routes, to be served beside the server's.
    pub fn routes(&self) -> Router {
        page::routes(self.page.clone())
    }

    /// Begins, once the server answers at `url`.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn begin(&self, url: &str) -> Result<(), DemoError> {
        let remembered = self.remember().await?;
        self.page.site.open(url, &self.data, remembered).await?;
        for phone in &self.page.phones {
            phone.settle_in(url).await;
        }
        Ok(())
    }

    /// Lets a page that waits go, so that it does not hold up the end.
    pub fn stop(&self) {
        self.page.stopping.cancel();
    }

    /// The keys of the demo's sites, made at the first run.
    async fn remember(&self) -> Result<Remembered, DemoError> {
        let path = self.data.join(MARK);
        let mut remembered = match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error: serde_json::Error| {
                DemoError::Folder(format!("{} cannot be read ({error}); begin anew with --fresh", path.display()))
            })?,
            Err(_) => Remembered { api_key: String::new(), webmail_api_key: String::new(), enrolled: false },
        };
        for (name, key) in [(SITE, &mut remembered.api_key), (WEBMAIL, &mut remembered.webmail_api_key)] {
            if key.is_empty() {
                *key = self.operator.new_api_key(name).await.map_err(DemoError::System)?;
            }
        }
        write_remembered(&self.data, &remembered)?;
        Ok(remembered)
    }
}

fn write_remembered(data: &Path, remembered: &Remembered) -> Result<(), DemoError> {
    let text = serde_json::to_string_pretty(remembered).map_err(|error| DemoError::System(error.to_string()))?;
    Ok(private_file::replace(&data.join(MARK), text.as_bytes())?)
}

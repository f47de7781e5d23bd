//! `countersign demo`: a sign-in site beside a phone, on this machine, over the real server.
//!
//! The site (`site`) is a relying party that knows the server only through its API. The phones (`handset`) are the same
//! core as in a phone, woken by real encrypted pushes over loopback. The page in the browser (`page`) only draws what they
//! say, in the person's language, and decides nothing.

mod api;
mod handset;
mod help_desk;
mod network;
mod page;
mod said;
mod screen;
mod site;
mod trace;
mod view;

use crate::app::App;
use crate::authorisation::{api_key_sha256, new_api_key};
use crate::command_line::{announce, start_log};
use crate::config::{Config, LogFormat};
use crate::failure::Failure;
use crate::serve;
use crate::startup::StartupError;
use crate::store::Organisation;
use clap::Args;
use countersign_protocol::handle::ChallengeId;

use handset::Handset;
use help_desk::HelpDesk;
use serde::{Deserialize, Serialize};
use site::Site;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use trace::Trace;

/// The organisation of the demo, and the name under which its site asks.
const ORGANISATION: &str = "Harbour Hosting";
/// The site's name.
const SITE: &str = "Harbour Hosting customer area";
/// Another site of the same organisation, where somebody else signs in at the same time.
const WEBMAIL: &str = "Harbour Webmail";
/// The demo's person.
const PERSON: &str = "maya@harbour.example";
/// How the site greets that person.
const NAME: &str = "Maya";
/// Where the demo keeps its state when nobody says.
const DEFAULT_DATA: &str = "countersign-demo";
/// A file that marks a folder as the demo's own, so that `--fresh` deletes nothing else.
const MARK: &str = "demo.json";

/// Try everything in a browser.
#[derive(Debug, Args)]
pub struct Options {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8484)]
    port: u16,
    /// Where the demo keeps its database, its keys and its phone between runs [default: a folder countersign-demo in the
    /// user's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Begin anew: delete what an earlier demo left in that folder
    #[arg(long)]
    fresh: bool,
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

/// Runs the demo until it is stopped.
///
/// # Errors
/// What to tell the person, with the exit code.
pub async fn run(options: Options) -> Result<(), Failure> {
    let data = options.data.map_or_else(default_data, Ok)?;
    start_log(LogFormat::Text);
    let stop_signal = serve::stop_signal();
    let listener = serve::bind(SocketAddr::from(([127, 0, 0, 1], options.port))).await?;
    // After the port: a demo that still runs there keeps its folder.
    if options.fresh {
        remove_earlier(&data)?;
    }
    let mut config = Config::load(None, std::iter::empty())?;
    config.data_dir = data.join("server");
    // The demo's phone listens on loopback.
    config.push.webpush.allow_private = true;

    let changes = Changes::new();
    let trace = Trace::new(changes.clone());
    let open = async |number, folder| Handset::open(number, &data.join(folder), trace.clone(), changes.clone()).await;
    let phones = [open(1, "phone").await?, open(2, "phone-2").await?];
    let site = Site::new(changes.clone(), trace.clone());
    let help_desk = Arc::new(HelpDesk::default());
    let stopping = CancellationToken::new();
    let demo = page::Demo {
        site: Arc::clone(&site),
        phones: phones.clone(),
        help_desk: Arc::clone(&help_desk),
        changes: changes.clone(),
        trace: trace.clone(),
        stopping: stopping.clone(),
    };
    let running = serve::start(&config, listener, |router| router.merge(page::routes(demo))).await?;
    help_desk.open(Arc::clone(&running.app));
    let url = format!("http://{}", running.address);
    let remembered = remember(&running.app, &data).await?;
    site.open(&url, &data, remembered).await?;
    for phone in &phones {
        phone.settle_in(&url).await;
    }
    announce(&url)?;
    tracing::info!(data = %data.display(), "open {url} in a browser; stop with Ctrl-C");
    stop_signal.await;
    stopping.cancel();
    running.stop().await;
    Ok(())
}

fn default_data() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
    let unknown = || Failure { exit_code: 2, message: "there is no home directory; say --data DIR".into() };
    Ok(home.ok_or_else(unknown)?.join(DEFAULT_DATA))
}

/// Deletes an earlier demo, and nothing that is not one.
fn remove_earlier(data: &Path) -> Result<(), Failure> {
    if !data.exists() {
        return Ok(());
    }
    let empty = std::fs::read_dir(data)?.next().is_none();
    if !empty && !data.join(MARK).exists() {
        let message =
            format!("{} is not a demo's folder (it holds no {MARK}); choose another with --data", data.display());
        return Err(Failure { exit_code: 2, message });
    }
    Ok(std::fs::remove_dir_all(data)?)
}

/// The demo's organisation and sites, made at the first run.
async fn remember(app: &App, data: &Path) -> Result<Remembered, Failure> {
    let path = data.join(MARK);
    let mut remembered = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error: serde_json::Error| {
            let message = format!("{} cannot be read ({error}); begin anew with --fresh", path.display());
            StartupError::Configuration(message)
        })?,
        Err(_) => Remembered { api_key: String::new(), webmail_api_key: String::new(), enrolled: false },
    };
    for (name, key) in [(SITE, &mut remembered.api_key), (WEBMAIL, &mut remembered.webmail_api_key)] {
        if key.is_empty() {
            *key = relying_party(app, name).await?;
        }
    }
    write_remembered(data, &remembered)?;
    Ok(remembered)
}

async fn organisation(app: &App) -> Result<Organisation, Failure> {
    let id = ChallengeId::random(&*app.randomness).to_string();
    if let Some(organisation) = app.store.create_organisation(id, ORGANISATION.into()).await? {
        return Ok(organisation);
    }
    // An earlier run made it.
    let all = app.store.organisations().await?;
    let found = all.into_iter().find(|one| one.name == ORGANISATION);
    Ok(found.ok_or_else(|| StartupError::System("the demo's organisation is gone".into()))?)
}

/// A site of the demo's organisation; gives its API key.
async fn relying_party(app: &App, name: &str) -> Result<String, Failure> {
    let id = ChallengeId::random(&*app.randomness).to_string();
    let api_key = new_api_key(&*app.randomness);
    let organisation = organisation(app).await?;
    let made = app.store.create_relying_party(organisation, id, name.into(), api_key_sha256(&api_key)).await?;
    if made.is_none() {
        // An earlier run was cut before its file was written.
        let parties = app.store.relying_parties().await?;
        for party in parties.into_iter().filter(|party| party.name == name) {
            app.store.rotate_api_key(party.handle, api_key_sha256(&api_key)).await?;
        }
    }
    Ok(api_key)
}

fn write_remembered(data: &Path, remembered: &Remembered) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(remembered).map_err(|error| StartupError::System(error.to_string()))?;
    Ok(private_file::replace(&data.join(MARK), text.as_bytes())?)
}

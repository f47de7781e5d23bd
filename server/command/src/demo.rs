//! `countersign demo`: the demo over a server of its own, in this process.

use crate::failure::Failure;
use crate::serve::{announce, start_log};
use async_trait::async_trait;
use clap::Args;
use countersign_demo::{Demo, ORGANISATION, Operator};
use countersign_protocol::handle::AccountId;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::SystemClock;
use countersign_server::domain::refused::Refused;
use countersign_server::runtime::config::{Config, LogFormat};
use countersign_server::runtime::startup::StartupError;
use countersign_server::runtime::{init, serve};
use countersign_server::service::Service;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Where the demo keeps its state when nobody says.
const DEFAULT_DATA: &str = "countersign-demo";

/// Try everything in a browser.
#[derive(Debug, Args)]
pub struct Options {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8484)]
    port: u16,
    /// Where the demo keeps its database, its keys and its phone between runs [default: a folder countersign-demo in
    /// the user's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Begin anew: delete what an earlier demo left in that folder
    #[arg(long)]
    fresh: bool,
}

/// The operator of the demo's server, once that runs.
#[derive(Default)]
struct Office(OnceLock<Arc<Service>>);

impl Office {
    fn service(&self) -> Result<&Service, String> {
        self.0.get().map(AsRef::as_ref).ok_or_else(|| "the server does not run yet".into())
    }
}

fn reason(refused: Refused) -> String {
    Failure::from(refused).message
}

#[async_trait]
impl Operator for Office {
    async fn new_api_key(&self, relying_party: &str) -> Result<String, String> {
        let operator = self.service()?.operator();
        // An earlier run may have made it.
        operator.create_organisation(ORGANISATION).await.map_err(reason)?;
        if let Some(made) = operator.create_relying_party(ORGANISATION, relying_party).await.map_err(reason)? {
            return Ok(made.api_key);
        }
        let all = operator.relying_parties().await.map_err(reason)?;
        let earlier = all.into_iter().find(|one| one.name == relying_party && one.organisation.name == ORGANISATION);
        let earlier = earlier.ok_or_else(|| format!("{relying_party} is gone"))?;
        operator.rotate_api_key(&earlier.handle).await.map_err(reason)
    }

    async fn resume_prompts(&self, user: AccountId) -> Result<(), String> {
        self.service()?.operator().resume_prompts(ORGANISATION, user).await.map(drop).map_err(reason)
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
        countersign_demo::remove_earlier(&data)?;
    }
    let mut config = Config::load(None, std::iter::empty())?;
    config.data_dir = data.join("server");
    // The demo's phones listen on loopback.
    config.push.webpush.allow_private = true;

    match init::make(&config, Arc::new(SystemClock), Arc::new(SystemRandomness::new())).await {
        // An earlier run made it.
        Ok(_) | Err(StartupError::Exists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let office = Arc::new(Office::default());
    let demo = Demo::open(&data, Arc::clone(&office) as Arc<dyn Operator>).await?;
    let running = serve::start(&config, listener, |router| router.merge(demo.routes())).await?;
    // Set once; a second time would be a bug of the demo and changes nothing.
    let _ = office.0.set(Arc::clone(&running.service));
    let url = format!("http://{}", running.address);
    demo.begin(&url).await?;
    announce(&url)?;
    tracing::info!(data = %data.display(), "open {url} in a browser; stop with Ctrl-C");
    stop_signal.await;
    demo.stop();
    running.stop().await;
    Ok(())
}

fn default_data() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
    let unknown = || Failure { exit_code: 2, message: "there is no home directory; say --data DIR".into() };
    Ok(home.ok_or_else(unknown)?.join(DEFAULT_DATA))
}

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
use countersign_server::runtime::{init, listener, serve};
use countersign_server::service::Service;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

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
struct Office {
    service: OnceLock<Arc<Service>>,
    /// Notified when the page wants everything anew.
    anew: Notify,
}

impl Office {
    fn service(&self) -> Result<&Service, String> {
        self.service.get().map(AsRef::as_ref).ok_or_else(|| "the server does not run yet".into())
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

    async fn prompts_are_stopped(&self, user: AccountId) -> Result<bool, String> {
        Ok(self.service()?.operator().user(ORGANISATION, user).await.map_err(reason)?.prompts_stopped)
    }

    async fn lift_limit(&self, user: AccountId) -> Result<(), String> {
        self.service()?.operator().lift_prompt_limit(ORGANISATION, user).await.map_err(reason)
    }

    fn start_anew(&self) {
        self.anew.notify_one();
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
    let listener = listener::bind(SocketAddr::from(([127, 0, 0, 1], options.port))).await?;
    // After the port: a demo that still runs there keeps its folder.
    if options.fresh {
        countersign_demo::remove_earlier(&data)?;
    }
    let mut config = Config::load(None, std::iter::empty())?;
    config.data_dir = data.join("server");
    // So few that no system's limit of open files is in the way, of which a newcomer would hear first.
    config.limits.connections = 500;
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
    let _ = office.service.set(Arc::clone(&running.service));
    let url = format!("http://{}", running.address);
    demo.begin(&url).await?;
    if let Err(error) = announce(&url) {
        // After a start anew, whoever read the first line may be gone; the page is still there.
        tracing::info!(%error, "nobody reads where the demo listens");
    }
    tracing::info!(data = %data.display(), "open {url} in a browser; stop with Ctrl-C");
    let anew = tokio::select! {
        () = stop_signal => false,
        () = office.anew.notified() => true,
    };
    demo.stop();
    let port = running.address.port();
    running.stop().await;
    if anew { begin_anew(port, &data) } else { Ok(()) }
}

/// Becomes `countersign demo --fresh` at the same port and folder: a new program under the same process id, which holds
/// no file, key or connection of this one.
fn begin_anew(port: u16, data: &Path) -> Result<(), Failure> {
    let mut program = Command::new(std::env::current_exe()?);
    program.args(["demo", "--fresh", "--port", &port.to_string(), "--data"]).arg(data);
    // It comes back only when it could not be started.
    Err(program.exec().into())
}

fn default_data() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
    let unknown = || Failure { exit_code: 2, message: "there is no home directory; say --data DIR".into() };
    Ok(home.ok_or_else(unknown)?.join(DEFAULT_DATA))
}

//! `countersign serve`, and what every command shares that works with a server's configuration.

use crate::failure::Failure;
use crate::phone::STORE_VARIABLE;
use clap::Args;
use countersign_server::runtime::config::{Config, Loaded, LogFormat};
use countersign_server::runtime::startup::StartupError;
use countersign_server::runtime::{listener, serve};
use countersign_server::store::StoreError;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// The environment variable that holds the API key for `countersign try`.
pub const API_KEY_VARIABLE: &str = "COUNTERSIGN_API_KEY";

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration file (TOML). Without one: what COUNTERSIGN_CONFIG names, else
    /// /etc/countersign/countersign.toml where there is one, else 127.0.0.1:8080 and ./countersign-data. Environment
    /// variables such as COUNTERSIGN_LISTEN or COUNTERSIGN_PUSH__WEBPUSH__ALLOW_PRIVATE overlay it
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
}

impl ConfigFile {
    /// The configuration, with the environment over it.
    ///
    /// # Errors
    /// [`StartupError::Configuration`].
    pub fn load(&self) -> Result<Config, StartupError> {
        Ok(self.find()?.config)
    }

    /// The configuration, with where each value comes from. Every command that works with a server finds it here, so
    /// that all of them find the same.
    ///
    /// # Errors
    /// [`StartupError::Configuration`].
    pub fn find(&self) -> Result<Loaded, StartupError> {
        // What is not UTF-8 is not ours, and neither is what other commands of this same program read.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| ![STORE_VARIABLE, API_KEY_VARIABLE].contains(&name.as_str()));
        Loaded::find(self.config.as_deref(), environment)
    }

    /// A command of this program with the same configuration, as it is typed in a shell.
    pub fn command(&self, words: &str) -> String {
        match &self.config {
            Some(path) => format!("countersign {words} --config {}", quoted(&path.display().to_string())),
            None => format!("countersign {words}"),
        }
    }

    /// Why a server does not start, and the command that helps.
    pub fn explain(&self, error: StartupError) -> Failure {
        let help = match &error {
            StartupError::NoServer(_) => format!(". Make one with: {}", self.command("init")),
            StartupError::HalfMade(_) => format!(". Finish it with: {}", self.command("init")),
            StartupError::Store(StoreError::Older) => {
                format!(". Upgrade it with: {}, or by starting the new server", self.command("admin migrate"))
            }
            StartupError::Exists(_) => format!(". Start it with: {}", self.command("serve")),
            _ => String::new(),
        };
        let mut failure = Failure::from(error);
        failure.message += &help;
        failure
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,".contains(&byte);
    if word.bytes().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Run the server.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    server: ConfigFile,
    /// Print the effective configuration with where each value comes from, without secrets, and do nothing else
    #[arg(long)]
    print_config: bool,
}

/// Runs the server until it is asked to stop.
///
/// # Errors
/// What to tell the person, with the exit code.
pub async fn run(options: &Options) -> Result<(), Failure> {
    // First of all, so that a hangup never ends a server, however early it comes.
    let mut hangups = serve::Hangups::listen();
    let loaded = options.server.find()?;
    if options.print_config {
        return print_config(&loaded);
    }
    let config = &loaded.config;
    start_log(config.log.format);
    tracing::info!(
        configuration = loaded.told(),
        data_dir = %std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone()).display(),
        "starting"
    );
    let stop_signal = serve::stop_signal();
    let listener = listener::bind(config.listen).await?;
    let running =
        serve::start(config, listener, |router| router).await.map_err(|error| options.server.explain(error))?;
    announce(&running.url())?;
    tell_service_manager(Lifecycle::Ready);
    tracing::info!(
        public_url = %running.service.settings.public_url,
        server_id = %running.service.keys.server_id,
        "serving"
    );
    let mut stop_signal = std::pin::pin!(stop_signal);
    let lost = loop {
        tokio::select! {
            () = &mut stop_signal => break None,
            lost = running.lost() => break Some(lost),
            () = hangups.next() => running.reload(),
        }
    };
    tracing::info!("stopping");
    tell_service_manager(Lifecycle::Stopping);
    running.stop().await;
    lost.map_or(Ok(()), |lost| Err(lost.into()))
}

/// What a service manager waits for.
#[derive(Debug, Clone, Copy)]
enum Lifecycle {
    Ready,
    Stopping,
}

/// Tells systemd, where it has started this process, so that what comes after the server is started when it answers
/// (sd_notify(3)).
#[cfg(target_os = "linux")]
fn tell_service_manager(lifecycle: Lifecycle) {
    let state = match lifecycle {
        Lifecycle::Ready => sd_notify::NotifyState::Ready,
        Lifecycle::Stopping => sd_notify::NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager is not told: {lifecycle:?}");
    }
}

#[cfg(not(target_os = "linux"))]
fn tell_service_manager(_: Lifecycle) {}

/// Prints the effective configuration.
///
/// # Errors
/// When standard output is closed.
pub fn print_config(loaded: &Loaded) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    out.write_all(loaded.show().as_bytes())?;
    Ok(out.flush()?)
}

/// The first line on standard output, which scripts wait for.
///
/// # Errors
/// When standard output is closed.
pub fn announce(url: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "Listening on {url}")?;
    out.flush()
}

/// Starts the log on standard error; `RUST_LOG` chooses what is in it.
pub fn start_log(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    // A second start in one process, as in tests, keeps the first log.
    drop(started);
}

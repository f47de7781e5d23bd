//! The command line: what can be said, where it leads, and the exit code at the end.
//!
//! Exit codes: 0 done, 1 internal, 2 usage or configuration, 3 refused, 4 unreachable, 5 store, vault or key cannot be
//! opened.

use crate::config::{Config, LogFormat};
use crate::failure::Failure;
use crate::startup::StartupError;
use crate::{admin, bench, demo, phone, serve};
use clap::{Args, Parser, Subcommand};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// After the password, the phone asks YES or NO, and signs the answer.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    after_help = "Try it: countersign demo\nRun it: countersign serve --config countersign.toml"
)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(ServeOptions),
    /// Try everything in a browser: a sign-in site beside a phone, both on this machine
    Demo(demo::Options),
    /// Be a phone in this terminal
    Phone(phone::Options),
    /// Measure complete logins on this machine, against what cryptography and disk alone would allow
    Bench(bench::Options),
    /// Manage organisations, relying parties, users, devices and keys of a server on this machine
    Admin(admin::Options),
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// The configuration file (TOML). Without one: 127.0.0.1:8080 and ./countersign-data. Environment variables such as
    /// COUNTERSIGN_LISTEN or COUNTERSIGN_PUSH__WEBPUSH__ALLOW_PRIVATE overlay it
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
}

impl ServeOptions {
    /// The configuration, with the environment over it.
    ///
    /// # Errors
    /// [`StartupError::Configuration`].
    pub fn load(&self) -> Result<Config, StartupError> {
        // What is not UTF-8 is not ours.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Config::load(self.config.as_deref(), environment)
    }
}

/// Runs a command to its end.
pub fn run(command_line: CommandLine) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&error.into()),
    };
    let result = runtime.block_on(async {
        match command_line.command {
            Command::Serve(options) => serve_until_stopped(&options).await,
            Command::Demo(options) => demo::run(options).await,
            Command::Phone(options) => phone::run(options).await,
            Command::Bench(options) => bench::run(options).await,
            Command::Admin(options) => admin::run(options).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
    // When standard error is gone there is nobody left to tell; the exit code still says it.
    let _ = writeln!(std::io::stderr(), "countersign: {}", failure.message);
    ExitCode::from(failure.exit_code)
}

async fn serve_until_stopped(options: &ServeOptions) -> Result<(), Failure> {
    let config = options.load()?;
    start_log(config.log.format);
    let stop_signal = serve::stop_signal();
    let listener = serve::bind(config.listen).await?;
    let running = serve::start(&config, listener, |router| router).await?;
    announce(&format!("http://{}", running.address))?;
    tracing::info!(public_url = %running.app.public_url, server_id = %running.app.keys.server_id, "serving");
    stop_signal.await;
    tracing::info!("stopping");
    running.stop().await;
    Ok(())
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

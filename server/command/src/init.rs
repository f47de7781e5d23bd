//! `countersign init`: makes a server, and the configuration file that it begins with.

use crate::failure::Failure;
use crate::serve;
use crate::terminal;
use clap::Args;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::SystemClock;
use countersign_server::runtime::config::Config;
use countersign_server::runtime::init::{self, Made};
use countersign_server::runtime::new_config::{self, Basics};
use countersign_server::runtime::open;
use countersign_server::runtime::startup::StartupError;
use countersign_server::service::operator::{NewRelyingParty, Operator};
use countersign_server::service::wake::Wake;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Make a server.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    server: serve::ConfigFile,
    #[command(flatten)]
    new_config: NewConfig,
    /// Make an organisation of this name, too
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
    /// Make a relying party of this name in that organisation, and print its API key
    #[arg(long, value_name = "NAME", requires = "organisation")]
    relying_party: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the configuration file says that is written where there is none.
#[derive(Debug, Args)]
struct NewConfig {
    /// Write the file of --config, which is not there yet: the address under which phones will reach this server, such
    /// as https://login.example
    #[arg(long, value_name = "URL", requires = "config")]
    public_url: Option<String>,
    /// Where the server listens, in the file that is written [default: 127.0.0.1:8080; with --tls-cert 0.0.0.0:443]
    #[arg(long, value_name = "ADDRESS", requires = "public_url")]
    listen: Option<SocketAddr>,
    /// The certificate for that address, with which the server speaks TLS itself: a PEM file with its chain
    #[arg(long, value_name = "FILE", requires_all = ["public_url", "tls_key"])]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Where the server's data will be, in the file that is written [default: countersign-data in the current folder]
    #[arg(long, value_name = "DIR", requires = "public_url")]
    data_dir: Option<PathBuf>,
}

impl NewConfig {
    /// Writes the file that does not exist yet; true when it did. One that is there must say the same, as after a call
    /// that was cut off.
    fn write(&self, path: &Path) -> Result<bool, Failure> {
        let absolute = |path: &PathBuf| std::path::absolute(path);
        let data_dir = self.data_dir.as_ref().map(absolute).transpose()?;
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some((absolute(cert)?, absolute(key)?)),
            _ => None,
        };
        if !path.exists() {
            let missing = || {
                let path = path.display();
                StartupError::Configuration(format!(
                    "{path} is not there. To have it written, say under which address phones will reach this server: \
                     --public-url https://login.example"
                ))
            };
            let public_url = self.public_url.clone().ok_or_else(missing)?;
            let listen = match &tls {
                Some(_) => ([0, 0, 0, 0], 443),
                None => ([127, 0, 0, 1], 8080),
            };
            let listen = self.listen.unwrap_or_else(|| listen.into());
            let data_dir = data_dir.map_or_else(|| absolute(&"countersign-data".into()), Ok)?;
            new_config::write(path, &Basics { public_url, listen, tls, data_dir })?;
            return Ok(true);
        }
        let there = Config::load(Some(path), std::iter::empty())?;
        let differs = [
            ("--public-url", self.public_url.is_some() && self.public_url != there.public_url),
            ("--listen", self.listen.is_some_and(|listen| listen != there.listen)),
            ("--tls-cert", tls.is_some() && tls != there.tls.map(|tls| (tls.cert, tls.key))),
            ("--data-dir", data_dir.is_some_and(|data_dir| data_dir != there.data_dir)),
        ];
        match differs.iter().find(|(_, differs)| *differs) {
            None => Ok(false),
            Some((option, _)) => Err(StartupError::Configuration(format!(
                "{} is there already, says something else than {option}, and is not overwritten. Leave {option} out, \
                 or name another file",
                path.display()
            ))
            .into()),
        }
    }
}

/// Makes a server.
///
/// # Errors
/// What to tell the person, with the exit code.
pub async fn run(options: Options) -> Result<(), Failure> {
    let written = match &options.server.config {
        Some(path) => options.new_config.write(path)?,
        None => false,
    };
    let config = options.server.load()?;
    let made = init::make(&config, Arc::new(SystemClock), Arc::new(SystemRandomness::new())).await;
    let made = made.map_err(|error| options.server.explain(error))?;
    let api_key = first_relying_party(&options, &config).await.map_err(|failure| Failure {
        message: format!(
            "the server is made, and its organisation and relying party are not: {}. Make them with: {}",
            failure.message,
            options.server.command("admin organisation create NAME")
        ),
        ..failure
    })?;
    let told = if options.json {
        terminal::pretty_json(&as_json(&options, &config, &made, api_key))
    } else {
        as_text(&options, &config, &made, written, api_key)
    };
    Ok(terminal::print(std::io::stdout(), &told)?)
}

/// Makes the organisation and the relying party that are asked for; gives the relying party's API key.
async fn first_relying_party(options: &Options, config: &Config) -> Result<Option<String>, Failure> {
    let Some(organisation) = &options.organisation else { return Ok(None) };
    let store = open::store(config, Arc::new(SystemClock))?;
    let (wake, randomness) = (Wake::default(), SystemRandomness::new());
    let operator = Operator::new(&store, &wake, &SystemClock, &randomness);
    let made = async {
        operator.create_organisation(organisation).await?;
        match &options.relying_party {
            Some(name) => operator.create_relying_party(organisation, name).await,
            None => Ok(None),
        }
    };
    let made = made.await;
    store.close().await;
    Ok(made?.map(|NewRelyingParty { api_key, .. }| api_key))
}

fn as_json(options: &Options, config: &Config, made: &Made, api_key: Option<String>) -> Value {
    let mut told = json!({
        "server_id": made.server_id, "data_dir": config.data_dir, "root_key": made.root_key,
        "master_key": config.master_key.file(&config.data_dir), "next": options.server.command("serve"),
    });
    if let Some(api_key) = api_key {
        told["api_key"] = Value::String(api_key);
    }
    told
}

fn as_text(options: &Options, config: &Config, made: &Made, written: bool, api_key: Option<String>) -> String {
    let mut lines = vec!["A server is made.".to_owned()];
    let mut line = |name: &str, value: &str| lines.push(format!("  {name:<15}{}", terminal::visible(value)));
    line("server id", &made.server_id.to_string());
    if let (Some(path), true) = (&options.server.config, written) {
        line("configuration", &format!("{}, written now; look at it", path.display()));
    }
    line("data folder", &config.data_dir.display().to_string());
    line("root key", &made.root_key.display().to_string());
    line("", "Move it to a place that no server reaches, and keep it: it is needed only to renew the signing key,");
    line("", "every two years, with: countersign admin key rotate");
    match (&made.master_key, config.master_key.file(&config.data_dir)) {
        (Some(path), _) => line("master key", &format!("{}, made now", path.display())),
        (None, Some(path)) => line("master key", &path.display().to_string()),
        (None, None) => line("master key", "not in a file"),
    }
    line("", "Without it the database cannot be opened. Keep a copy apart from the copies of the data folder.");
    if let (Some(api_key), Some(name)) = (&api_key, &options.relying_party) {
        line("API key", &format!("{api_key}  for {name:?}, shown this once"));
    }
    lines.push(format!("Start it with:\n  {}", options.server.command("serve")));
    if options.relying_party.is_none() {
        lines.push("Then make those who ask:".to_owned());
        if options.organisation.is_none() {
            lines.push(format!("  {}", options.server.command("admin organisation create NAME")));
        }
        let organisation = options.organisation.as_ref().map_or_else(|| "NAME".to_owned(), |name| format!("{name:?}"));
        let create = format!("admin relying-party create --organisation {organisation} NAME");
        lines.push(format!("  {}", options.server.command(&create)));
    }
    lines.join("\n")
}

//! `countersign check`: a configuration and what it names, looked at before a server is started with them.

use crate::failure::Failure;
use crate::serve::{ConfigFile, print_config};
use crate::terminal::{self, visible};
use clap::Args;
use countersign_protocol::time::SystemClock;
use countersign_server::runtime::check::{Finding, Verdict, check};
use serde_json::{Value, json};

/// Look at a configuration and at all that it names.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    server: ConfigFile,
    /// Print the effective configuration with where each value comes from, without secrets, and do nothing else
    #[arg(long)]
    print_config: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Looks, and prints a line a thing.
///
/// # Errors
/// With exit code 2, when a server would not start, or would not serve phones.
pub fn run(options: &Options) -> Result<(), Failure> {
    let loaded = options.server.find()?;
    if options.print_config {
        return print_config(&loaded);
    }
    let findings = check(&loaded, &SystemClock);
    let line = |line: &str| terminal::print(std::io::stdout(), line);
    if options.json {
        let row = |Finding { subject, verdict, says }: &Finding| {
            let word = verdict.word();
            json!({ "subject": subject, "verdict": word, "says": says })
        };
        line(&terminal::pretty_json(&findings.iter().map(row).collect::<Value>()))?;
    } else {
        for Finding { subject, verdict, says } in &findings {
            line(&format!("{:<5}  {subject}: {}", verdict.word(), visible(says)))?;
        }
    }
    match findings.iter().filter(|finding| finding.verdict == Verdict::Error).count() {
        0 => Ok(()),
        1 => Err(Failure { exit_code: 2, message: "one thing is to be mended before a server starts so".into() }),
        many => {
            Err(Failure { exit_code: 2, message: format!("{many} things are to be mended before a server starts so") })
        }
    }
}

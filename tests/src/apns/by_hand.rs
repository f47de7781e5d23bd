//! The network as a program, to try a server against.

use super::{Behaviour, Options, Provider, REASONS, Refusal, Simulator, Taken};
use crate::tls::Authority;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a person may choose.
#[derive(clap::Args)]
pub struct ByHand {
    /// The port on this machine; 0: a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where to write the certificate authority and the key for pushes. Default: a folder that is removed at the end.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Refuse every push to this device token, for the reason that `--refuse` names.
    #[arg(long, requires = "refuse")]
    device: Option<String>,
    /// One of Apple's reasons.
    #[arg(long, requires = "device", value_parser = REASONS.map(|(reason, _)| reason))]
    refuse: Option<String>,
    /// How many milliseconds each push takes.
    #[arg(long, default_value_t = 0)]
    delay: u64,
}

/// Runs until it is stopped, and tells `say` first how to configure a server, then each push.
pub async fn run_by_hand(chosen: ByHand, mut say: impl FnMut(String)) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = chosen.folder.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder).unwrap();
    let (provider, authority) = (Arc::new(Provider::new()), Arc::new(Authority::new()));
    let (key_file, root) = (provider.write(folder), authority.write(folder));
    let mut options = Options::new(Arc::clone(&provider), authority);
    options.listen = SocketAddr::from(([127, 0, 0, 1], chosen.port));
    options.delay = Duration::from_millis(chosen.delay);
    let mut simulator = Simulator::start(options).await;
    if let (Some(device), Some(reason)) = (chosen.device, chosen.refuse) {
        simulator.answer_device(&device, Behaviour::refuse(&reason));
    }
    let (url, Provider { key_id, team_id, topics, .. }) = (&simulator.url, &*provider);
    say(format!("Listening on {url}\nCertificate authority: {}\n", root.display()));
    say(format!(
        "[push.apns]\nkey_file = {key_file:?}\nkey_id = {key_id:?}\nteam_id = {team_id:?}\ntopic = {:?}\n\
         base_url = {url:?}\nsandbox_base_url = {url:?}\nextra_roots = [{root:?}]\nallow_private = true\n",
        topics[0]
    ));
    loop {
        say(line(simulator.next_event().await));
    }
}

fn line(request: Result<Taken, Refusal>) -> String {
    match request {
        Ok(push) => {
            let status = push.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let (kind, bytes) = (push.header("apns-push-type"), push.payload.len());
            format!("{status} {kind} {bytes} bytes, connection {}, device {}", push.connection, push.device)
        }
        Err(refusal) => format!("{} {}", refusal.status, refusal.reason),
    }
}

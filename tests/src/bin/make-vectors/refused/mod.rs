//! What must be refused: an accepted case with one thing changed, and the code that must come.

mod challenge;
mod code_seed;
mod device;
mod enrolment;
mod envelope;
mod form;
mod life;
mod receipt;
mod server;

use crate::example::{Example, NOW};
use countersign_protocol::server_identity::PinnedServer;
use serde::Serialize;
use serde_json::{Value, json};

/// One case that every implementation refuses.
#[derive(Clone, Serialize)]
pub struct Refused {
    name: String,
    /// The accepted case of which something is changed.
    like: &'static str,
    /// The inputs that differ.
    instead: Value,
    code: &'static str,
}

fn refused(like: &'static str, name: impl Into<String>, instead: Value, code: &'static str) -> Refused {
    Refused { name: name.into(), like, instead, code }
}

/// What the device keeps of the server, with one member changed.
fn pinned(example: &Example, change: impl FnOnce(&mut PinnedServer)) -> Value {
    let mut server = example.pinned();
    change(&mut server);
    json!({ "pinned_server": server })
}

/// The device enrolled with another server.
fn another_server(like: &'static str, example: &Example) -> Refused {
    let stranger = example.keys.stranger.key.public().thumbprint();
    refused(like, "another server was enrolled", pinned(example, |server| server.server_id = stranger), "wrong_server")
}

/// The certificate that the device pinned has ended.
fn certificate_has_ended(like: &'static str, example: &Example) -> Refused {
    let ended = pinned(example, |server| server.certificate_exp = NOW.seconds());
    refused(like, "the pinned certificate has ended", ended, "old_certificate")
}

/// A case in which only the message differs.
fn message(like: &'static str, name: impl Into<String>, compact: impl Into<String>, code: &'static str) -> Refused {
    refused(like, name, json!({ "compact_utf8": compact.into() }), code)
}

pub fn all(example: &Example) -> Vec<Refused> {
    [
        form::all(example),
        server::all(example),
        enrolment::all(example),
        code_seed::all(example),
        device::all(example),
        challenge::all(example),
        envelope::all(example),
        receipt::all(example),
        life::all(example),
    ]
    .into_iter()
    .flatten()
    .collect()
}

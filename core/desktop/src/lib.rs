//! What a computer brings to the authenticator, where a phone has a vault and a push network: the network over reqwest,
//! and a vault in a file. For the phone in a terminal, the demo and the tests.

mod transport;

pub use transport::ReqwestTransport;

use countersign_device::transport::Transport;
use countersign_device::vault::DesktopVault;
use countersign_device::{Authenticator, Platform, PushRegistrar};
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::SystemClock;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an authenticator's folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", folder.display())]
pub struct Unusable {
    folder: PathBuf,
    reason: String,
}

/// The authenticator whose store is in `folder`, with its vault in a file beside it. `push` says where pushes reach it;
/// without one it pulls.
///
/// # Errors
/// [`Unusable`] when the folder cannot be made, or what is in it cannot be read; nothing in it is changed then.
pub fn open(
    folder: &Path,
    transport: Arc<dyn Transport>,
    push: Option<Arc<dyn PushRegistrar>>,
) -> Result<Authenticator, Unusable> {
    let unusable = |reason: String| Unusable { folder: folder.to_owned(), reason };
    private_file::create_folder(folder).map_err(|error| unusable(error.to_string()))?;
    let randomness = SystemRandomness::new();
    let vault =
        DesktopVault::in_file(&folder.join("vault.key"), &randomness).map_err(|error| unusable(error.to_string()))?;
    let platform = Platform {
        vault: Arc::new(vault),
        transport,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(randomness),
        push,
    };
    Authenticator::open(folder, platform).map_err(|error| unusable(error.to_string()))
}

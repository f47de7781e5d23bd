//! The thread on which the core works: never the app's.
//!
//! An app calls from the thread that draws. The core reads and writes files, and calls the app's vault, network and
//! clock, which a platform forbids there: a disk that stutters, or a vault that shows a dialogue of its own, would
//! freeze the app.

use crate::error::AuthenticatorError;
use std::sync::LazyLock;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

/// Made at the first call. A system that gives no thread gives every call the error that says so.
static WORKER: LazyLock<std::io::Result<Handle>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().build()?;
    let worker = runtime.handle().clone();
    std::thread::Builder::new()
        .name("countersign".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(worker)
});

/// Work that ends when nobody waits for it any more.
struct Abandoned<T>(JoinHandle<T>);

impl<T> Drop for Abandoned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Does `work` on a thread of the library. When the caller gives up, it stops where it waits next.
///
/// # Errors
/// Those of `work`; `Internal` when it panicked, or when there is no thread for it.
pub async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, AuthenticatorError>> + Send + 'static,
) -> Result<T, AuthenticatorError> {
    let worker = WORKER.as_ref().map_err(|error| AuthenticatorError::internal(&error.to_string()))?;
    let mut working = Abandoned(worker.spawn(work));
    (&mut working.0).await.unwrap_or_else(|_| Err(AuthenticatorError::internal("a fault in the library")))
}

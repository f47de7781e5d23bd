//! That something has changed, so that the page is drawn anew.

use tokio::sync::watch;

/// What the parts of the demo share: a counter that grows with every change, so that the page can wait for the next.
#[derive(Clone)]
pub(crate) struct Changes(pub watch::Sender<u64>);

impl Changes {
    pub fn new() -> Self {
        Self(watch::Sender::new(1))
    }

    pub fn notify(&self) {
        self.0.send_modify(|version| *version += 1);
    }
}

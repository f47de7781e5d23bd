//! The help desk of the demo's organisation: an administrator with the server's own store, as `countersign admin` has it.

use super::ORGANISATION;
use super::said::Refusal;
use crate::app::App;
use crate::store::StoreError;
use countersign_device::sentences::Sentence;
use countersign_protocol::handle::AccountId;
use std::sync::{Arc, OnceLock};

#[derive(Default)]
pub(super) struct HelpDesk {
    app: OnceLock<Arc<App>>,
}

impl HelpDesk {
    /// Begins once the server runs.
    pub fn open(&self, app: Arc<App>) {
        // Opened once; a second call would be a bug of the demo and changes nothing.
        let _ = self.app.set(app);
    }

    /// Lets pushes through again after a report.
    pub async fn resume_prompts(&self, user: AccountId) -> Result<(), Refusal> {
        let app = self.app.get().ok_or(Sentence::ErrorServerBusy)?;
        let resume = async || -> Result<(), StoreError> {
            let organisations = app.store.organisations().await?;
            let Some(organisation) = organisations.iter().find(|one| one.name == ORGANISATION) else { return Ok(()) };
            if let Some(account) = app.store.account(organisation.row_id, user).await? {
                app.store.resume_prompts(account.row_id).await?;
            }
            Ok(())
        };
        let unavailable =
            |error: StoreError| Refusal { said: Sentence::ErrorServerBusy.into(), detail: error.to_string() };
        resume().await.map_err(unavailable)
    }
}

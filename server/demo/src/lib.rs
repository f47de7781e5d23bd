//! The demo: a sign-in site beside two phones, on one machine, over the real server.
//!
//! It knows the server over HTTP only. The site (`site`) is a relying party as anybody's; the phones (`handset`) are
//! the same authenticator as in a phone, woken by real encrypted pushes over loopback. The page in the browser (`page`)
//! only draws what they say, in the person's language, and decides nothing. What only an operator can do, an
//! [`Operator`] does.

mod api;
mod changes;
mod error;
mod handset;
mod names;
mod network;
mod operator;
mod page;
mod remembered;
mod said;
mod screen;
mod site;
mod tour;
mod trace;
mod view;

pub use error::DemoError;
pub use names::ORGANISATION;
pub use operator::Operator;
pub use remembered::remove_earlier;

use axum::Router;
use changes::Changes;
use handset::Handset;
use names::{SITE, WEBMAIL};
use remembered::{MARK, Remembered, write_remembered};
use site::Site;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tour::Tour;
use trace::Trace;

/// A demo that runs.
pub struct Demo {
    data: PathBuf,
    page: page::DemoParts,
    operator: Arc<dyn Operator>,
}

impl Demo {
    /// Opens the demo's two phones in this folder.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn open(data: &Path, operator: Arc<dyn Operator>) -> Result<Self, DemoError> {
        let changes = Changes::new();
        let trace = Trace::new(changes.clone());
        let tour = Tour::open(data, changes.clone());
        let open = async |number, folder| {
            Handset::open(number, &data.join(folder), (trace.clone(), tour.clone()), changes.clone()).await
        };
        let phones = [open(1, "phone").await?, open(2, "phone-2").await?];
        let site = Site::new(changes.clone(), trace.clone(), tour.clone());
        let stopping = CancellationToken::new();
        let page = page::DemoParts { site, phones, operator: Arc::clone(&operator), changes, trace, tour, stopping };
        Ok(Self { data: data.to_owned(), page, operator })
    }

    /// The demo's routes, to be served beside the server's.
    pub fn routes(&self) -> Router {
        page::routes(self.page.clone())
    }

    /// Begins, once the server answers at `url`.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn begin(&self, url: &str) -> Result<(), DemoError> {
        let remembered = self.remember().await?;
        self.page.site.open(url, &self.data, remembered).await?;
        for phone in &self.page.phones {
            phone.settle_in(url).await;
        }
        Ok(())
    }

    /// Lets a page that waits go, so that it does not hold up the end.
    pub fn stop(&self) {
        self.page.stopping.cancel();
    }

    /// The keys of the demo's sites, made at the first run.
    async fn remember(&self) -> Result<Remembered, DemoError> {
        let path = self.data.join(MARK);
        let mut remembered = match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error: serde_json::Error| {
                DemoError::Folder(format!("{} cannot be read ({error}); begin anew with --fresh", path.display()))
            })?,
            Err(_) => Remembered { api_key: String::new(), webmail_api_key: String::new(), enrolled: false },
        };
        for (name, key) in [(SITE, &mut remembered.api_key), (WEBMAIL, &mut remembered.webmail_api_key)] {
            if key.is_empty() {
                *key = self.operator.new_api_key(name).await.map_err(DemoError::System)?;
            }
        }
        write_remembered(&self.data, &remembered)?;
        Ok(remembered)
    }
}

//! Pushes through Firebase Cloud Messaging, with a simulator in Google's place: what it takes, what it refuses, and what
//! becomes of a login meanwhile.

#![cfg(test)]

mod access_tokens;
mod answers;
mod logins;
mod simulator;

use countersign_protocol::handle::EnrolmentId;
use countersign_server::delivery::push::config::FcmConfig;
use countersign_tests::clock::ManualClock;
use countersign_tests::fcm::Fcm;
use countersign_tests::http::RelyingParty;
use countersign_tests::phone::Phone;
use countersign_tests::server::TestServer;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// The configuration that leads to the simulator.
fn config(fcm: &Fcm, folder: &Path) -> FcmConfig {
    let (service_account, root) = fcm.write_files(folder);
    FcmConfig {
        service_account,
        base_url: fcm.url().to_owned(),
        token_url: None,
        extra_roots: vec![root],
        allow_private: true,
    }
}

/// A server that sends through the simulator, a person, and the clock of all.
struct Scene {
    fcm: Fcm,
    server: TestServer,
    site: RelyingParty,
    user: String,
    clock: ManualClock,
    folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let clock = ManualClock::new();
        let fcm = Fcm::start(Arc::new(clock.clone())).await;
        let folder = tempfile::tempdir().unwrap();
        let config = config(&fcm, folder.path());
        let configure =
            move |all: &mut countersign_server::runtime::config::Config| all.push.fcm = Some(config.clone());
        let server = TestServer::start_with(Arc::new(clock.clone()), configure).await;
        let site = server.relying_party("Meridian", "Customer area").await;
        let user = site.user("maya").await;
        Self { fcm, server, site, user, clock, folder }
    }

    /// A phone on which the app is installed, and its registration token.
    async fn phone(&self) -> (Phone, EnrolmentId, String) {
        let phone = Phone::with(Arc::new(self.clock.clone()), Phone::new().platform().transport.clone());
        let id = phone.enrol(&self.site, &self.user).await;
        let token = self.fcm.install();
        let registration = countersign_protocol::device_api::PushRegistration::Fcm { token: token.clone() };
        phone.core.register_push(id, &[registration]).await.unwrap();
        (phone, id, token)
    }

    /// What became of the latest push, once it has been tried this often.
    async fn outcome(&self, attempts: u32) -> Outcome {
        let sql = "SELECT state, coalesce(reason, ''), attempts, due_at FROM push ORDER BY row_id DESC LIMIT 1";
        let database = rusqlite::Connection::open(self.server.database()).unwrap();
        loop {
            let outcome = database
                .query_row(sql, [], |row| {
                    Ok(Outcome { state: row.get(0)?, reason: row.get(1)?, attempts: row.get(2)?, due_at: row.get(3)? })
                })
                .unwrap();
            if outcome.attempts >= attempts {
                return outcome;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// A row of the queue.
#[derive(Debug)]
struct Outcome {
    state: String,
    reason: String,
    attempts: u32,
    due_at: i64,
}

//! The moments and the keys of a login, against a server on loopback. The rest of one the scenarios play, in the
//! languages that apps are written in.

use crate::app::{AppClock, Network, Vault, moment};
use countersign_bindings::{AccountState, Authenticator, Outcome, Received};
use countersign_protocol::time::Clock;
use countersign_tests::http;
use countersign_tests::scene::Scene;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn moments_are_those_of_the_clock_and_keys_in_hardware_go_with_their_account() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let (directory, vault) = (tempfile::tempdir().unwrap(), Vault::of_hardware());
    let (network, app_clock) = (Network::new(http::client()), Arc::new(AppClock(clock.clone())));
    let path = directory.path().to_str().unwrap().to_owned();
    let app = Authenticator::open(path, vault.clone(), network, app_clock, None).await.unwrap();
    let account = app.enrol(site.link(&user).await, "Telephone".into()).await.unwrap();
    assert_eq!((account.enrolled_at, account.clock_offset_ms), (moment(clock.now()), 0));
    assert_eq!(account.server_url, site.url);
    let AccountState::Proposed { confirmation_code } = account.state else { panic!("{account:?}") };
    site.confirm(&account.id, &confirmation_code).await;
    assert_eq!(vault.key_names().len(), 2, "a request key and an approval key");

    let id = site.ask(&user).await;
    let pulled = app.pull(account.id.clone(), 0).await.unwrap();
    assert_eq!(pulled.received, [Received::New { challenge_id: id.clone() }]);
    let prompt = app.pending().await.unwrap().remove(0);
    assert_eq!(prompt.challenge.asked_at, moment(clock.now()));
    assert_eq!(prompt.challenge.ends_at, moment(clock.now()) + Duration::from_secs(60));
    assert_eq!(prompt.time_left, Duration::from_secs(60));
    assert_eq!(app.approve(id.clone(), None).await, Ok(Outcome::Approved));
    let past = app.history(10).await.unwrap().remove(0);
    assert_eq!((past.challenge.id, past.at), (id, moment(clock.now())));

    let device = app.devices(account.id.clone()).await.unwrap().remove(0);
    assert_eq!(device.enrolled_at, moment(clock.now()));
    app.remove(account.id).await.unwrap();
    assert_eq!((app.accounts().await, vault.key_names()), (Ok(vec![]), vec![]), "nothing is left, in hardware neither");
}

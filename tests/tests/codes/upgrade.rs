//! A database from before there were codes.

use countersign_protocol::handle::ChallengeId;
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Clock;
use countersign_server::domain::rows::{AccountRow, RelyingPartyRow};
use countersign_server::store::{Place, Store};
use countersign_tests::clock::ManualClock;
use std::sync::Arc;

#[tokio::test]
async fn a_servers_challenges_keep_their_meaning() {
    let folder = tempfile::tempdir().unwrap();
    let (path, clock) = (folder.path().join("countersign.db"), ManualClock::new());
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch(include_str!("../../../server/migrations/0001_spine.sql")).unwrap();
    database
        .execute_batch(
            "PRAGMA user_version = 1;
             INSERT INTO signing_key VALUES (1, x'', 'certificate', 0);
             INSERT INTO organisation VALUES (1, 'o', 'Meridian', 0);
             INSERT INTO relying_party VALUES (1, 'r', 1, 'Customer area', 0, NULL);
             INSERT INTO account VALUES (1, 'AAAAAAAAAAAAAAAAAAAAAA', 1, 'maya', 0);",
        )
        .unwrap();
    let (key, _) = SoftwareKey::generate().unwrap();
    let enrolment =
        "INSERT INTO enrolment (row_id, handle, account, state, created_at, expires_at, ticket_sha256, request_key)
                     VALUES (1, 'AAAAAAAAAAAAAAAAAAAAAA', 1, 'confirmed', 0, 0, x'', ?1)";
    database.execute(enrolment, [key.public().as_uncompressed()]).unwrap();
    let (pending, claimed) = (ChallengeId::from_bytes([1; 16]), ChallengeId::from_bytes([2; 16]));
    let end = clock.now().millis() + 60_000;
    for (id, state, settled_by) in [(pending, "pending", None), (claimed, "claimed", Some(1))] {
        let challenge =
            "INSERT INTO challenge (handle, relying_party, account, state, created_at, expires_at, certificate,
                             request_sha256, settled_by) VALUES (?1, 1, 1, ?2, 0, ?3, 1, '', ?4)";
        database.execute(challenge, (id.to_string(), state, end, settled_by)).unwrap();
        let row = database.last_insert_rowid();
        database.execute("INSERT INTO challenge_device VALUES (?1, 1, 'compact')", [row]).unwrap();
    }
    drop(database);

    let store = Store::open(&Place::File(path.clone()), Arc::new(clock.clone())).unwrap();
    for (id, state) in [(pending, ChallengeState::Pending), (claimed, ChallengeState::Claimed)] {
        let record = store.challenge(RelyingPartyRow::new(1), id, clock.now()).await.unwrap().unwrap();
        assert_eq!((record.state, record.settled_by_code), (state, false));
        assert!(record.methods.push && !record.methods.code, "the phone was enrolled without codes");
    }
    assert!(!store.takes_codes(AccountRow::new(1)).await.unwrap());
    store.close().await;
}

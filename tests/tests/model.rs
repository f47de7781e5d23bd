//! The store's rules against a small model of them: any sequence of operations gets the same answers from both.

#![cfg(test)]

use countersign_protocol::challenge::DEFAULT_LIFETIME;
use countersign_protocol::decision::Answer;
use countersign_protocol::handle::{AccountId, AuthenticatorId, ChallengeId, EnrolmentId};
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::randomness::{Randomness, SystemRandomness};
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::sealing::SealingKey;
use countersign_protocol::time::Clock;
use countersign_server::domain::actor::Actor;
use countersign_server::domain::methods::Methods;
use countersign_server::domain::rows::{AccountRow, DeviceRow, OrganisationRow, RelyingPartyRow};
use countersign_server::store::{
    Confirmed, Created, ENGINES, EngineKind, NewChallenge, Place, Raise, Redeemed, RedeemedTicket, RelyingParty,
    Settlement, Store, StoreError, StoredCodes, StoredSigningKey,
};
use countersign_tests::clock::ManualClock;
use countersign_tests::model::{Answered, Model, Operation, Word};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How many sequences are tried.
const SEQUENCES: u32 = 300;
/// The longest sequence.
const LONGEST: usize = 24;

/// What the page shows.
const SHOWN: &str = "47";

/// No two challenges of a case wait side by side.
struct Alone;

impl Raise for Alone {
    fn number(&self) -> String {
        SHOWN.into()
    }

    fn raise(&self, compact: &str) -> Result<String, StoreError> {
        Ok(compact.to_owned())
    }
}

/// A store with all that a challenge needs.
struct Subject {
    store: Store,
    clock: ManualClock,
    randomness: Arc<dyn Randomness>,
    stranger: RelyingPartyRow,
}

/// One challenge of its own relying party, to two devices of its own account.
struct Case<'a> {
    subject: &'a Subject,
    relying_party: RelyingParty,
    account: AccountRow,
    devices: Vec<(DeviceRow, EnrolmentId)>,
    id: ChallengeId,
}

impl Subject {
    async fn open(place: &Place) -> Self {
        let clock = ManualClock::new();
        let randomness: Arc<dyn Randomness> = Arc::new(SystemRandomness::new());
        let store = Store::open(place, Arc::new(clock.clone())).unwrap();
        let signing_key = StoredSigningKey { sequence: 1, private_key: Vec::new(), certificate: String::new() };
        store.put_signing_key(Actor::OPERATOR, signing_key).await.unwrap();
        let mut subject = Self { store, clock, randomness, stranger: RelyingPartyRow::new(0) };
        subject.stranger = subject.relying_party().await.row_id;
        subject
    }

    fn handle(&self) -> String {
        ChallengeId::random(&*self.randomness).to_string()
    }

    async fn relying_party(&self) -> RelyingParty {
        let organisation =
            self.store.create_organisation(Actor::OPERATOR, self.handle(), self.handle()).await.unwrap().unwrap();
        let key = self.randomness.bytes();
        self.store
            .create_relying_party(Actor::OPERATOR, organisation, self.handle(), self.handle(), key)
            .await
            .unwrap()
            .unwrap()
    }

    /// A device in use.
    async fn enrol(&self, organisation: OrganisationRow, account: AccountRow) -> EnrolmentId {
        let id = EnrolmentId::random(&*self.randomness);
        let ticket_sha256 = self.randomness.bytes();
        self.store.open_enrolment(Actor::OPERATOR, account, id, ticket_sha256, 10).await.unwrap();
        let ticket = RedeemedTicket {
            ticket_sha256,
            transcript_sha256: String::new(),
            statement: String::new(),
            certificate: 1,
            confirmation_code: "123456".into(),
            device_name: "Phone".into(),
            request_key: SoftwareKey::generate().unwrap().0.public(),
            approval_key: SoftwareKey::generate().unwrap().0.public(),
            sealing_key: SealingKey::generate(&*self.randomness).public(),
            codes: StoredCodes {
                id: AuthenticatorId::random(&*self.randomness),
                secret: Vec::new(),
                algorithm: "SHA1".into(),
                digits: 6,
                period: 30,
                created_at: self.clock.now(),
            },
            attestation: None,
        };
        assert!(matches!(self.store.redeem_ticket(Actor::OPERATOR, ticket).await.unwrap(), Redeemed::Proposed { .. }));
        let confirmed = self.store.confirm_enrolment(Actor::OPERATOR, organisation, id, "123456".into()).await.unwrap();
        assert_eq!(confirmed, Confirmed::Now);
        id
    }

    async fn case(&self, lifetime: Duration, asks_number: bool) -> Case<'_> {
        let relying_party = self.relying_party().await;
        let organisation = relying_party.organisation.row_id;
        let account_id = AccountId::random(&*self.randomness);
        let account =
            self.store.create_account(Actor::OPERATOR, organisation, account_id, "maya".into()).await.unwrap().0.row_id;
        for _ in 0..2 {
            self.enrol(organisation, account).await;
        }
        let recipients = self.store.recipients(account).await.unwrap();
        let devices = recipients.iter().map(|device| (device.row_id, device.enrolment_id)).collect();
        let id = ChallengeId::random(&*self.randomness);
        let new = NewChallenge {
            id,
            relying_party: relying_party.row_id,
            account,
            created_at: self.clock.now(),
            expires_at: self.clock.now() + lifetime,
            certificate: 1,
            idempotency_key: None,
            attempt: None,
            request_sha256: String::new(),
            number: asks_number.then(|| SHOWN.to_owned()),
            methods: Methods::ALL,
            of_move: None,
            devices: recipients.into_iter().map(|device| (device, String::new())).collect(),
        };
        assert!(matches!(self.store.create_challenge(Actor::OPERATOR, new, Alone).await.unwrap(), Created::New { .. }));
        Case { subject: self, relying_party, account, devices, id }
    }
}

impl Case<'_> {
    async fn apply(&self, operation: &Operation) -> Answered {
        let (store, own) = (&self.subject.store, self.relying_party.row_id);
        match operation {
            Operation::Answer { device, word } => {
                let (answer, typed) = match word {
                    Word::Yes => (Answer::Approve, Some(SHOWN)),
                    Word::Mistyped => (Answer::Approve, Some("00")),
                    Word::No => (Answer::Deny, None),
                    Word::Report => (Answer::Report, None),
                };
                let settlement = Settlement {
                    challenge: self.id,
                    device: self.devices[*device].0,
                    compact: String::new(),
                    answer,
                    number: typed.map(str::to_owned),
                    user_verified: false,
                    decision: String::new(),
                };
                Answered::Settled(store.settle(Actor::OPERATOR, settlement).await.unwrap())
            }
            Operation::Claim(key) => {
                let key = key.map(|key| key.to_string());
                Answered::Claimed(store.claim(Actor::OPERATOR, own, self.id, key).await.unwrap())
            }
            Operation::Cancel => {
                let cancelled = store.cancel(Actor::OPERATOR, own, self.id).await.unwrap();
                Answered::State(cancelled.map(|cancelled| cancelled.state))
            }
            Operation::Read => Answered::State(self.read(own).await),
            Operation::Intrude => {
                let stranger = self.subject.stranger;
                let claimed = store.claim(Actor::OPERATOR, stranger, self.id, None).await.unwrap();
                assert_eq!(claimed, countersign_server::store::Claimed::NotFound);
                assert_eq!(store.cancel(Actor::OPERATOR, stranger, self.id).await.unwrap(), None);
                Answered::State(self.read(stranger).await)
            }
            Operation::Remove(device) => {
                store.revoke_device(Actor::OPERATOR, self.account, self.devices[*device].1).await.unwrap();
                Answered::Done
            }
            Operation::Retire => {
                store.revoke_relying_party(Actor::OPERATOR, self.relying_party.handle.clone()).await.unwrap();
                Answered::Done
            }
            Operation::Pass(milliseconds) => {
                self.subject.clock.advance(Duration::from_millis(*milliseconds));
                Answered::Done
            }
        }
    }

    async fn read(&self, relying_party: RelyingPartyRow) -> Option<ChallengeState> {
        let now = self.subject.clock.now();
        self.subject.store.challenge(relying_party, self.id, now).await.unwrap().map(|record| record.state)
    }
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let device = 0..2_usize;
    let word =
        prop_oneof![2 => Just(Word::Yes), 1 => Just(Word::Mistyped), 1 => Just(Word::No), 1 => Just(Word::Report)];
    let one = prop_oneof![
        3 => (device.clone(), word).prop_map(|(device, word)| Operation::Answer { device, word }),
        3 => proptest::option::of(0..2_u8).prop_map(Operation::Claim),
        1 => Just(Operation::Cancel),
        1 => Just(Operation::Read),
        1 => Just(Operation::Intrude),
        1 => device.prop_map(Operation::Remove),
        1 => Just(Operation::Retire),
        // The very ends, a millisecond before them, and anything else.
        3 => prop_oneof![Just(1), Just(59_999), Just(60_000), 0..70_000_u64].prop_map(Operation::Pass),
    ];
    proptest::collection::vec(one, 1..LONGEST)
}

#[test]
fn the_store_and_the_model_give_the_same_answers_on_every_engine() {
    ENGINES.into_iter().for_each(the_same_answers);
}

fn the_same_answers(engine: EngineKind) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = countersign_tests::simulation::world::directory();
    let subject = runtime.block_on(Subject::open(&(engine.place)(directory.path())));
    let seen = Mutex::new(BTreeSet::new());
    let mut runner = TestRunner::new(Config { cases: SEQUENCES, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(any::<bool>(), operations()), |(asks_number, operations)| {
        runtime.block_on(async {
            let case = subject.case(DEFAULT_LIFETIME, asks_number).await;
            let mut model = Model::new(u64::try_from(DEFAULT_LIFETIME.as_millis()).unwrap(), asks_number);
            for operation in &operations {
                let (expected, answered) = (model.apply(operation), case.apply(operation).await);
                prop_assert_eq!(&answered, &expected, "{:?}", operation);
                let state = case.read(case.relying_party.row_id).await;
                prop_assert_eq!(state, Some(model.state()), "after {:?}", operation);
                seen.lock().unwrap().extend(state.map(ChallengeState::as_str));
            }
            Ok(())
        })
    });
    result.unwrap_or_else(|failure| panic!("{}: {failure}", engine.name));
    runtime.block_on(subject.store.close());
    let all = ["approved", "cancelled", "claimed", "denied", "expired", "lapsed", "pending", "reported", "revoked"];
    assert_eq!(seen.into_inner().unwrap(), BTreeSet::from(all), "every state was reached");
}

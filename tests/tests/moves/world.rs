//! A person with a phone who gets another one, and the page on which they are signed in.

use countersign_device::{Account, AccountState};
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_server::keys::backup_code_hash::HashCost;
use countersign_tests::http::Answer;
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use serde_json::{Value, json};
use std::ops::Deref;

/// The old phone, in a scene.
pub struct World {
    scene: Scene,
    /// The phone that is replaced.
    pub old: Phone,
    /// Its enrolment.
    pub old_id: EnrolmentId,
}

impl Deref for World {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

/// A phone that has taken the offer.
pub struct NewPhone {
    pub phone: Phone,
    pub account: Account,
}

impl NewPhone {
    pub fn id(&self) -> EnrolmentId {
        self.account.id
    }
}

impl World {
    pub async fn new() -> Self {
        let scene = Scene::with(|config| config.hash_cost = HashCost { memory: 8, passes: 1 }).await;
        let (old, old_id) = scene.phone().await;
        Self { scene, old, old_id }
    }

    pub async fn restart(self) -> Self {
        Self { scene: self.scene.restart().await, ..self }
    }

    pub async fn wants(&self, more: Value) -> Answer {
        let mut request = json!({ "user_id": self.user, "device_id": self.old_id, "reason": "a new phone" });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        self.site.post("/v1/moves", &request).await
    }

    /// A move that was just made.
    pub async fn moving(&self) -> String {
        let made = self.wants(json!({})).await;
        assert_eq!((made.status, &made.body["state"], &made.body["proof"]), (201, &json!("armed"), &Value::Null));
        made.body["id"].as_str().unwrap().to_owned()
    }

    pub async fn read(&self, moving: &str) -> Value {
        let read = self.site.get(&format!("/v1/moves/{moving}")).await;
        assert_eq!(read.status, 200, "{read:?}");
        read.body
    }

    pub async fn state(&self, moving: &str) -> String {
        self.read(moving).await["state"].as_str().unwrap().to_owned()
    }

    pub async fn step(&self, moving: &str, step: &str) -> Answer {
        self.site.post(&format!("/v1/moves/{moving}/{step}"), &Value::Null).await
    }

    pub async fn prove(&self, moving: &str, code: &str) -> Answer {
        self.site.post(&format!("/v1/moves/{moving}/prove"), &json!({ "code": code })).await
    }

    /// Asks the old phone; the question and the number on the page.
    pub async fn asks_old(&self, moving: &str) -> (ChallengeId, String) {
        let asked = self.step(moving, "ask").await;
        assert_eq!(asked.status, 201, "{asked:?}");
        let text = |name: &str| asked.body[name].as_str().unwrap().to_owned();
        self.old.core.pull(self.old_id, 0).await.unwrap();
        (text("id").parse().unwrap(), text("number"))
    }

    /// The old phone says YES.
    pub async fn proves_by_old(&self, moving: &str) {
        let (asked, number) = self.asks_old(moving).await;
        self.old.core.approve(asked, Some(&number)).await.unwrap();
        assert_eq!(self.read(moving).await["proof"], "old_phone");
    }

    /// The link of a proven move.
    pub async fn link(&self, moving: &str) -> String {
        let offered = self.step(moving, "offer").await;
        assert_eq!(offered.status, 201, "{offered:?}");
        offered.body["link"].as_str().unwrap().to_owned()
    }

    /// A new phone takes this link.
    pub async fn takes(&self, link: &str) -> NewPhone {
        let phone = Phone::at(&self.clock);
        let account = phone.core.enrol(link, "new phone").await.unwrap();
        NewPhone { phone, account }
    }

    /// Its digits are typed on the page.
    pub async fn types_digits(&self, new: &NewPhone) -> Answer {
        let AccountState::Proposed { confirmation_code } = &new.account.state else { panic!("{:?}", new.account) };
        self.site.confirm(&new.id(), confirmation_code).await
    }

    /// The new phone is asked whether it works.
    pub async fn asks_new(&self, moving: &str, new: &NewPhone) -> ChallengeId {
        let asked = self.step(moving, "rehearse").await;
        assert_eq!(asked.status, 201, "{asked:?}");
        new.phone.core.pull(new.id(), 0).await.unwrap();
        asked.body["id"].as_str().unwrap().parse().unwrap()
    }

    /// As far as the rehearsal, whose question waits on the new phone.
    pub async fn rehearses(&self, moving: &str) -> (NewPhone, ChallengeId) {
        self.proves_by_old(moving).await;
        let new = self.takes(&self.link(moving).await).await;
        assert_eq!(self.types_digits(&new).await.status, 200);
        let asked = self.asks_new(moving, &new).await;
        (new, asked)
    }

    /// Whether this phone signs the person in now.
    pub async fn signs_in(&self, phone: &Phone, id: EnrolmentId) -> bool {
        let asked = self.site.ask_for(&self.user, json!({ "methods": ["push"] })).await;
        let Some(question) = asked.body["id"].as_str().map(str::to_owned) else { return false };
        let number = asked.body["number"].as_str();
        let pulled = phone.core.pull(id, 0).await;
        let approved = phone.core.approve(question.parse().unwrap(), number).await;
        let claimed = self.site.claim(&question, "page").await;
        self.site.cancel(&question).await;
        pulled.is_ok() && approved.is_ok() && claimed.status == 200
    }

    /// The phones that the server would take a YES from.
    pub fn in_use(&self) -> Vec<String> {
        let database = self.server.sqlite();
        let mut statement =
            database.prepare("SELECT handle FROM enrolment WHERE state = 'confirmed' ORDER BY row_id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// The words of moves in the journal, with their reasons.
    pub fn journal(&self) -> Vec<(String, Option<String>)> {
        let database = self.server.sqlite();
        let sql = "SELECT fact, reason FROM journal WHERE fact LIKE 'move.%' ORDER BY row_id";
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }
}

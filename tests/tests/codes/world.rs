//! A server whose clock the test moves, with a site and a person.

use countersign_protocol::handle::EnrolmentId;
use countersign_server::runtime::config::Config;
use countersign_tests::clock::ManualClock;
use countersign_tests::http::Answer;
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use serde_json::{Value, json};
use std::ops::Deref;
use std::time::Duration;

/// A step of every code here.
pub const STEP: Duration = Duration::from_secs(30);
/// Well formed, and never right: every code here has six digits.
pub const WRONG: &str = "0000000";

/// A scene, and what a page does with codes in it.
pub struct World(Scene);

impl Deref for World {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.0
    }
}

/// A confirmed OTP application.
pub struct Application {
    pub id: String,
    pub key: String,
}

impl World {
    pub async fn new() -> Self {
        Self(Scene::new().await)
    }

    pub async fn with(configure: fn(&mut Config)) -> Self {
        Self(Scene::with(configure).await)
    }

    pub async fn restart(self) -> Self {
        Self(self.0.restart().await)
    }

    pub async fn verify(&self, code: &str) -> Answer {
        self.site.verify(&self.user, code).await
    }

    /// Tries a code; whether it is right, and how many wrong ones may follow.
    pub async fn tries(&self, code: &str) -> (bool, u64) {
        let answer = self.verify(code).await;
        assert_eq!((answer.status, &answer.body["method"]), (200, &json!("totp")), "{answer:?}");
        (answer.body["valid"].as_bool().unwrap(), answer.body["remaining_attempts"].as_u64().unwrap())
    }

    /// Sends wrong codes, each as soon as it is taken.
    pub async fn fails(&self, times: u32) {
        for _ in 0..times {
            assert!(!self.tries(WRONG).await.0);
            self.clock.advance(Duration::from_secs(15 * 60));
        }
    }

    /// Answers a challenge with a code.
    pub async fn answers(&self, challenge: &str, code: &str) -> Answer {
        let path = format!("/v1/users/{}/codes/verify", self.user);
        self.site.post(&path, &json!({ "code": code, "challenge_id": challenge })).await
    }

    /// Proposes one under a name that is to be cleaned: "Tablet".
    pub async fn propose(&self) -> Value {
        let path = format!("/v1/users/{}/authenticators", self.user);
        let made = self.site.post(&path, &json!({ "name": " Tablet\u{200f}\n" })).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body
    }

    pub async fn confirm(&self, id: &str, code: &str) -> Answer {
        self.site.post(&format!("/v1/authenticators/{id}/confirm"), &json!({ "code": code })).await
    }

    /// An application that is proposed.
    pub async fn proposed(&self) -> Application {
        let made = self.propose().await;
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Application { id: text("id"), key: text("key") }
    }

    /// An application that is the person's; the code of this step is spent.
    pub async fn application(&self) -> Application {
        let application = self.proposed().await;
        let confirmed = self.confirm(&application.id, &application.code(&self.clock)).await;
        assert_eq!((confirmed.status, &confirmed.body["state"]), (200, &json!("confirmed")), "{confirmed:?}");
        application
    }

    pub async fn authenticators(&self) -> Vec<Value> {
        let listed = self.site.get(&format!("/v1/users/{}/authenticators", self.user)).await;
        listed.body["authenticators"].as_array().unwrap_or_else(|| panic!("{listed:?}")).clone()
    }

    /// The consecutive failures and the last step of each authenticator, oldest first.
    pub fn counts(&self) -> Vec<(u32, Option<i64>)> {
        let database = self.server.sqlite();
        let sql = "SELECT failures, last_step FROM code_authenticator WHERE state = 'confirmed' ORDER BY row_id";
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }
}

impl Application {
    /// The code that another implementation makes of the key as a person would type it.
    pub fn code(&self, clock: &ManualClock) -> String {
        use countersign_protocol::time::Clock;
        let now = format!("--now=@{}", clock.now().seconds());
        let output = std::process::Command::new("oathtool")
            .args(["--base32", "--totp=SHA1", &now, &self.key])
            .env("LC_ALL", "C")
            .output()
            .unwrap_or_else(|error| panic!("oathtool does not start ({error}): install OATH Toolkit"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

/// The code that a phone shows.
pub fn shown(phone: &Phone, id: EnrolmentId) -> String {
    phone.core.code(id).unwrap().code
}

//! Honest people beside a flood: they sign in and rest, over and over, and now and then somebody enrols a phone.

use super::stopwatch;
use countersign_protocol::decision::Answer::Approve;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::RelyingParty;
use serde_json::json;
use std::time::Duration;

/// How long a person rests after each login.
const REST: Duration = Duration::from_millis(40);
/// How long somebody waits before that counts as a failure. A person would have gone by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long everything took.
#[derive(Debug, Default)]
pub struct Times {
    /// Each login, in milliseconds, the shortest first.
    pub logins: Vec<f64>,
    /// Each enrolment.
    pub enrolments: Vec<f64>,
    /// What failed, and how.
    pub failures: Vec<String>,
}

/// The people.
pub struct People {
    lanes: Vec<Lane>,
    enrolled: usize,
}

struct Lane {
    site: RelyingParty,
    user: String,
    device: HandmadeDevice,
}

impl Lane {
    /// One login, from the question to the claim.
    async fn sign_in(&self) -> Result<(), String> {
        let asked = self.site.ask_for(&self.user, json!({})).await;
        let id = asked.body["id"].as_str().ok_or_else(|| format!("a creation: {asked:?}"))?.to_owned();
        let brought = self.device.pull().await;
        let compact = brought.last().ok_or("a pull brought nothing")?;
        let decided = self.device.decide(&id.parse().unwrap(), self.device.decision(compact, Approve)).await;
        if decided.status != 200 {
            return Err(format!("a decision: {decided:?}"));
        }
        let claimed = self.site.claim(&id, "login").await;
        if claimed.body["state"] == "claimed" { Ok(()) } else { Err(format!("a claim: {claimed:?}")) }
    }
}

/// Does it, and gives how long that took.
async fn timed(work: impl Future<Output = Result<(), String>>) -> Result<f64, String> {
    let begun = stopwatch();
    tokio::time::timeout(PATIENCE, work).await.map_err(|_| format!("nothing within {PATIENCE:?}"))??;
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}

impl People {
    /// So many people, each with a phone.
    pub async fn enrol(site: &RelyingParty, count: usize) -> Self {
        let mut lanes = Vec::new();
        for number in 0..count.max(1) {
            let user = site.user(&format!("person {number}")).await;
            let device = HandmadeDevice::enrol(site, &user).await;
            device.warm_up().await;
            lanes.push(Lane { site: site.clone(), user, device });
        }
        Self { lanes, enrolled: 0 }
    }

    /// Everybody signs in and rests for so long.
    pub async fn sign_in(&mut self, length: Duration) -> Times {
        let end = stopwatch() + length;
        let site = self.lanes[0].site.clone();
        let mut logins = tokio::task::JoinSet::new();
        for lane in std::mem::take(&mut self.lanes) {
            logins.spawn(async move {
                let mut times = Vec::new();
                while stopwatch() < end {
                    times.push(timed(lane.sign_in()).await);
                    tokio::time::sleep(REST).await;
                }
                (lane, times)
            });
        }
        let mut times = Times::default();
        while stopwatch() < end {
            self.enrolled += 1;
            let name = format!("newcomer {}", self.enrolled);
            // A refusal panics in the hand-made device, and is to be counted and not to end everything.
            let enrolling = tokio::spawn({
                let site = site.clone();
                async move {
                    let user = site.user(&name).await;
                    drop(HandmadeDevice::enrol(&site, &user).await);
                }
            });
            let enrolled = timed(async move { enrolling.await.map_err(|error| format!("an enrolment: {error}")) });
            match enrolled.await {
                Ok(time) => times.enrolments.push(time),
                Err(failure) => times.failures.push(failure),
            }
            tokio::time::sleep(REST * 2).await;
        }
        while let Some(ended) = logins.join_next().await {
            let (lane, these) = ended.unwrap();
            self.lanes.push(lane);
            for time in these {
                match time {
                    Ok(time) => times.logins.push(time),
                    Err(failure) => times.failures.push(failure),
                }
            }
        }
        times.logins.sort_by(f64::total_cmp);
        times.enrolments.sort_by(f64::total_cmp);
        times
    }
}

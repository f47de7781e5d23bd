//! The limits of the server, here so tight that an ordinary world meets them. Whoever is refused for one must have
//! reached it.

use super::database;
use super::ledger;
use super::moves::MoveStep;
use super::network::{Meaning, Request};
use super::world::{PATIENCE, World};
use countersign_device::transport::HttpResponse;
use countersign_protocol::handle::AccountId;
use countersign_protocol::time::Timestamp;
use countersign_server::service::failures::MOST_HELD;
use countersign_server::service::limits::Limits;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The most requests of one relying party that wait at one time.
pub const MOST_WAITS: usize = 3;
/// The most links of one person that are open at one time.
const MOST_LINKS: usize = 2;
/// How long an answer is held back that says that something came too often.
const HELD_BACK: Duration = Duration::from_secs(1);

/// The limits of the simulated server. Those of the questions that wait for one person stand in its rules.
pub fn tight() -> Limits {
    Limits {
        waits_per_relying_party: MOST_WAITS,
        creations_per_second: 1,
        creations_burst: Taking::Question.burst(),
        enrolments_per_person: u32::try_from(MOST_LINKS).unwrap(),
        enrolments_per_second: 1,
        enrolments_burst: Taking::Link.burst(),
        ..Limits::default()
    }
}

/// What a relying party may do only so often: once a second, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Taking {
    Question,
    Link,
}

impl Taking {
    fn of(request: &Request) -> Option<Self> {
        match (request.method, &*request.target) {
            ("POST", "/v1/challenges") => Some(Self::Question),
            ("POST", target) if target.ends_with("/ask") || target.ends_with("/rehearse") => Some(Self::Question),
            ("POST", target) if target.starts_with("/v1/moves/") && target.ends_with("/offer") => Some(Self::Link),
            ("POST", target) if target.ends_with("/enrolments") => Some(Self::Link),
            _ => None,
        }
    }

    const fn burst(self) -> u32 {
        match self {
            Self::Question => 2,
            Self::Link => 3,
        }
    }

    /// How long it takes until none that was taken counts any more.
    fn refill(self) -> Duration {
        Duration::from_secs(self.burst().into())
    }
}

/// What was taken of the rates, by which key, and when by the true clock; also what was given back later.
#[derive(Default)]
pub struct Taken(BTreeMap<(Taking, String), VecDeque<Timestamp>>);

impl Taken {
    /// A request has come, and was not refused for its rate.
    pub fn take(&mut self, request: &Request, now: Timestamp) {
        let Some((taking, key)) = Taking::of(request).zip(request.header("authorization")) else { return };
        let moments = self.0.entry((taking, key.to_owned())).or_default();
        moments.retain(|at| *at + taking.refill() + HELD_BACK > now);
        moments.push_back(now);
    }

    /// True when a refusal that was held back until now can have come from the rate.
    fn is_used_up(&self, request: &Request, now: Timestamp) -> bool {
        let Some((taking, key)) = Taking::of(request).zip(request.header("authorization")) else { return false };
        let moments = self.0.get(&(taking, key.to_owned())).into_iter().flatten();
        let recent = moments.filter(|at| **at + taking.refill() + HELD_BACK > now).count();
        recent >= usize::try_from(taking.burst()).unwrap()
    }
}

fn too_early(request: &Request, code: &str) -> String {
    format!("{request} heard {code}, and has not reached the limit")
}

impl World {
    /// The answer to a request. One that came too often is held back, and meanwhile time goes by.
    ///
    /// # Errors
    /// When it is never answered.
    pub async fn answered(&mut self, request: &Request) -> Result<HttpResponse, String> {
        let call = self.host.call(request);
        if Taking::of(request).is_none() {
            return Ok(call.await);
        }
        let mut task = tokio::spawn(call);
        for _ in 0..PATIENCE {
            tokio::select! {
                biased;
                answer = &mut task => return answer.map_err(|error| error.to_string()),
                () = self.let_look() => {}
            }
            self.pass_what_is_held_back().await;
        }
        Err(format!("{request} is never answered"))
    }

    /// While an answer is held back, time goes by.
    pub async fn pass_what_is_held_back(&mut self) {
        if self.host.app.held.available_permits() < MOST_HELD {
            self.wait(HELD_BACK).await;
        }
    }

    /// Whoever is refused for a limit has reached it, and a link that was opened had room.
    ///
    /// # Errors
    /// When it is not so.
    pub async fn limited(&mut self, request: &Request, response: &HttpResponse) -> Result<(), String> {
        let now = self.true_now();
        let (code, used_up) = (ledger::code(response), self.taken.is_used_up(request, now));
        let reached = match (code.as_str(), &request.meaning) {
            ("too_many_creations", _) => return if used_up { Ok(()) } else { Err(too_early(request, &code)) },
            ("too_many_enrolments", _) if used_up => {
                // It may have been taken of the rate, and refused for the links that are open.
                if self.open_links(request).await? >= MOST_LINKS {
                    self.taken.take(request, now);
                }
                return Ok(());
            }
            ("too_many_enrolments", _) => self.open_links(request).await? >= MOST_LINKS,
            ("too_many_open", _) => self.questions_are_many(request).await?,
            (_, Meaning::Invite { .. } | Meaning::Move { step: MoveStep::Offer(_), .. })
                if response.status == 201 && self.open_links(request).await? > MOST_LINKS =>
            {
                return Err(format!("{request} opened one link more than may be open"));
            }
            _ => true,
        };
        self.taken.take(request, now);
        if reached { Ok(()) } else { Err(too_early(request, &code)) }
    }

    /// Whom a question or a link is for.
    fn account_of(request: &Request) -> Result<AccountId, String> {
        if let Meaning::Move { account, .. } = request.meaning {
            return Ok(account);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let account = body["user_id"].as_str().or_else(|| request.target.split('/').nth(3));
        account.unwrap_or_default().parse().map_err(|_| "nobody is asked or invited".to_owned())
    }

    async fn questions_are_many(&mut self, request: &Request) -> Result<bool, String> {
        let account = Self::account_of(request)?;
        let now = self.now();
        let open = self.inspect(move |_, tx| database::open_questions(tx, account, now)).await;
        let open = open.map_err(|error| error.to_string())?;
        Ok(database::are_many(&open))
    }

    async fn open_links(&mut self, request: &Request) -> Result<usize, String> {
        let account = Self::account_of(request)?;
        let now = self.now();
        let open = self.inspect(move |_, tx| database::open_links(tx, account, now)).await;
        open.map_err(|error| error.to_string())
    }
}

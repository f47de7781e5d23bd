//! What the server has told to whom. None of it may ever turn out untrue.

use super::moves::MoveStep;
use super::network::{Meaning, Request};
use crate::handmade::read_claims;
use countersign_device::transport::HttpResponse;
use countersign_protocol::decision::{Answer, Decision};
use countersign_protocol::handle::{AccountId, ChallengeId};
use countersign_protocol::jws::Unverified;
use countersign_protocol::proof::PROOF_HEADER;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An answer that a device was told counts: whose key signed it, and what it says.
type Counted = (String, Answer);

/// How long the same digits are the same code: its step, and the drift on both sides.
const CODE_LIFETIME: Duration = Duration::from_secs(90);

/// Everything that was acknowledged.
#[derive(Default)]
pub struct Ledger {
    answers: BTreeMap<ChallengeId, Counted>,
    /// Those that counted first, as they were sent.
    sent: BTreeSet<Vec<u8>>,
    reports: BTreeSet<ChallengeId>,
    claims: BTreeMap<ChallengeId, Option<String>>,
    taken_back: BTreeSet<ChallengeId>,
    created: BTreeMap<(String, String), ChallengeId>,
    read: BTreeMap<ChallengeId, ChallengeState>,
    proofs: BTreeSet<String>,
    codes: BTreeMap<(AccountId, String), Timestamp>,
}

/// The problem's code in an answer; empty when it is none.
pub fn code(response: &HttpResponse) -> String {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    body["code"].as_str().unwrap_or_default().to_owned()
}

/// True when the server says that a code is right.
pub fn is_valid(response: &HttpResponse) -> bool {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    body["valid"] == true
}

/// The challenge that an answer is about.
pub fn challenge(response: &HttpResponse) -> Option<(ChallengeId, ChallengeState)> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    Some((body["id"].as_str()?.parse().ok()?, serde_json::from_value(body["state"].clone()).ok()?))
}

/// The challenge that a phone answers with this request.
pub fn answered(request: &Request) -> Option<ChallengeId> {
    let id = request.target.strip_prefix("/v1/device/challenges/")?.strip_suffix("/decision")?;
    id.parse().ok()
}

/// The digest of the challenge that a phone answers with this request.
pub fn answered_digest(request: &Request) -> Option<String> {
    answered(request)?;
    Some(read_claims::<Decision>(std::str::from_utf8(&request.body).ok()?).challenge_sha256)
}

/// The challenge that a request is about, when it is about one.
pub fn subject(request: &Request) -> Option<ChallengeId> {
    match &request.meaning {
        Meaning::Read(id) | Meaning::Claim(id, _) | Meaning::Cancel(id) => Some(*id),
        Meaning::Phone => answered(request),
        _ => None,
    }
}

/// True when somebody who read `before` may read `after` later.
pub fn may_follow(before: ChallengeState, after: ChallengeState) -> bool {
    use ChallengeState::{Approved, Claimed, Lapsed, Pending, Revoked};
    before == after || before == Pending || (before == Approved && matches!(after, Claimed | Lapsed | Revoked))
}

impl Ledger {
    /// Takes in what the server answered, as it answers, in the order in which it did.
    ///
    /// # Errors
    /// What must not be, in a sentence.
    pub fn note(&mut self, request: &Request, response: &HttpResponse, now: Timestamp) -> Result<(), String> {
        let good = (200..300).contains(&response.status);
        if response.status == 500 {
            return Err(format!("{} {} broke the server", request.method, request.target));
        }
        if response.status == 503 {
            return Ok(());
        }
        if let Some(proof) = request.header(PROOF_HEADER)
            && good
            && !self.proofs.insert(proof.to_owned())
        {
            return Err(format!("{} {}: a request proof was accepted twice", request.method, request.target));
        }
        match &request.meaning {
            Meaning::Create(Some(key)) if good => self.note_created(request, key, response),
            Meaning::Code(account, code) if good && is_valid(response) => self.note_code(*account, code, now),
            Meaning::Read(id) if good => self.note_read(*id, response),
            Meaning::Claim(id, key) => self.note_claim(*id, key.as_ref(), response),
            Meaning::Cancel(id) if good => {
                self.taken_back.insert(*id);
                self.note_read(*id, response)
            }
            Meaning::Move { account, step: MoveStep::Prove(_, code), .. } if good && is_valid(response) => {
                self.note_code(*account, code, now)
            }
            // A relying party that was retired is told no more than that, and so is one that asks too often.
            Meaning::Intrude if response.status == 401 => Ok(()),
            Meaning::Intrude if matches!(&*code(response), "too_many_creations" | "too_many_enrolments") => Ok(()),
            Meaning::Intrude if response.status != 404 || code(response) != "not_found" => Err(format!(
                "a stranger was answered: {} {} got {} {}",
                request.method,
                request.target,
                response.status,
                String::from_utf8_lossy(&response.body)
            )),
            Meaning::Phone => match answered(request) {
                Some(id) => self.note_answer(id, &request.body, response),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn note_code(&mut self, account: AccountId, code: &str, now: Timestamp) -> Result<(), String> {
        let before = self.codes.insert((account, code.to_owned()), now);
        let is_backup_code = code.contains(' ');
        match before.filter(|before| is_backup_code || now < *before + CODE_LIFETIME) {
            Some(_) => Err(format!("the code {code} of {account} was accepted twice")),
            None => Ok(()),
        }
    }

    fn note_created(&mut self, request: &Request, key: &str, response: &HttpResponse) -> Result<(), String> {
        let (id, _) = challenge(response).ok_or("a creation was answered without a challenge")?;
        let name = (request.header("authorization").unwrap_or_default().to_owned(), key.to_owned());
        let first = *self.created.entry(name).or_insert(id);
        if first == id { Ok(()) } else { Err(format!("one Idempotency-Key made both {first} and {id}")) }
    }

    fn note_read(&mut self, id: ChallengeId, response: &HttpResponse) -> Result<(), String> {
        let (_, state) = challenge(response).ok_or("a read was answered without a challenge")?;
        self.agrees(id, state)?;
        let before = self.read.insert(id, state).unwrap_or(ChallengeState::Pending);
        if may_follow(before, state) {
            Ok(())
        } else {
            Err(format!("{id} was {} and is {}", before.as_str(), state.as_str()))
        }
    }

    fn note_claim(&mut self, id: ChallengeId, key: Option<&String>, response: &HttpResponse) -> Result<(), String> {
        let first = self.claims.get(&id);
        let again = first.is_some_and(|first| first.is_some() && first.as_ref() == key);
        match response.status {
            200 if first.is_some() && !again => Err(format!("{id} was claimed twice: with {first:?} and with {key:?}")),
            200 => {
                self.claims.insert(id, key.cloned());
                self.note_read(id, response)
            }
            401 => Ok(()),
            _ if again => Err(format!("the claim of {id} was told anew, and refused: {}", code(response))),
            _ => Ok(()),
        }
    }

    fn note_answer(&mut self, id: ChallengeId, body: &[u8], response: &HttpResponse) -> Result<(), String> {
        let compact = std::str::from_utf8(body).map_err(|error| error.to_string())?;
        let decision = Unverified::parse::<Decision>(compact).map_err(|refusal| refusal.to_string())?;
        let claims: Decision = read_claims(compact);
        let counted = (decision.key_id().as_str().to_owned(), claims.decision);
        if claims.decision == Answer::Report {
            if response.status == 200 {
                self.reports.insert(id);
            }
            return Ok(());
        }
        let first = self.answers.get(&id);
        if response.status == 200 {
            if let Some(first) = first
                && *first != counted
            {
                return Err(format!("two answers to {id} count: {first:?} and {counted:?}"));
            }
            if self.answers.insert(id, counted).is_none() {
                self.sent.insert(body.to_vec());
            }
            return Ok(());
        }
        // A device that was removed since hears so; and so does an answer to an earlier form of the question, and one
        // that was signed anew by a clock that differs.
        let may_say = match self.sent.contains(body) {
            true => &["unknown_key", "device_not_in_use", "wrong_challenge"][..],
            false => &["unknown_key", "device_not_in_use", "wrong_challenge", "future_time", "stale_time"],
        };
        let code = code(response);
        if first == Some(&counted) && !may_say.contains(&code.as_str()) {
            return Err(format!("the answer to {id} counted, was told anew, and was refused: {code}"));
        }
        Ok(())
    }

    /// Compares a challenge's state with everything that was said of it.
    ///
    /// # Errors
    /// What was said and is not so.
    pub fn agrees(&self, id: ChallengeId, state: ChallengeState) -> Result<(), String> {
        use ChallengeState::{Approved, Cancelled, Claimed, Denied, Lapsed, Pending, Revoked};
        let answer_stands = match self.answers.get(&id) {
            Some((_, Answer::Approve)) => matches!(state, Approved | Claimed | Lapsed | Revoked),
            Some((_, Answer::Deny)) => state == Denied,
            Some((_, Answer::Report)) | None => true,
        };
        let report_stands = !self.reports.contains(&id) || !matches!(state, Pending | Approved);
        let claim_stands = !self.claims.contains_key(&id) || state == Claimed;
        let cancel_stands = !self.taken_back.contains(&id) || matches!(state, Cancelled | Revoked);
        match (answer_stands, claim_stands, cancel_stands) {
            (true, true, true) if report_stands => Ok(()),
            (true, true, true) => Err(format!("{id} was reported, and it is {}", state.as_str())),
            (false, ..) => Err(format!("an answer to {id} was acknowledged, and it is {}", state.as_str())),
            (_, false, _) => Err(format!("{id} was claimed, and it is {}", state.as_str())),
            _ => Err(format!("{id} was taken back, and it is {}", state.as_str())),
        }
    }

    /// True when a report of this challenge was acknowledged.
    pub fn reported(&self, id: ChallengeId) -> bool {
        self.reports.contains(&id)
    }

    /// The answer to a challenge that was acknowledged to a device, with the key that signed it.
    pub fn counted(&self, id: ChallengeId) -> Option<&(String, Answer)> {
        self.answers.get(&id)
    }
}

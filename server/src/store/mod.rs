//! The server's store. What is written here is durable when the call returns.
//!
//! One writer thread commits in groups; readers run beside it. Each file below holds the questions about one thing; no
//! SQL stands anywhere else.

mod accounts;
mod authenticators;
mod challenge_state;
mod challenges;
mod claims;
mod codes;
mod database;
mod devices;
mod engine;
mod enrolments;
mod error;
mod journal;
mod new_challenge;
mod organisations;
mod prompts;
mod pushes;
mod registrations;
mod rules;
mod settings;
mod settlements;
mod webhooks;
mod words;

pub use accounts::Account;
pub use authenticators::{AuthenticatorRecord, Confirming};
pub use challenges::{Asked, ChallengeRecord, Created};
pub use claims::{Cancelled, Claimed};
pub use codes::{Accepted, Attempt, Begun, Counted, MAX_FAILURES, StoredCodes, ToSettle};
pub use database::{Place, Store};
pub use devices::{ActiveDevice, Checked, PendingForDevice};
pub use enrolments::{Confirmed, EnrolmentRecord, Redeemed, RedeemedTicket, TicketAccount};
pub use error::StoreError;
pub use new_challenge::{NewChallenge, Recipient};
pub use organisations::{Organisation, RelyingParty};
pub use prompts::Raise;
pub use pushes::{Choice, Content, LONGEST_REST, PushOutcome, QueuedPush, Retracted, Untaken};
pub use registrations::{MadeWith, NewRegistration, Registered, StoredRegistration, StoredVapidKey, Trace};
pub use rules::{CLAIM_WINDOW, PROMPT_WINDOW, Rules};
pub use settings::StoredSigningKey;
pub use settlements::{Settled, Settlement};
pub use webhooks::{ChallengeEvent, DeadEvent, DueEvent, EVENT_LIFETIME, EventOutcome, Replayed, WebhookRecord};

use database::LEASE;

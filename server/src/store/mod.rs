//! The server's store. What is written here is durable when the call returns.
//!
//! One writer thread commits in groups; readers run beside it. Each file below holds the questions about one thing; no
//! SQL stands anywhere else.

mod accounts;
mod attestations;
mod authenticators;
mod backup_code_sets;
mod backup_codes;
mod challenge_state;
mod challenges;
mod claims;
mod code_settlements;
mod codes;
mod database;
mod devices;
mod engine;
mod enrolments;
mod error;
mod figures;
mod health;
mod inspected;
mod journal;
mod journal_lines;
mod move_lists;
mod move_rows;
mod moves;
mod new_challenge;
mod opening_codes;
mod operator_acts;
mod organisations;
mod people;
mod prompts;
mod proofs;
mod pushes;
pub mod recovery;
mod registrations;
mod retention;
mod rules;
mod settings;
mod settlements;
mod used_steps;
mod webhooks;
mod words;

pub use accounts::Account;
pub use attestations::AttestationRecord;
pub use authenticators::{AuthenticatorRecord, Confirming};
pub use backup_code_sets::{MadeBackupCodes, NewBackupCodes};
pub use backup_codes::KeptBackupCode;
pub use challenges::{Asked, ChallengeRecord, Created};
pub use claims::{Cancelled, Claimed};
pub use code_settlements::ToSettle;
pub use codes::{Accepted, Attempt, Begun, Counted, MAX_FAILURES, Spent, StoredCodes};
pub use database::{DATABASE_FILE, ENGINES, EngineKind, Place, Store};
pub use devices::{ActiveDevice, Checked, PendingForDevice};
pub use enrolments::{Confirmed, EnrolmentRecord, Opening, Redeemed, RedeemedTicket, TicketAccount};
pub use error::StoreError;
pub use figures::{Seen, StoreFigures};
pub use health::Health;
pub use inspected::Inspected;
// For the tests that look at what is kept, whichever engine keeps it.
#[doc(hidden)]
pub use engine::row::{FromValue, Row};
pub use engine::{Copied, Watcher};
#[doc(hidden)]
pub use engine::{Transaction, value::Value};
pub use journal_lines::{JournalFilter, JournalLine};
pub use move_lists::MoveFilter;
pub use move_rows::MoveRecord;
pub use moves::{CreatedMove, NewMove, Offered};
pub use new_challenge::{NewChallenge, Recipient};
pub use opening_codes::OpeningCodeTried;
pub use operator_acts::OperatorAct;
pub use organisations::{Organisation, RelyingParty, Renamed};
pub use people::{Deleted, DeviceRecord, Person, Question};
pub use prompts::Raise;
pub use proofs::Accepted as AcceptedProof;
pub use pushes::{Choice, Content, LONGEST_REST, PushOutcome, QueuedPush, Retracted, Untaken};
pub use registrations::{MadeWith, NewRegistration, Registered, StoredRegistration, StoredVapidKey, Trace};
pub use retention::{Ages, KEY_LEAST, OVER_LEAST, PROOF_REMEMBERED, Progress, Removed};
pub use rules::{CLAIM_WINDOW, PROMPT_WINDOW, Rules};
pub use settings::StoredSigningKey;
pub use settlements::{Settled, Settlement};
pub use webhooks::{ChallengeEvent, DeadEvent, DueEvent, EVENT_LIFETIME, EventOutcome, Replayed, WebhookRecord};

use database::LEASE;

//! The HTTP API as relying parties, phones and thieves meet it. What a phone lives through is in `tests/scenarios`.

#![cfg(test)]

mod certificate;
mod clock;
mod enrolment;
mod learning;
mod login;
mod numbers;
mod prompts;
mod readme;
mod refusals;
mod retraction;
mod sent_twice;

//! The HTTP API as relying parties, phones and thieves meet it. What a phone lives through is in `tests/scenarios`.

#![cfg(test)]

mod attempts;
mod certificate;
mod clock;
mod context;
mod enrolment;
mod gateway;
mod learning;
mod limits;
mod login;
mod numbers;
mod prompts;
mod raw_http;
mod readme;
mod refusals;
mod retention;
mod retraction;
mod revocation;
mod sent_twice;

//! The HTTP API as relying parties, phones and thieves meet it. What a phone lives through is in `tests/scenarios`.

#![cfg(test)]

mod attempts;
mod certificate;
mod clock;
mod connections;
mod context;
mod enrolment;
mod gateway;
mod learning;
mod limits;
mod login;
mod metrics;
mod numbers;
mod people;
mod prompts;
mod raw_http;
mod readme;
mod refusals;
mod requests;
mod retention;
mod retraction;
mod revocation;
mod sent_twice;

//! Android's key attestation: what is believed of a chain, and what comes of it at an enrolment.

#![cfg(test)]

mod chains;
mod descriptions;
mod enrolling;
mod flips;
mod published;

//! The calls of relying parties.

pub mod authenticators;
pub mod challenges;
pub mod codes;
pub mod enrolments;
pub mod itself;
pub mod moves;
pub mod users;
mod view;

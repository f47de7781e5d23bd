//! Firebase Cloud Messaging: what it takes, what it refuses, and what becomes of a login meanwhile.

mod access_tokens;
mod answers;
mod messages;
mod simulator;

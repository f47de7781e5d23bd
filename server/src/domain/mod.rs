//! What the server is about, apart from where it is kept and how it is asked: who acts, what states there are, and what
//! may be.

pub mod actor;
pub mod address_guard;
pub mod apps;
pub mod attestation;
pub mod backup_code;
pub mod client_address;
pub mod code_steps;
pub mod fact;
pub mod measure;
pub mod methods;
pub mod moment;
pub mod network;
pub mod opening_code;
pub mod refused;
pub mod rows;
pub mod states;
pub mod user_agent;
pub mod webhook_address;

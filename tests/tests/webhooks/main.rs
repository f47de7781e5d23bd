//! Webhooks: what relying parties are told, and how an operator runs it.

#![cfg(test)]

mod events;
mod operation;

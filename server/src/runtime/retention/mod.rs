//! How long what is over is kept, and the task that removes it.

pub mod config;
pub mod pruner;

mod belief;

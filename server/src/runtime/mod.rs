//! How a server comes to run: its configuration, its start, its listener and its end.

pub mod apps;
pub mod attestation;
pub mod backup;
pub mod check;
pub mod config;
pub mod data_folder;
pub mod file_limit;
pub mod http_message;
pub mod init;
pub mod listener;
pub mod metrics;
pub mod new_config;
pub mod open;
pub mod restore;
pub mod retention;
pub mod serve;
pub mod startup;
pub mod tls;
pub mod upgrade;
pub mod watch;

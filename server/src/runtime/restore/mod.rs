//! Restoring a server from a backup, so that nothing comes back which was ended since.

pub mod error;
pub mod losses;
pub mod place;
pub mod restoring;

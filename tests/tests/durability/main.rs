//! What was acknowledged stays: over a crash, a stop, a full disk and a race.

#![cfg(test)]

mod backup;
mod crash;
mod full_disk;
mod lost_folder;
mod race;
mod restore;
mod retention;
mod upgrade;

//! What was acknowledged stays: over a crash, a stop, a full disk and a race.

#![cfg(test)]

mod crash;
mod full_disk;
mod lost_folder;
mod race;
mod retention;
mod upgrade;

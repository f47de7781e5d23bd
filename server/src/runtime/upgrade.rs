//! Bringing the database of an earlier version up to date: when a server starts, or when the operator asks for it, and
//! never by a command that only looks. A copy of the database is kept first.

use super::config::Config;
use super::data_folder::{self, DataFolder};
use super::startup::StartupError;
use crate::domain::moment::rfc3339;
use crate::store::Store;
use countersign_protocol::time::Clock;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a copy is written until it is whole.
const UNFINISHED: &str = "countersign.db.unfinished-copy";
/// Where the steps are tried.
const REHEARSED: &str = "countersign.db.rehearsal";
/// What is to be left free beside what the upgrade itself needs, in bytes.
const RESERVE: u64 = 8 * 1024 * 1024;

/// What an upgrade does: the schema it starts from and the one it leads to, and how much there is to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The version of the schema as it is.
    pub from: u32,
    /// The version of the schema that this program works with.
    pub to: u32,
    /// The size of the database, in bytes.
    pub bytes: u64,
}

/// An upgrade that was made.
#[derive(Debug)]
pub struct Upgraded {
    /// What it did.
    pub step: Step,
    /// The copy of the database as it was.
    pub copy: PathBuf,
    /// How long it took; zero where the system does not count.
    pub took: Duration,
}

/// An upgrade that was tried on a copy.
#[derive(Debug)]
pub struct Rehearsed {
    /// What it would do.
    pub step: Step,
    /// How long the copy took that is kept first.
    pub copying: Duration,
    /// How long the steps took.
    pub migrating: Duration,
}

/// What is to be done with the server that is configured; none where it is up to date.
///
/// # Errors
/// Where there is no server whose database can be read.
pub fn plan(config: &Config) -> Result<Option<Step>, StartupError> {
    let found = data_folder::server(&config.data_dir, &data_folder::place(&config.data_dir))?;
    let to = Store::newest_schema();
    let bytes = Store::size(&data_folder::place(&config.data_dir));
    Ok((found.schema < to).then_some(Step { from: found.schema, to, bytes }))
}

/// Refuses an upgrade for which the disk has no room: for the copy, and for the steps, which may write all of it anew.
fn check_room(folder: &Path, step: Step) -> Result<(), StartupError> {
    let needed = step.bytes.saturating_mul(2).saturating_add(RESERVE);
    match free_space(folder) {
        Some(free) if free < needed => Err(StartupError::NoRoom { folder: folder.to_owned(), needed, free }),
        _ => Ok(()),
    }
}

/// How much may be written to the file system of this folder, in bytes; none where the system does not say.
#[cfg(unix)]
fn free_space(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
const fn free_space(_: &Path) -> Option<u64> {
    None
}

fn since(clock: &dyn Clock, before: Option<Duration>) -> Duration {
    clock.since_boot().zip(before).and_then(|(now, before)| now.checked_sub(before)).unwrap_or_default()
}

/// Brings the database in a folder that this process owns up to date, after a copy; none where there is nothing to do.
///
/// # Errors
/// [`StartupError::NoRoom`]; [`StartupError::Store`] when the copy cannot be made, in which case nothing was changed,
/// or when a step fails, after which the database stands where the step before it left it.
pub fn bring_up_to_date(
    config: &Config,
    clock: &dyn Clock,
    _owned: &DataFolder,
) -> Result<Option<Upgraded>, StartupError> {
    let Some(step) = plan(config)? else { return Ok(None) };
    let (folder, before) = (&config.data_dir, clock.since_boot());
    check_room(folder, step)?;
    let unfinished = folder.join(UNFINISHED);
    Store::remove_copy(&unfinished);
    Store::copy(&data_folder::place(folder), &unfinished)?;
    let moment = rfc3339(clock.now()).replace(':', "-");
    let copy = folder.join(format!("countersign.db.version-{}-until-{moment}", step.from));
    let named = std::fs::rename(&unfinished, &copy).and_then(|()| private_file::sync_folder_of(&copy));
    named.map_err(|error| StartupError::System(format!("{}: {error}", copy.display())))?;
    Store::upgrade(&data_folder::place(folder))?;
    Ok(Some(Upgraded { step, copy, took: since(clock, before) }))
}

/// As [`bring_up_to_date`], for an operator; no server may run.
///
/// # Errors
/// [`StartupError::InUse`] while one does; the others as there.
pub fn migrate(config: &Config, clock: &dyn Clock) -> Result<Option<Upgraded>, StartupError> {
    plan(config)?;
    let owned = DataFolder::take(&config.data_dir)?;
    bring_up_to_date(config, clock, &owned)
}

/// Makes the upgrade on a copy, which is removed again, to see that it works and how long it takes. A server may run.
///
/// # Errors
/// As [`bring_up_to_date`].
pub fn rehearse(config: &Config, clock: &dyn Clock) -> Result<Option<Rehearsed>, StartupError> {
    let Some(step) = plan(config)? else { return Ok(None) };
    check_room(&config.data_dir, step)?;
    let copy = config.data_dir.join(REHEARSED);
    Store::remove_copy(&copy);
    let before = clock.since_boot();
    Store::copy(&data_folder::place(&config.data_dir), &copy)?;
    let (copying, before) = (since(clock, before), clock.since_boot());
    let done = Store::upgrade(&data_folder::place_of(copy.clone()));
    let migrating = since(clock, before);
    Store::remove_copy(&copy);
    done?;
    Ok(Some(Rehearsed { step, copying, migrating }))
}

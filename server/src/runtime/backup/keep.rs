//! The scheduled backups in their folder: how they are named, and which of them are kept.
//!
//! They are judged by their own names and by each other, never by the clock: one that is wrong removes no more than one
//! that is right.

use super::config::Keep;
use crate::domain::moment::rfc3339;
use countersign_protocol::time::Timestamp;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the names begin with.
const BEGIN: &str = "countersign-";
/// What the names end with.
const END: &str = ".backup";

/// A backup, and the moment in its name.
pub(super) type Dated = (Timestamp, PathBuf);

/// The name of a backup that is made at this moment: `countersign-2026-11-26T203025Z.backup`.
pub(super) fn name(at: Timestamp) -> String {
    let second = rfc3339(Timestamp::from_seconds(at.seconds())).replace(':', "");
    format!("{BEGIN}{second}{END}")
}

/// The moment in a name; none for any other file.
fn moment(name: &str) -> Option<Timestamp> {
    let (date, time) = name.strip_prefix(BEGIN)?.strip_suffix(END)?.split_once('T')?;
    let (hour, rest) = time.split_at_checked(2)?;
    let (minute, second) = rest.split_at_checked(2)?;
    let at: jiff::Timestamp = format!("{date}T{hour}:{minute}:{second}").parse().ok()?;
    let at = Timestamp::from_millis(at.as_millisecond());
    (self::name(at) == name).then_some(at)
}

/// The backups in a folder, oldest first; and what a process has left there that was cut.
pub(super) fn look(folder: &Path) -> std::io::Result<(Vec<Dated>, Vec<PathBuf>)> {
    let (mut backups, mut left) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let whole = [".partial", ".copy-journal", ".copy"].iter().find_map(|end| name.strip_suffix(end));
        if let Some(at) = moment(name) {
            backups.push((at, path));
        } else if whole.and_then(moment).is_some() {
            left.push(path);
        }
    }
    backups.sort();
    Ok((backups, left))
}

/// Which of these go: all but the newest of each of the last days, weeks and months on which there are any.
pub(super) fn superfluous(backups: &[Dated], keep: Keep) -> Vec<PathBuf> {
    type Period = fn(Timestamp) -> i64;
    let periods: [(Period, usize); 3] = [(day, keep.daily), (week, keep.weekly), (month, keep.monthly)];
    let mut kept = BTreeSet::new();
    for (period, most) in periods {
        let mut seen = BTreeSet::new();
        for (at, path) in backups.iter().rev() {
            if seen.len() < most && seen.insert(period(*at)) {
                kept.insert(path);
            }
        }
    }
    backups.iter().map(|(_, path)| path).filter(|path| !kept.contains(path)).cloned().collect()
}

fn day(at: Timestamp) -> i64 {
    at.seconds().div_euclid(24 * 3600)
}

/// Weeks begin on Monday; the first day of 1970 was a Thursday.
fn week(at: Timestamp) -> i64 {
    (day(at) + 3).div_euclid(7)
}

fn month(at: Timestamp) -> i64 {
    let calendar = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    let date = calendar.to_zoned(jiff::tz::TimeZone::UTC).date();
    i64::from(date.year()) * 12 + i64::from(date.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_moment_and_other_files_have_none() {
        let at = Timestamp::from_seconds(1_795_725_024);
        assert_eq!(name(at), "countersign-2026-11-26T203024Z.backup");
        assert_eq!(moment(&name(at)), Some(at));
        for other in [
            "one.backup",
            "countersign-.backup",
            "countersign-2026-11-26.backup",
            "countersign-x1-11-26T203024Z.backup",
        ] {
            assert_eq!(moment(other), None, "{other}");
        }
    }

    #[test]
    fn the_newest_of_each_day_week_and_month_is_kept() {
        // Two a day, for two years.
        let half_days = 0..2 * 730_i64;
        let backups: Vec<_> = half_days
            .map(|half| Timestamp::from_seconds(1_800_000_000 + half * 12 * 3600))
            .map(|at| (at, PathBuf::from(name(at))))
            .collect();
        let keep = Keep { daily: 7, weekly: 4, monthly: 12 };
        let gone = superfluous(&backups, keep);
        let left = backups.len() - gone.len();
        assert!((19..=23).contains(&left), "some of them are newest of two kinds: {left}");
        assert!(!gone.contains(&backups[backups.len() - 1].1), "the newest stays");
        let kept: Vec<_> = backups.iter().filter(|(_, path)| !gone.contains(path)).cloned().collect();
        // The end of the month that is eleven months before this one.
        assert!(kept[0].0 < backups[backups.len() - 1].0 - std::time::Duration::from_secs(303 * 24 * 3600));
        assert!(superfluous(&kept, keep).is_empty(), "what is kept stays kept");
    }

    #[test]
    fn one_that_a_wrong_clock_has_dated_ahead_takes_one_place_and_no_more() {
        let day = |number: i64| Timestamp::from_seconds(1_800_000_000 + number * 24 * 3600);
        let mut backups: Vec<_> = (0..7).map(|number| (day(number), PathBuf::from(name(day(number))))).collect();
        backups.push((day(9999), PathBuf::from(name(day(9999)))));
        let gone = superfluous(&backups, Keep { daily: 7, weekly: 0, monthly: 0 });
        assert_eq!(gone, [backups[0].1.clone()]);
    }
}

//! What was measured, as a table and as JSON.

use super::honest::Times;
use serde_json::{Value, json};
use std::fmt;

/// What was measured while one thing went on.
#[derive(Debug)]
pub struct Stage {
    /// What.
    pub name: &'static str,
    /// How the honest people fared.
    pub times: Times,
    /// The server's memory, in KB: before, at most, and at the end.
    pub before: u64,
    pub most: u64,
    pub after: u64,
    /// By how much it may have grown, in KB.
    pub allowed: u64,
    /// What the flood was answered.
    pub answers: Value,
}

/// Everything that was measured.
#[derive(Debug)]
pub struct Measured {
    /// The connections of each flood.
    pub connections: usize,
    /// How long each stage lasted.
    pub seconds: u64,
    /// Without a flood.
    pub quiet: Stage,
    /// Beside each flood.
    pub stages: Vec<Stage>,
}

/// The time below which this part of all lies; none when there are none.
pub fn percentile(sorted: &[f64], part: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * part / 100).copied().unwrap_or(f64::NAN)
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

impl Stage {
    fn is_sound(&self) -> bool {
        let grown = self.most.saturating_sub(self.before);
        self.times.failures.is_empty() && !self.times.logins.is_empty() && grown <= self.allowed
    }

    fn json(&self, quiet: &Self) -> Value {
        let figures = |times: &[f64], quiet: &[f64]| {
            json!({
                "count": times.len(),
                "p50_ms": rounded(percentile(times, 50)),
                "p99_ms": rounded(percentile(times, 99)),
                "p50_to_quiet": rounded(percentile(times, 50) / percentile(quiet, 50)),
                "p99_to_quiet": rounded(percentile(times, 99) / percentile(quiet, 99)),
            })
        };
        json!({
            "name": self.name,
            "logins": figures(&self.times.logins, &quiet.times.logins),
            "enrolments": figures(&self.times.enrolments, &quiet.times.enrolments),
            "failures": self.times.failures,
            "memory_kb": { "before": self.before, "most": self.most, "after": self.after, "may_grow_by": self.allowed },
            "flood_was_answered": self.answers,
        })
    }
}

impl Measured {
    /// True when no login failed and the memory stayed within what the connections explain.
    pub fn is_sound(&self) -> bool {
        self.quiet.is_sound() && self.stages.iter().all(Stage::is_sound)
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let stages: Vec<Value> = self.stages.iter().map(|stage| stage.json(&self.quiet)).collect();
        json!({
            "connections": self.connections,
            "seconds": self.seconds,
            "sound": self.is_sound(),
            "quiet": self.quiet.json(&self.quiet),
            "floods": stages,
        })
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} connections a flood, {} s a stage; milliseconds, and MB", self.connections, self.seconds)?;
        writeln!(
            out,
            "{:<13} {:>6} {:>8} {:>8} {:>7}  {:>6} {:>8} {:>8} {:>7}  {:>6} {:>6} {:>6}  flood was answered",
            "beside", "logins", "p50", "p99", "x quiet", "enrol", "p50", "p99", "x quiet", "before", "most", "after"
        )?;
        for stage in std::iter::once(&self.quiet).chain(&self.stages) {
            write!(out, "{:<13}", stage.name)?;
            let of = |times: &Times, logins: bool| if logins { times.logins.clone() } else { times.enrolments.clone() };
            for logins in [true, false] {
                let (times, quiet) = (of(&stage.times, logins), of(&self.quiet.times, logins));
                let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
                let ratio = p99 / percentile(&quiet, 99);
                write!(out, " {:>6} {p50:>8.1} {p99:>8.1} {ratio:>7.1} ", times.len())?;
            }
            let megabytes = [stage.before, stage.most, stage.after].map(|kilobytes| kilobytes / 1024);
            write!(out, " {:>6} {:>6} {:>6}", megabytes[0], megabytes[1], megabytes[2])?;
            writeln!(out, "  {}", if stage.answers.is_null() { String::new() } else { stage.answers.to_string() })?;
        }
        for stage in std::iter::once(&self.quiet).chain(&self.stages).filter(|stage| !stage.is_sound()) {
            writeln!(
                out,
                "{}: {} failures {:?}",
                stage.name,
                stage.times.failures.len(),
                stage.times.failures.first()
            )?;
        }
        let verdict =
            if self.is_sound() { "Every login went through, and the memory is bounded." } else { "NOT SOUND" };
        write!(out, "{verdict}")
    }
}

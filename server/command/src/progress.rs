//! How far something long has come, for whoever looks on: one line on standard error, and only in a terminal.

use countersign_server::runtime::backup::Watch;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// Letters of the bar.
const WIDTH: u64 = 30;

/// A bar that is drawn as work goes on, and gone when it is dropped.
pub struct Progress(bool);

impl Progress {
    /// A bar, where standard error is a terminal; else nothing.
    pub fn begin() -> (Self, Watch) {
        let shown = std::io::stderr().is_terminal();
        let last = AtomicU64::new(u64::MAX);
        let watch = move |what: &'static str, done: u64, all: u64| {
            let parts = done.saturating_mul(100).checked_div(all).unwrap_or(100).min(100);
            if shown && last.swap(parts, Ordering::Relaxed) != parts {
                // When standard error is gone, nobody misses the progress.
                let _ = write!(std::io::stderr(), "\r\x1b[K{what} {} {parts} %", bar(parts));
            }
            true
        };
        (Self(shown), std::sync::Arc::new(watch))
    }
}

fn bar(parts: u64) -> String {
    let full = parts * WIDTH / 100;
    (0..WIDTH).map(|place| if place < full { '#' } else { '.' }).collect()
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.0 {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_is_as_long_from_begin_to_end() {
        assert_eq!((bar(0), bar(100)), (".".repeat(30), "#".repeat(30)));
        assert_eq!(bar(50), format!("{}{}", "#".repeat(15), ".".repeat(15)));
    }
}

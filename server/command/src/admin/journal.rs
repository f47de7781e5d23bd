//! `countersign admin journal`: what happened, who did it and why, for whoever has to find out.

use super::office::Office;
use super::table;
use crate::failure::Failure;
use crate::terminal;
use crate::typed_id::id;
use clap::Args;
use countersign_protocol::handle::AccountId;
use countersign_protocol::time::{Clock, SystemClock, Timestamp};
use countersign_server::domain::actor::ActorKind;
use countersign_server::domain::moment::{self, rfc3339};
use countersign_server::store::{JournalFilter, JournalLine};
use serde_json::{Value, json};
use std::time::Duration;

/// How many lines are read at a time.
const PAGE: usize = 500;
/// How many lines are shown when nobody says how many, nor since when.
const DEFAULT_LIMIT: usize = 100;
/// How often a followed journal is looked at.
const PERIOD: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct JournalOptions {
    /// Lines from this moment on: a time such as 2026-11-26T20:00:00Z or 2026-11-26, or how long ago: 30m, 2h, 7d
    #[arg(long, value_name = "WHEN", value_parser = moment_or_ago)]
    since: Option<Timestamp>,
    /// Lines before this moment
    #[arg(long, value_name = "WHEN", value_parser = moment_or_ago)]
    until: Option<Timestamp>,
    /// Lines about this user
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = id::<AccountId>)]
    user: Option<AccountId>,
    /// Lines about or by this relying party
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = id::<String>)]
    relying_party: Option<String>,
    /// Lines of this fact, such as challenge.claimed, or of all facts that begin so, such as device
    #[arg(long, value_name = "FACT")]
    what: Option<String>,
    /// The newest so many lines [default: 100; with --since, all]
    #[arg(long, value_name = "LINES")]
    limit: Option<usize>,
    /// Go on with what is written from now on, until stopped
    #[arg(long)]
    follow: bool,
}

/// A moment as people type it: a time, a day, or how long ago.
fn moment_or_ago(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let now = SystemClock.now();
    if let Some((number, unit)) = text.char_indices().last().map(|(at, unit)| (&text[..at], unit))
        && let (Ok(number), Some(seconds)) = (number.parse::<u32>(), seconds_of(unit))
    {
        return Ok(now - Duration::from_secs(u64::from(number) * seconds));
    }
    a_moment(text).map_err(|_| "it is a time such as 2026-11-26T20:00:00Z, or 30m, 2h, 7d".to_owned())
}

/// A moment as people type it: a time, or a day, which begins at midnight UTC.
pub(super) fn a_moment(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    moment::from_rfc3339(&whole).ok_or_else(|| "it is a time such as 2026-11-26T20:00:00Z, or a day".to_owned())
}

const fn seconds_of(unit: char) -> Option<u64> {
    Some(match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return None,
    })
}

const fn kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::RelyingParty => "relying_party",
        ActorKind::Device => "device",
        ActorKind::Operator => "operator",
        ActorKind::Server => "server",
    }
}

/// A line for programs.
pub(super) fn record(line: &JournalLine) -> Value {
    json!({
        "number": line.number.number(), "time": rfc3339(line.at), "what": line.fact,
        "by": { "kind": kind(line.actor_kind), "id": line.actor }, "from": line.address, "reason": line.reason,
        "organisation": line.organisation, "relying_party": line.relying_party, "user": line.account,
        "device": line.device, "challenge": line.challenge, "authenticator": line.authenticator,
    })
}

/// A line for people. Ids are whole, so that they can be copied into another command.
fn row(line: &JournalLine) -> Value {
    let by = match &line.actor {
        Some(actor) => format!("{} {actor}", kind(line.actor_kind)),
        None => kind(line.actor_kind).to_owned(),
    };
    let of = [
        ("user", &line.account),
        ("relying party", &line.relying_party),
        ("device", &line.device),
        ("challenge", &line.challenge),
        ("authenticator", &line.authenticator),
    ];
    // Of what does the line itself say who: that is not said again.
    let of = of.into_iter().filter_map(|(name, id)| Some((name, id.as_ref()?)));
    let of = of.filter(|(_, id)| line.actor.as_ref() != Some(id)).map(|(name, id)| format!("{name} {id}"));
    let mut row = json!({
        "time": rfc3339(line.at), "what": line.fact, "by": by, "reason": line.reason,
        "to": of.collect::<Vec<_>>().join(", "),
    });
    row["from"] = json!(line.address);
    row
}

impl Office {
    /// Prints the lines that are asked for, the newest last.
    pub(super) async fn journal(&self, options: JournalOptions, as_json: bool) -> Result<(), Failure> {
        let JournalOptions { since, until, user, relying_party, what, limit, follow } = options;
        let account = user.map(|user| user.to_string());
        let filter = JournalFilter { since, until, account, relying_party, fact: what };
        let limit = limit.unwrap_or(if since.is_some() { usize::MAX } else { DEFAULT_LIMIT });
        let mut newest = self.store.newest_journal_line().await?;
        let mut lines: Vec<JournalLine> = Vec::new();
        loop {
            let last = lines.last().map(|line| line.number);
            let most = PAGE.min(limit - lines.len());
            let page = self.store.journal_before(filter.clone(), last, most).await?;
            let is_last = page.len() < most || most == 0;
            lines.extend(page);
            if is_last || lines.len() == limit {
                break;
            }
        }
        lines.reverse();
        if let Some(line) = lines.last() {
            newest = newest.max(line.number);
        }
        show(&lines, as_json, follow)?;
        if !follow {
            return Ok(());
        }
        loop {
            let page = self.store.journal_after(filter.clone(), newest, PAGE).await?;
            match page.last() {
                Some(last) => newest = last.number,
                None => tokio::time::sleep(PERIOD).await,
            }
            if !page.is_empty() {
                show(&page, as_json, follow)?;
            }
        }
    }
}

/// An array of all for programs, or, while it goes on, an object a line.
fn show(lines: &[JournalLine], as_json: bool, follow: bool) -> Result<(), Failure> {
    let text = match (as_json, follow) {
        (true, false) => terminal::pretty_json(&lines.iter().map(record).collect()),
        (true, true) => lines.iter().map(|line| terminal::json(&record(line))).collect::<Vec<_>>().join("\n"),
        (false, true) if lines.is_empty() => return Ok(()),
        (false, true) => table::rows(&lines.iter().map(row).collect::<Vec<_>>()),
        (false, false) => table::text(&lines.iter().map(row).collect()),
    };
    if text.is_empty() { Ok(()) } else { Ok(terminal::print(std::io::stdout(), &text)?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_typed_as_a_time_a_day_or_an_age() {
        let seconds = |text: &str| moment_or_ago(text).map(Timestamp::seconds);
        assert_eq!(seconds("2027-01-15T08:00:00Z"), Ok(1_800_000_000));
        assert_eq!(seconds("2027-01-15"), Ok(1_800_000_000 - 8 * 3600));
        assert_eq!(seconds("2027-01-15T09:00:00+01:00"), Ok(1_800_000_000));
        let ago = SystemClock.now().seconds() - seconds("2h").unwrap();
        assert!((7200..7260).contains(&ago), "{ago}");
        for wrong in ["", "h", "2", "2y", "-2h", "yesterday", "2027-13-01"] {
            assert!(moment_or_ago(wrong).is_err(), "{wrong}");
        }
    }
}

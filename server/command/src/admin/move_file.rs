//! `countersign admin move import`: the phone change of many people out of a CSV file. Everything is looked at before
//! anything is written, so that a bad line leaves nothing half done; each line is made once, so that a file whose run
//! was cut can be sent again.

use super::move_wish::{Times, not_made};
use super::office::{Office, no_organisation, or_unknown};
use super::sheet::{BadLines, Line, Sheet};
use crate::failure::Failure;
use crate::terminal;
use clap::Args;
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::time::{Clock, SystemClock, Timestamp};
use countersign_server::domain::moment::rfc3339;
use countersign_server::service::names;
use countersign_server::service::operator_moves::{Moving, Readiness, WishedMove};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The columns that are read.
const COLUMNS: [&str; 4] = ["name", "user", "device", "key"];

#[derive(Debug, Args)]
pub(super) struct MoveFile {
    /// The organisation's name
    #[arg(long)]
    organisation: String,
    /// The file: UTF-8; commas, semicolons or tabs; a header with a column name or user
    file: PathBuf,
    #[command(flatten)]
    times: Times,
    /// So many people a day: the next ones begin a day later [default: all at once]
    #[arg(long, value_name = "PEOPLE", value_parser = clap::value_parser!(u32).range(1..))]
    per_day: Option<u32>,
    /// Names the plan: a person is moved once in it, however often the file is sent [default: the name of the file]
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Only say what would be made, line by line
    #[arg(long)]
    dry_run: bool,
    /// Leave out the lines that cannot be made, and name them, instead of making none
    #[arg(long = "continue")]
    go_on: bool,
    /// Write what became of each line into a new CSV file. It has no secret
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
}

/// A line of the file, as it is understood.
struct Planned {
    line: u64,
    name: String,
    wish: WishedMove,
}

/// What becomes of a line, in a word and for a person.
struct Fate {
    outcome: &'static str,
    /// Why it is not made, where that is so.
    why: Option<String>,
    id: Option<String>,
}

impl Fate {
    fn of(readiness: Readiness) -> Self {
        let not = |outcome, why: String, id: Option<String>| Self { outcome, why: Some(why), id };
        match readiness {
            Readiness::Ready(_) => Self { outcome: "ready", why: None, id: None },
            Readiness::Known(known) => Self { outcome: "known", why: None, id: Some(known.id.to_string()) },
            Readiness::AlreadyMoving(other) => {
                let id = other.id.to_string();
                not("already_moving", format!("another move of this user goes on: {id}"), Some(id))
            }
            Readiness::NoDevice => not("no_device", "the user has no such phone in use".into(), None),
            Readiness::SeveralDevices(count) => {
                let why = format!("the user has {count} phones in use: name one in a column device");
                not("several_devices", why, None)
            }
        }
    }
}

/// The file of what became of each line, where one is wanted.
struct ResultFile(Option<csv::Writer<File>>);

impl ResultFile {
    fn create(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self(None)) };
        let cannot = |error| Failure { exit_code: 2, message: format!("{}: {error}", path.display()) };
        let mut writer = csv::Writer::from_writer(File::create_new(path).map_err(cannot)?);
        writer.write_record(["line", "name", "user", "outcome", "move", "from", "why", "at"]).map_err(unwritten)?;
        Ok(Self(Some(writer)))
    }

    fn add(&mut self, planned: &Planned, fate: &Fate) -> Result<(), Failure> {
        let Some(writer) = &mut self.0 else { return Ok(()) };
        let from = planned.wish.valid_from.map(rfc3339).unwrap_or_default();
        let (line, user, at) = (planned.line.to_string(), planned.wish.user.to_string(), rfc3339(SystemClock.now()));
        let (id, why) = (fate.id.as_deref().unwrap_or_default(), fate.why.as_deref().unwrap_or_default());
        writer
            .write_record([&line, &harmless(&planned.name), &user, fate.outcome, id, &from, why, &at])
            .map_err(unwritten)?;
        // A run that is cut leaves what it has done.
        Ok(writer.flush()?)
    }
}

/// A cell that a spreadsheet does not take for a formula: a name comes from others.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

fn unwritten(error: impl std::fmt::Display) -> Failure {
    Failure { exit_code: 1, message: format!("the result file cannot be written: {error}") }
}

/// The people whom a line can mean.
struct People {
    by_name: HashMap<String, AccountId>,
    by_id: HashMap<AccountId, String>,
}

impl People {
    fn find(&self, name: Option<&String>, id: Option<&String>) -> Result<(AccountId, String), String> {
        let known = |id: AccountId| self.by_id.get(&id).map(|name| (id, name.clone()));
        if let Some(text) = id.map(|text| text.trim()).filter(|text| !text.is_empty()) {
            let id: AccountId = text.parse().map_err(|_| format!("{text:?} is no user's id"))?;
            return known(id).ok_or_else(|| "the organisation has no user of this id".into());
        }
        let typed = names::typed(name.ok_or("it names nobody")?).map_err(|_| "it names nobody".to_owned())?;
        let found = self.by_name.get(&typed).and_then(|id| known(*id));
        found.ok_or_else(|| format!("the organisation has no user {typed:?}"))
    }
}

impl Office {
    /// Plans the moves of a file.
    pub(super) async fn import_moves(&self, file: MoveFile) -> Result<Value, Failure> {
        let operator = self.operator();
        or_unknown(operator.organisation(&file.organisation).await, || no_organisation(&file.organisation))?;
        if self.reason.is_none() {
            return Err(Failure { exit_code: 2, message: "A move has a reason: --reason.".into() });
        }
        let (planned, mut bad) = self.read_plan(&file).await?;
        let all = planned.len();
        let (mut ready, mut fates) = (Vec::new(), Vec::new());
        for (at, one) in planned.into_iter().enumerate() {
            let fate = Fate::of(operator.move_readiness(&file.organisation, &one.wish).await?);
            match &fate.why {
                Some(why) => bad.add(one.line, format!("{}: {why}", one.name)),
                None if fate.outcome == "ready" => ready.push(one),
                None => fates.push((one, fate)),
            }
            terminal::progress(at + 1, all);
        }
        if file.dry_run {
            return Ok(json!({
                "ready": ready.len(), "known": fates.len(), "left_out": bad.count(),
                "lines": foreseen(&ready, &fates, &bad),
            }));
        }
        if bad.count() > 0 {
            if !file.go_on {
                return Err(bad.refuse(&file.file, "made"));
            }
            terminal::print(std::io::stderr(), &format!("left out:\n{}", bad.named()))?;
        }
        let mut result = ResultFile::create(file.result.as_deref())?;
        for (one, fate) in &fates {
            result.add(one, fate)?;
        }
        let (mut made, all) = (0, ready.len());
        for (at, one) in ready.into_iter().enumerate() {
            let came = operator.create_move(&file.organisation, one.wish.clone()).await.map_err(|error| {
                // Somebody else has changed what was looked at. What is made stays, and the file can be sent again.
                let Failure { exit_code, message } = not_made(error);
                Failure {
                    exit_code,
                    message: format!("line {}: {message}; send the file again for the rest", one.line),
                }
            })?;
            let (outcome, record) = match came {
                Moving::Made(record) => ("made", record),
                Moving::Known(record) => ("known", record),
            };
            made += usize::from(outcome == "made");
            result.add(&one, &Fate { outcome, why: None, id: Some(record.id.to_string()) })?;
            terminal::progress(at + 1, all);
        }
        Ok(json!({ "made": made, "known": fates.len() + all - made, "left_out": bad.count() }))
    }

    /// The lines of the file that name somebody, each person once, and what is wrong with the others.
    async fn read_plan(&self, file: &MoveFile) -> Result<(Vec<Planned>, BadLines), Failure> {
        let mut sheet = Sheet::open(&file.file, &COLUMNS)?;
        if !sheet.has(0) && !sheet.has(1) {
            return Err(sheet.unusable("its first line names no column \"name\", nor \"user\""));
        }
        let accounts = self.operator().users(&file.organisation).await?;
        let people = People {
            by_name: accounts.iter().map(|one| (one.name.clone(), one.id)).collect(),
            by_id: accounts.into_iter().map(|one| (one.id, one.name)).collect(),
        };
        let named = file.file.file_name().map(|name| name.to_string_lossy().into_owned());
        let plan = file.plan.clone().or(named).unwrap_or_default();
        let (mut planned, mut bad, mut lines) = (Vec::new(), BadLines::default(), HashMap::new());
        while let Some(line) = sheet.next()? {
            let number = line.number;
            // Its day goes by its place in the file, so that the rest of a run that was cut keeps its own.
            let days = file.per_day.map_or(0, |most| u32::try_from(planned.len()).unwrap_or(u32::MAX) / most);
            match understood(line, &people, &plan, file.times.after(days)) {
                Err(why) => bad.add(number, why),
                Ok(one) => match lines.insert(one.wish.user, number) {
                    Some(first) => bad.add(number, format!("{} is in line {first} too", one.name)),
                    None => planned.push(one),
                },
            }
        }
        Ok((planned, bad))
    }
}

/// What would become of each line, in the order of the file.
fn foreseen(ready: &[Planned], known: &[(Planned, Fate)], bad: &BadLines) -> Vec<Value> {
    let row = |line: u64, name: Option<&str>, outcome: &str, from: Option<String>, why: Option<&str>| {
        let row = json!({ "line": line, "name": name, "outcome": outcome, "valid_from": from, "why": why });
        (line, row)
    };
    let ready = ready.iter().map(|one| {
        let from = one.wish.valid_from.map(rfc3339);
        row(one.line, Some(&one.name), "ready", from, None)
    });
    let known = known.iter().map(|(one, _)| row(one.line, Some(&one.name), "known", None, None));
    let bad = bad.each().map(|(line, why)| row(line, None, "left_out", None, Some(why)));
    let mut rows: Vec<(u64, Value)> = ready.chain(known).chain(bad).collect();
    rows.sort_by_key(|(line, _)| *line);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// What a line means.
fn understood(
    line: Line,
    people: &People,
    plan: &str,
    (from, until): (Timestamp, Timestamp),
) -> Result<Planned, String> {
    let cells = line.cells?;
    let [name, user, device, key] = &*cells else { return Err("it has no cells".into()) };
    let (user, name) = people.find(name.as_ref(), user.as_ref())?;
    let filled =
        |cell: &Option<String>| cell.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let device =
        filled(device).map(|text| text.parse::<EnrolmentId>().map_err(|_| format!("{text:?} is no phone's id")));
    let key = filled(key).unwrap_or_else(|| plan.to_owned());
    let key = names::typed(&key).map_err(|_| "its key is not 1 to 100 characters".to_owned())?;
    let wish = WishedMove {
        user,
        device: device.transpose()?,
        valid_from: Some(from),
        valid_until: Some(until),
        idempotency_key: Some(key),
    };
    Ok(Planned { line: line.number, name, wish })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_of_the_result_is_a_formula() {
        for (name, cell) in [("maya", "maya"), ("=1+1", "'=1+1"), ("@maya", "'@maya"), ("-x", "'-x"), ("a=b", "a=b")] {
            assert_eq!(harmless(name), cell);
        }
    }
}

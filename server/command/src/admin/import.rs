//! `countersign admin user import`: people out of a CSV file. The whole file is read before anything is written, so
//! that one bad line leaves nothing half done; what is there already stays, so that the same file can be sent again.

use super::office::{Office, no_organisation, or_unknown};
use super::sheet::{BadLines, Line, Sheet};
use crate::failure::Failure;
use crate::terminal;
use clap::Args;
use countersign_server::domain::refused::Refused;
use countersign_server::service::names;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// How many people are written in one transaction: a running server waits for its end, which is soon.
const BATCH: usize = 500;

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The organisation's name
    #[arg(long)]
    organisation: String,
    /// The file: UTF-8; commas, semicolons or tabs; a header with a column name
    file: PathBuf,
    /// Leave bad lines out, and name them, instead of importing nothing
    #[arg(long = "continue")]
    go_on: bool,
}

/// The people of a file, line by line.
fn people(path: &Path) -> Result<Sheet, Failure> {
    let sheet = Sheet::open(path, &["name"])?;
    if sheet.has(0) { Ok(sheet) } else { Err(sheet.unusable("its first line names no column \"name\"")) }
}

/// The name in a line, or what is wrong with it.
fn name(line: Line) -> Result<String, (u64, String)> {
    let (number, wrong) = (line.number, |why: String| (line.number, why));
    let name = line.cells.map_err(wrong)?.swap_remove(0).ok_or_else(|| wrong("it has no name".into()))?;
    names::typed(&name).map_err(|refused| match refused {
        Refused::Malformed(why) => (number, why),
        _ => (number, "the name is not taken".into()),
    })
}

/// Reads the whole file: how many people it holds, and what is wrong with it.
fn check(path: &Path) -> Result<(usize, BadLines), Failure> {
    let (mut people, mut good, mut bad) = (people(path)?, 0, BadLines::default());
    while let Some(line) = people.next()? {
        match name(line) {
            Ok(_) => good += 1,
            Err((line, why)) => bad.add(line, why),
        }
    }
    Ok((good, bad))
}

impl Office {
    /// Imports people. When it is cut in the middle, what is written stays, and the same file again does the rest.
    pub(super) async fn import_users(&self, import: Import) -> Result<Value, Failure> {
        let Import { organisation, file, go_on } = import;
        let operator = self.operator();
        or_unknown(operator.organisation(&organisation).await, || no_organisation(&organisation))?;
        let (all, bad) = check(&file)?;
        if bad.count() > 0 {
            if !go_on {
                return Err(bad.refuse(&file, "imported"));
            }
            terminal::print(std::io::stderr(), &format!("left out:\n{}", bad.named()))?;
        }
        let (mut people, mut batch, mut done, mut new) = (people(&file)?, Vec::with_capacity(BATCH), 0, 0);
        loop {
            let next = people.next()?;
            let is_end = next.is_none();
            batch.extend(next.and_then(|line| name(line).ok()));
            if batch.len() == BATCH || (is_end && !batch.is_empty()) {
                let made = operator.import_users(&organisation, &batch).await?;
                new += made.iter().filter(|made| **made).count();
                done += batch.len();
                batch.clear();
                terminal::progress(done, all);
            }
            if is_end {
                return Ok(json!({ "new": new, "known": done - new, "left_out": bad.count() }));
            }
        }
    }
}

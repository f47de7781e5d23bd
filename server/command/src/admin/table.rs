//! How an answer looks to a person: a thing alone is a line a member, several are columns under their names.

use crate::terminal::{self, visible};
use serde_json::Value;

/// The order of the members that are shown; those that are not here follow, by their names. What tells things apart
/// comes first, long text last.
const ORDER: [&str; 52] = [
    "time",
    "what",
    "by",
    "from",
    "line",
    "id",
    "code",
    "good_until",
    "event",
    "type",
    "name",
    "new",
    "organisation",
    "state",
    "outcome",
    "why",
    "ready",
    "made",
    "known",
    "left",
    "push",
    "attestation",
    "method",
    "reported",
    "revoked",
    "disabled",
    "locked",
    "api_key",
    "secret",
    "url",
    "queued",
    "dead",
    "network",
    "answer",
    "advice",
    "user",
    "relying_party",
    "to",
    "device",
    "new_device",
    "proof",
    "valid_from",
    "valid_until",
    "challenge",
    "enrolled_at",
    "attested_at",
    "created_at",
    "last_contact_at",
    "ended_at",
    "end_reason",
    "attempts",
    "reason",
];

/// A value as one cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => visible(&readable_moment(text).unwrap_or_else(|| text.clone())),
        Value::Array(all) if all.iter().all(Value::is_string) => all.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => terminal::json(other),
    }
}

/// A moment of RFC 3339 in whole seconds and with a space, as people read it.
fn readable_moment(text: &str) -> Option<String> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, digits) = (time.split('.').next()?, |text: &str| text.bytes().filter(u8::is_ascii_digit).count());
    (digits(day) == 8 && digits(time) == 6 && day.len() == 10 && time.len() == 8).then(|| format!("{day} {time}Z"))
}

/// The names of the members of these rows, in the order in which they are shown.
fn columns(rows: &[&Value]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in rows.iter().filter_map(|row| row.as_object()).flat_map(|row| row.keys()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let place = |name: &String| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len());
    names.sort_by(|one, other| place(one).cmp(&place(other)).then(one.cmp(other)));
    names
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// The rows under their headings, each column as wide as its widest cell.
fn table(rows: &[&Value]) -> String {
    let names = columns(rows);
    let mut lines = vec![names.iter().map(|name| name.to_uppercase().replace('_', " ")).collect::<Vec<_>>()];
    for row in rows {
        lines.push(names.iter().map(|name| cell(row.get(name).unwrap_or(&Value::Null))).collect());
    }
    let widest = |column: usize| lines.iter().map(|line| width(&line[column])).max().unwrap_or_default();
    let widths: Vec<usize> = (0..names.len()).map(widest).collect();
    let padded = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths);
        let cells = cells.map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide - width(cell))));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect::<Vec<_>>().join("\n")
}

/// One thing: a line a member. What holds things itself follows as columns of its own.
fn thing(one: &Value) -> String {
    let names = columns(&[one]);
    let is_table = |value: &Value| matches!(value, Value::Array(rows) if rows.iter().any(Value::is_object));
    let (tables, plain): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| is_table(&one[name.as_str()]));
    let wide = plain.iter().map(|name| width(name)).max().unwrap_or_default() + 1;
    let mut lines: Vec<String> =
        plain.iter().map(|name| format!("{:<wide$} {}", format!("{name}:"), cell(&one[name.as_str()]))).collect();
    for name in tables {
        lines.push(format!("\n{name}:"));
        lines.push(text(&one[name.as_str()]));
    }
    lines.join("\n")
}

/// Rows without their headings: for what goes on and on.
pub(super) fn rows(rows: &[Value]) -> String {
    let whole = table(&rows.iter().collect::<Vec<_>>());
    whole.split_once('\n').map_or_else(String::new, |(_, rows)| rows.to_owned())
}

/// The whole answer.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Array(rows) if rows.is_empty() => "none".to_owned(),
        Value::Array(rows) => table(&rows.iter().collect::<Vec<_>>()),
        one => thing(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn several_things_are_columns_and_one_is_lines() {
        let rows = json!([
            { "name": "maya", "id": "abc", "last_contact_at": "2026-11-26T20:07:12.345Z" },
            { "name": "Zoë", "id": "abcdef", "last_contact_at": null, "zebra": true }
        ]);
        assert_eq!(
            text(&rows),
            "ID      NAME  LAST CONTACT AT       ZEBRA\n\
             abc     maya  2026-11-26 20:07:12Z  -\n\
             abcdef  Zoë   -                     yes"
        );
        assert_eq!(text(&json!([])), "none");
        let one = json!({ "name": "maya\u{1b}[2J", "id": "abc", "devices": [{ "id": "d" }] });
        assert_eq!(text(&one), "id:   abc\nname: maya\\u{1b}[2J\n\ndevices:\nID\nd");
    }

    #[test]
    fn only_a_moment_is_written_as_one() {
        assert_eq!(readable_moment("2026-11-26T20:07:12Z").unwrap(), "2026-11-26 20:07:12Z");
        for other in ["T", "Z", "2026-11-26", "ThatZ", "aaaaaaaaaaTbbbbbbbbZ", "12345678T123456Z"] {
            assert_eq!(readable_moment(other), None, "{other}");
        }
    }
}

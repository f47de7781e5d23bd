//! The closed list of codes: each survives the wire, and PROTOCOL.md tells the same list.

use countersign_protocol::problem_code::{AnyProblemCode, ProblemCode, UnknownProblemCode};
use std::collections::BTreeSet;

const PROTOCOL: &str = include_str!("../../../PROTOCOL.md");

#[test]
fn every_code_survives_the_wire() {
    for code in ProblemCode::ALL.iter().copied() {
        let quoted = format!("\"{code}\"");
        assert_eq!(code.as_str().parse(), Ok(code));
        assert_eq!(serde_json::to_string(&code).unwrap(), quoted);
        assert_eq!(serde_json::from_str::<ProblemCode>(&quoted).unwrap(), code);
        assert_eq!(serde_json::to_string(&AnyProblemCode::from(code)).unwrap(), quoted);
        assert_eq!(serde_json::from_str::<AnyProblemCode>(&quoted).unwrap(), AnyProblemCode::Known(code));
    }
    let words: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), ProblemCode::ALL.len(), "no two codes share a word");
}

#[test]
fn a_code_of_a_newer_server_is_kept_as_it_came() {
    for word in ["quantum_only", "", "Expired", "expired "] {
        assert_eq!(word.parse::<ProblemCode>(), Err(UnknownProblemCode), "{word:?}");
        let quoted = serde_json::to_string(word).unwrap();
        let read: AnyProblemCode = serde_json::from_str(&quoted).unwrap();
        assert_eq!(read, AnyProblemCode::Unknown(word.to_owned()));
        assert_eq!(serde_json::to_string(&read).unwrap(), quoted);
    }
}

/// The words in backticks.
fn code_words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// What stands below this heading, up to the next heading of whatever level.
fn section(heading: &str) -> Option<&'static str> {
    let (_, below) = PROTOCOL.split_once(&format!("\n{heading}\n"))?;
    below.split("\n#").next()
}

#[test]
fn protocol_md_lists_exactly_these_codes() {
    let mut listed = BTreeSet::new();
    for heading in ["## Problems", "### Problems of codes"] {
        for line in section(heading).unwrap().lines().filter(|line| line.starts_with("| `")) {
            let first_cell = line.split('|').nth(1).unwrap();
            for word in code_words(first_cell) {
                assert!(listed.insert(word), "{word} is listed twice");
            }
        }
    }
    let of_readers =
        section("## Problems").unwrap().split("\n\n").find(|paragraph| paragraph.starts_with("Only a phone")).unwrap();
    listed.extend(code_words(of_readers));
    let known: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(listed, known);
}

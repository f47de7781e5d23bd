//! `countersign.json`: every accepted case is accepted and gives what it says.

use crate::files::{list, read};
use countersign_vectors::case::{member, text_of};
use countersign_vectors::{CHECKS, run};
use serde_json::Value;
use std::collections::BTreeSet;

/// The checks that compare nothing with the present in seconds.
const WITHOUT_TIME: [&str; 8] =
    ["challenge_link", "enrolment", "envelope", "kept_challenge", "known", "link", "receipt", "signed_time"];

/// The accepted cases.
pub fn cases(file: &Value) -> &[Value] {
    list(file, "accepted", 49)
}

/// The inputs of an accepted case: its own, and the usual ones beside them.
pub fn inputs(file: &Value, case: &Value) -> Value {
    let mut inputs = member(file, "usual").as_object().unwrap().clone();
    inputs.extend(member(case, "inputs").as_object().unwrap().clone());
    Value::Object(inputs)
}

#[test]
fn every_accepted_case_gives_what_it_says() {
    let file = read("countersign.json");
    for case in cases(&file) {
        let name = text_of(case, "name");
        let given = run(text_of(case, "check"), &inputs(&file, case));
        assert_eq!(given.as_ref(), Ok(member(case, "gives")), "{name}");
    }
}

#[test]
fn every_check_is_made_and_every_name_is_given_once() {
    let file = read("countersign.json");
    let made: BTreeSet<&str> = cases(&file).iter().map(|case| text_of(case, "check")).collect();
    assert_eq!(made, CHECKS.into());
    let names: BTreeSet<&str> = cases(&file).iter().map(|case| text_of(case, "name")).collect();
    assert_eq!(names.len(), cases(&file).len());
}

#[test]
fn every_case_is_made_now_unless_time_is_what_it_is_about() {
    let file = read("countersign.json");
    let about_time = ["certificate_in_its_last_second", "decision_that_arrives_late", "report_that_arrives_a_day_late"];
    for case in cases(&file) {
        let name = text_of(case, "name");
        match member(case, "inputs").get("now_seconds") {
            Some(now) if about_time.contains(&name) => assert_ne!(now, member(&file, "now_seconds"), "{name}"),
            Some(now) => assert_eq!(now, member(&file, "now_seconds"), "{name}"),
            None => assert!(WITHOUT_TIME.contains(&text_of(case, "check")), "{name}"),
        }
    }
}

//! `countersign.json`: every refused case differs in something from an accepted one, and is refused with its code.

use crate::accepted;
use crate::files::{list, read};
use countersign_protocol::Refusal;
use countersign_vectors::case::{member, text_of};
use countersign_vectors::{CHECKS, run};
use serde_json::Value;
use std::collections::BTreeSet;

fn cases(file: &Value) -> &[Value] {
    list(file, "refused", 402)
}

/// The check of a case, and its inputs: those of the accepted case with what is instead.
fn check_and_inputs<'a>(file: &'a Value, case: &Value) -> (&'a str, Value) {
    let name = text_of(case, "name");
    let like = accepted::cases(file).iter().find(|accepted| text_of(accepted, "name") == text_of(case, "like"));
    let like = like.unwrap_or_else(|| panic!("{name} is like nothing"));
    let mut inputs = accepted::inputs(file, like);
    let instead = member(case, "instead").as_object().unwrap();
    assert!(!instead.is_empty(), "{name} changes nothing");
    for (input, value) in instead {
        let before = inputs.as_object_mut().unwrap().insert(input.clone(), value.clone());
        assert!(before.as_ref().is_some_and(|before| before != value), "{name} does not change {input}");
    }
    (text_of(like, "check"), inputs)
}

#[test]
fn every_refused_case_is_refused_with_its_code() {
    let file = read("countersign.json");
    let wrong: Vec<String> = cases(&file)
        .iter()
        .filter_map(|case| {
            let (check, inputs) = check_and_inputs(&file, case);
            let code = run(check, &inputs).map_err(|refusal| refusal.code().as_str());
            let expected = text_of(case, "code");
            let described =
                || format!("{} ({}): {code:?}, not {expected}", text_of(case, "name"), text_of(case, "like"));
            (code != Err(expected)).then(described)
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_check_refuses_something_and_every_code_comes() {
    let file = read("countersign.json");
    let refusing: BTreeSet<&str> = cases(&file).iter().map(|case| check_and_inputs(&file, case).0).collect();
    assert_eq!(refusing, CHECKS.into());
    let codes: BTreeSet<&str> = cases(&file).iter().map(|case| text_of(case, "code")).collect();
    assert_eq!(codes, ALL.map(|refusal| refusal.code().as_str()).into());
    let names: BTreeSet<(&str, &str)> =
        cases(&file).iter().map(|case| (text_of(case, "like"), text_of(case, "name"))).collect();
    assert_eq!(names.len(), cases(&file).len());
}

/// Every refusal that there is.
const ALL: [Refusal; 17] = [
    Refusal::Malformed(""),
    Refusal::UnknownClaim,
    Refusal::TooLarge,
    Refusal::WrongSize,
    Refusal::WrongAlgorithm,
    Refusal::WrongType,
    Refusal::UnknownKey,
    Refusal::BadSignature,
    Refusal::CannotOpen,
    Refusal::WrongDevice,
    Refusal::WrongAccount,
    Refusal::WrongServer,
    Refusal::WrongChallenge,
    Refusal::OldCertificate,
    Refusal::FutureTime,
    Refusal::StaleTime,
    Refusal::Expired,
];

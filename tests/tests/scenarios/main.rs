//! The scenarios of `tests/scenarios/scenarios.json`, on the core itself.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod interpreter;
mod pattern;
mod phone;
mod platform;
mod shown;

use countersign_tests::world::World;
use interpreter::Interpreter;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Map, Value};
use std::path::Path;
use std::process::ExitCode;

/// Reads the table; that it is one is for the tests to say.
fn table() -> Map<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/scenarios.json");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn play(scenario: &Value, procedures: Value) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let world = World::begin(&std::env::temp_dir()).await;
        Interpreter::new(world, procedures).play(&scenario["steps"]).await.map(drop).map_err(Failed::from)
    })
}

fn find(scenarios: &[Value], name: &str) -> Value {
    scenarios.iter().find(|scenario| scenario["name"] == name).cloned().unwrap_or_default()
}

/// The interpreter can fail: with any one expected outcome of a scenario flipped, it does not pass.
fn each_flip_fails(scenario: &Value, procedures: &Value) -> Result<(), Failed> {
    let expecting = |step: &Value| step.get("gives").is_some();
    let places: Vec<usize> = scenario["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
        .filter(|(_, step)| expecting(step))
        .map(|(place, _)| place)
        .collect();
    if places.len() < 4 {
        return Err(format!("only {} steps expect something", places.len()).into());
    }
    for place in places {
        let mut flipped = scenario.clone();
        flipped["steps"][place]["gives"] = "something else".into();
        if play(&flipped, procedures.clone()).is_ok() {
            return Err(format!("step {place} passes whatever it expects").into());
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    if let Some(code) = phone::receive_when_told() {
        return code;
    }
    let table = table();
    let procedures = table.get("procedures").cloned().unwrap_or_default();
    let scenarios = table.get("scenarios").and_then(Value::as_array).cloned().unwrap_or_default();
    let trial = |scenario: Value| {
        let (name, procedures) = (scenario["name"].as_str().unwrap_or_default().to_owned(), procedures.clone());
        Trial::test(name, move || play(&scenario, procedures))
    };
    let enough = Trial::test("the_table_is_there", {
        let count = scenarios.len();
        move || if count >= 40 { Ok(()) } else { Err(format!("the table has {count} scenarios").into()) }
    });
    let flipped = Trial::test("a_flipped_outcome_fails", {
        let (denied, procedures) = (find(&scenarios, "denied"), procedures.clone());
        move || each_flip_fails(&denied, &procedures)
    });
    let trials = scenarios.into_iter().map(trial).chain([enough, flipped]).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

//! The simulation, for as long as an ordinary test may take.

#![cfg(test)]

use countersign_server::store::{ENGINES, EngineKind};
use countersign_tests::simulation::{self, Plan, Report};

/// The seeds of the ordinary run.
const SEEDS: [u64; 2] = [1, 6];
/// How long each of its worlds lasts.
const STEPS: u64 = 4_000;
/// What must have happened, and how often at least: a simulation in which nobody signs in proves nothing.
const HAPPENED: [(&str, u64); 76] = [
    ("answers by something else", 20),
    ("jumps of the server's clock ahead", 2),
    ("links of moves taken by a thief", 1),
    ("links without a second half refused", 1),
    ("moves ended otherwise", 10),
    ("moves expired", 1),
    ("moves made", 20),
    ("moves refused", 1),
    ("moves reported", 3),
    ("moves switched", 4),
    ("moves taken back", 2),
    ("rehearsals begun", 6),
    ("second halves by a backup code", 1),
    ("second halves by a code", 1),
    ("second halves by the old phone", 1),
    ("second moves refused", 1),
    ("steps of moves out of turn refused", 10),
    ("long polls cut", 2),
    ("phone clocks far off", 4),
    ("phones away, gone or back", 3),
    ("pushes to a dead place", 1),
    ("registrations repaired", 2),
    ("accounts removed", 3),
    ("answers after a cancellation refused", 5),
    ("answers after the end refused", 10),
    ("approved", 13),
    ("backup codes accepted", 10),
    ("backup codes made", 3),
    ("backup codes refused", 10),
    ("bursts", 30),
    ("callers gone", 2),
    ("calls given up", 50),
    ("cancelled", 8),
    ("claimed", 5),
    ("claims answered", 10),
    ("clocks set", 5),
    ("codes accepted", 10),
    ("codes refused", 10),
    ("convergences", 5),
    ("created", 100),
    ("creations repeated", 9),
    ("denied", 5),
    ("devices revoked", 1),
    ("enrolled", 11),
    ("expired", 40),
    ("keys rotated", 1),
    ("lapsed", 2),
    ("late answers refused", 20),
    ("links past the limit refused", 1),
    ("phone restarts", 8),
    ("pushes failed", 1),
    ("pushes lost", 1),
    ("pushes put off", 2),
    ("pushes received", 15),
    ("pushes repeated", 1),
    ("pushes to a stranger", 1),
    ("pushes to nobody", 1),
    ("pushing cut", 10),
    ("questions past the limit refused", 1),
    ("questions past the rate refused", 10),
    ("refused by a stopping server", 1),
    ("relying parties retired", 1),
    ("replays refused", 1),
    ("replies lost", 20),
    ("reported", 10),
    ("requests lost", 10),
    ("requests repeated", 10),
    ("revoked", 1),
    ("second claims refused", 5),
    ("server restarts", 4),
    ("strangers refused", 15),
    ("told approved", 5),
    ("waits answered", 60),
    ("waits past the limit refused", 1),
    ("wrong clocks refused", 10),
    ("wrong numbers refused", 2),
];

#[test]
fn nothing_breaks_the_rules_and_everything_happens() {
    ENGINES.into_iter().for_each(nothing_breaks_the_rules);
}

fn nothing_breaks_the_rules(engine: EngineKind) {
    // One world on each of two processors.
    let worlds = std::thread::scope(|scope| {
        let plan = |seed| Plan { engine, ..Plan::new(seed, STEPS) };
        let running = SEEDS.map(|seed| scope.spawn(move || simulation::run(&plan(seed))));
        running.map(|one| one.join().expect("a panic names its seed"))
    });
    let mut report = Report::default();
    for world in worlds {
        report.add(&world.unwrap_or_else(|failure| panic!("{failure}")));
    }
    println!("{}, seeds {SEEDS:?}: {report}", engine.name);
    for (what, least) in HAPPENED {
        assert!(report.count(what) >= least, "{what}: {} times, expected {least} at least", report.count(what));
    }
}

#[test]
fn a_seed_repeats_every_step() {
    let digests = [7, 7, 8].map(|seed| {
        let report = simulation::run(&Plan::new(seed, 1_500)).unwrap_or_else(|failure| panic!("{failure}"));
        report.digest
    });
    assert_eq!(digests[0], digests[1], "the same seed, and something else happened");
    assert_ne!(digests[0], digests[2], "another seed, and the same happened");
}

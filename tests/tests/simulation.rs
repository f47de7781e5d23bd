//! The simulation, for as long as an ordinary test may take.

#![cfg(test)]

use countersign_tests::simulation::{self, Plan, Report};

/// The seeds of the ordinary run.
const SEEDS: [u64; 2] = [1, 2];
/// How long each of its worlds lasts.
const STEPS: u64 = 3_000;
/// What must have happened, and how often at least: a simulation in which nobody signs in proves nothing.
const HAPPENED: [(&str, u64); 41] = [
    ("accounts removed", 1),
    ("answers after a cancellation refused", 1),
    ("answers after the end refused", 5),
    ("approved", 30),
    ("bursts", 20),
    ("callers gone", 2),
    ("calls given up", 20),
    ("cancelled", 5),
    ("claimed", 8),
    ("claims answered", 10),
    ("clocks set", 3),
    ("convergences", 9),
    ("created", 100),
    ("creations repeated", 10),
    ("denied", 10),
    ("devices revoked", 1),
    ("enrolled", 8),
    ("expired", 20),
    ("keys rotated", 1),
    ("lapsed", 2),
    ("late answers refused", 10),
    ("phone restarts", 5),
    ("pushes failed", 5),
    ("pushes lost", 5),
    ("pushes put off", 5),
    ("pushes received", 50),
    ("pushes repeated", 5),
    ("pushes to a stranger", 5),
    ("pushes to nobody", 5),
    ("pushing cut", 3),
    ("relying parties retired", 1),
    ("replays refused", 1),
    ("replies lost", 20),
    ("requests lost", 10),
    ("requests repeated", 10),
    ("revoked", 1),
    ("second claims refused", 2),
    ("server restarts", 3),
    ("strangers refused", 10),
    ("told approved", 10),
    ("waits answered", 30),
];

#[test]
fn nothing_breaks_the_rules_and_everything_happens() {
    // One world on each of two processors.
    let worlds = std::thread::scope(|scope| {
        let running = SEEDS.map(|seed| scope.spawn(move || simulation::run(&Plan::new(seed, STEPS))));
        running.map(|one| one.join().expect("a panic names its seed"))
    });
    let mut report = Report::default();
    for world in worlds {
        report.add(&world.unwrap_or_else(|failure| panic!("{failure}")));
    }
    println!("seeds {SEEDS:?}: {report}");
    for (what, least) in HAPPENED {
        assert!(report.count(what) >= least, "{what}: {} times, expected {least} at least", report.count(what));
    }
}

#[test]
fn a_seed_repeats_every_step() {
    let digests = [7, 7, 8].map(|seed| {
        let report = simulation::run(&Plan::new(seed, 1_000)).unwrap_or_else(|failure| panic!("{failure}"));
        report.digest
    });
    assert_eq!(digests[0], digests[1], "the same seed, and something else happened");
    assert_ne!(digests[0], digests[2], "another seed, and the same happened");
}

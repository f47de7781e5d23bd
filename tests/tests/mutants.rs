//! Broken copies of the rules: the simulation must notice each of them.

#![cfg(test)]

use countersign_server::delivery::push::Delivery;
use countersign_server::store::{ENGINES, EngineKind, Rules};
use countersign_tests::simulation::push_service::{Reading, as_shipped};
use countersign_tests::simulation::troubles::Trouble;
use countersign_tests::simulation::{self, Plan};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// How many seeds each mutant may survive.
const SEEDS: u64 = 8;
/// How long each world lasts.
const STEPS: u64 = 2_000;

/// The name of what is not broken.
const NONE: &str = "nothing is broken";
const RIGHT: Rules = Rules::RIGHT;

/// Each with what it allows. The first is none, and must survive: otherwise the others would be caught by anything.
const MUTANTS: [(&str, Rules); 32] = [
    (NONE, RIGHT),
    (
        "an approval is claimed at the moment at which it lapses",
        Rules { may_claim: "state = 'approved' AND purpose IS NULL AND settled_at >= :oldest", ..RIGHT },
    ),
    (
        "a challenge is cancelled at the moment at which it ends",
        Rules { may_cancel: "state = 'pending' AND expires_at >= :now", ..RIGHT },
    ),
    ("one prompt too many rings", Rules { prompts_per_person: 6, ..RIGHT }),
    ("one prompt too many of one relying party rings", Rules { prompts_per_relying_party: 4, ..RIGHT }),
    ("one question too many of one relying party waits", Rules { questions_per_relying_party: 6, ..RIGHT }),
    (
        "questions that wait are not counted",
        Rules { questions_per_person: 1000, questions_per_relying_party: 1000, ..RIGHT },
    ),
    (
        "a cancelled prompt does not count",
        Rules { unwanted_prompt: "prompt = 'pushed' AND state NOT IN ('approved', 'claimed', 'cancelled')", ..RIGHT },
    ),
    (
        "two questions wait side by side as taps",
        Rules { overlaps: "state = 'pending' AND expires_at > :now AND 1 = 0", ..RIGHT },
    ),
    ("a settled challenge is settled again", Rules { may_settle: "expires_at > :now", ..RIGHT }),
    ("an expired challenge is settled", Rules { may_settle: "state = 'pending' AND :now > 0", ..RIGHT }),
    (
        "a challenge is settled at the moment at which it ends",
        Rules { may_settle: "state = 'pending' AND expires_at >= :now", ..RIGHT },
    ),
    (
        "a cancelled challenge is settled",
        Rules { may_settle: "state IN ('pending', 'cancelled') AND expires_at > :now", ..RIGHT },
    ),
    ("nobody settles anything", Rules { may_settle: "state = 'pending' AND expires_at > :now AND 1 = 0", ..RIGHT }),
    (
        "a denied challenge is claimed",
        Rules { may_claim: "state IN ('approved', 'denied') AND purpose IS NULL AND settled_at > :oldest", ..RIGHT },
    ),
    (
        "a lapsed approval is claimed",
        Rules { may_claim: "state = 'approved' AND purpose IS NULL AND :oldest > 0", ..RIGHT },
    ),
    (
        "a claimed approval is claimed again",
        Rules { may_claim: "state IN ('approved', 'claimed') AND purpose IS NULL AND settled_at > :oldest", ..RIGHT },
    ),
    ("any claim repeats the first", Rules { same_claim: "state = 'claimed' AND :key IS NOT NULL", ..RIGHT }),
    ("no claim repeats the first", Rules { same_claim: "state = 'claimed' AND claim_key = :key AND 1 = 0", ..RIGHT }),
    ("an expired challenge is cancelled", Rules { may_cancel: "state = 'pending' AND :now > 0", ..RIGHT }),
    (
        "a denied challenge is cancelled",
        Rules { may_cancel: "state IN ('pending', 'denied') AND expires_at > :now", ..RIGHT },
    ),
    (
        "a claimed approval is revoked",
        Rules { may_revoke: "state IN ('approved', 'claimed') AND settled_at > :oldest", ..RIGHT },
    ),
    ("a lapsed approval is revoked", Rules { may_revoke: "state = 'approved' AND :oldest > 0", ..RIGHT }),
    (
        "anybody's challenge is one's own",
        Rules { own: "relying_party IS NOT NULL AND :relying_party IS NOT NULL", ..RIGHT },
    ),
    (
        "prompts of one person are not counted",
        Rules { prompts_per_person: 100, prompts_per_relying_party: 100, ..RIGHT },
    ),
    ("a code is accepted twice", Rules { unspent: "(last_step IS NULL OR :step > 0)", ..RIGHT }),
    ("a backup code is good twice", Rules { unused: "1 = 1", ..RIGHT }),
    ("no number is compared", Rules { compares_number: false, ..RIGHT }),
    (
        "the YES to a move signs somebody in",
        Rules { may_claim: "state = 'approved' AND settled_at > :oldest AND settled_at <= :oldest + 120000", ..RIGHT },
    ),
    ("a new phone gets its link without a second half", Rules { proves: false, ..RIGHT }),
    ("the digits alone bring a new phone into use", Rules { rehearses: false, ..RIGHT }),
    ("the old phone goes on beside the new one", Rules { ends_old: false, ..RIGHT }),
];

/// What has lapsed is claimed again when an hour has gone by: noticed where the clock jumps ahead.
const RIGHT_BUT_FOR_AN_HOUR: Rules = Rules {
    may_claim: "state = 'approved' AND purpose IS NULL AND (settled_at > :oldest OR settled_at + 3600000 < :oldest)",
    ..RIGHT
};

/// The name of what is as it should be, where some phones are away.
const EACH: &str = "an answer is about the place that gave it";

/// Each with what the server takes the answers of push services for, where the places of a few phones are away or dead.
/// The first is right.
const READINGS: [(&str, Reading); 2] = [
    (EACH, as_shipped),
    ("a place that is dead is not taken for dead", |status, now| match as_shipped(status, now) {
        Delivery::Gone(_) => Delivery::Failed("dead".into()),
        other => other,
    }),
];

/// How a mutant was caught; none when it was not.
fn caught(plan: &Plan) -> Option<String> {
    (1..=SEEDS).find_map(|seed| {
        let plan = Plan { seed, ..*plan };
        let failure = simulation::run(&plan).err()?;
        Some(format!("seed {seed}, step {}: {}", failure.step, failure.reason.lines().next().unwrap_or_default()))
    })
}

#[test]
fn every_broken_rule_is_noticed_on_every_engine() {
    ENGINES.into_iter().for_each(every_broken_rule_is_noticed);
}

fn every_broken_rule_is_noticed(engine: EngineKind) {
    let shipped = Plan { engine, ..Plan::new(0, STEPS) };
    let troubles = &[Trouble::AwayPhones, Trouble::DeadPlaces];
    let calm = Plan { troubles: &[], ..shipped };
    let rules = MUTANTS.iter().map(|(what, rules)| (*what, Plan { rules: *rules, ..calm }));
    let jumps = Plan { rules: RIGHT_BUT_FOR_AN_HOUR, troubles: &[Trouble::ServerAhead], ..shipped };
    let readings = READINGS.iter().map(|(what, reading)| (*what, Plan { reading: *reading, troubles, ..shipped }));
    let mutants: Vec<_> =
        rules.chain(readings).chain([("an approval is claimed an hour after it lapsed", jumps)]).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut survivors = Vec::new();
        while let Some((what, plan)) = mutants.get(next.fetch_add(1, SeqCst)) {
            match caught(plan) {
                Some(how) => println!("{what}: {how}"),
                None => survivors.push(*what),
            }
        }
        survivors
    };
    let survivors = std::thread::scope(|scope| {
        let lanes = [scope.spawn(work), scope.spawn(work)];
        lanes.map(|lane| lane.join().expect("a panic names its seed"))
    });
    let mut survivors = survivors.concat();
    survivors.sort_unstable();
    assert_eq!(survivors, [EACH, NONE], "who was not noticed on {}", engine.name);
}

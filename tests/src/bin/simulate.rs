//! Runs the simulation for as many steps as one likes: worlds one after the other, each with the next seed, on as many
//! processors as there are.

#![expect(clippy::print_stderr, reason = "it is a program, and this is how it speaks")]

use clap::Parser;
use countersign_tests::simulation::troubles::{SHIPPED, Trouble};
use countersign_tests::simulation::{self, EVENTS, Plan, Report, STEPS_OF_A_WORLD};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

/// Tries to break the server and the phones.
#[derive(Parser)]
struct Options {
    /// How many steps, in all.
    #[arg(long, default_value_t = 1_000_000)]
    steps: u64,
    /// The seed of the first world; each further world has the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many worlds are run side by side. Default: one a processor.
    #[arg(long)]
    jobs: Option<usize>,
    /// The kinds of trouble that there are. Default: those of every ordinary world.
    #[arg(long, value_enum)]
    trouble: Vec<Trouble>,
    /// How many of the latest events a failure tells.
    #[arg(long, default_value_t = EVENTS)]
    events: usize,
}

/// What all worlds together have come to.
#[derive(Default)]
struct Sum {
    report: Report,
    failed: bool,
}

fn main() -> ExitCode {
    let Options { steps, seed, jobs, trouble, events } = Options::parse();
    let worlds = steps.div_ceil(STEPS_OF_A_WORLD);
    let jobs = jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let troubles = if trouble.is_empty() { SHIPPED } else { &*trouble.leak() };
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    let lock = || sum.lock().unwrap_or_else(PoisonError::into_inner);
    eprintln!("{steps} steps in {worlds} worlds, from seed {seed}, {jobs} at a time");
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let world = next.fetch_add(1, SeqCst);
                    if world >= worlds || lock().failed {
                        return;
                    }
                    let length = STEPS_OF_A_WORLD.min(steps - world * STEPS_OF_A_WORLD);
                    let result =
                        simulation::run(&Plan { events, troubles, ..Plan::new(seed.wrapping_add(world), length) });
                    let mut sum = lock();
                    match result {
                        Ok(report) => sum.report.add(&report),
                        Err(failure) => {
                            // At once: the other worlds may take minutes to their end.
                            eprintln!("{failure}");
                            sum.failed = true;
                        }
                    }
                    eprintln!("{} of {steps} steps", sum.report.steps);
                }
            });
        }
    });
    let sum = lock();
    eprintln!("{}", sum.report);
    if sum.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

//! Our one-time codes are those of another implementation: OATH Toolkit's `oathtool`, which must be installed.
//!
//! The cases are random. A failure prints the seed, and `COUNTERSIGN_OATHTOOL_SEED` repeats it.
use countersign_protocol::one_time_code::{Algorithm, Hotp, Secret, Totp};
use countersign_protocol::randomness::{Randomness, SystemRandomness};
use countersign_protocol::time::Timestamp;
use data_encoding::HEXLOWER;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::process::Command;
use std::time::Duration;

/// Cases of each kind.
const CASES: usize = 200;
/// The last moment that RFC 6238 gives a code for, in seconds.
const LATEST: i64 = 20_000_000_000;

fn random<S: Strategy>(cases: &S) -> Vec<S::Value> {
    let seed: [u8; 32] = match std::env::var("COUNTERSIGN_OATHTOOL_SEED") {
        Ok(text) => HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap(),
        Err(_) => {
            let randomness: &dyn Randomness = &SystemRandomness::new();
            randomness.bytes()
        }
    };
    println!("COUNTERSIGN_OATHTOOL_SEED={}", HEXLOWER.encode(&seed));
    let generator = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), generator);
    (0..CASES).map(|_| cases.new_tree(&mut runner).unwrap().current()).collect()
}

/// The code that these arguments ask for, the one after it, and the command for a failure's message.
fn oathtool(secret: &Secret, digits: u8, arguments: &[String]) -> (String, String, String) {
    let mut command = Command::new("oathtool");
    command.args(["--base32", "--window=1", &format!("--digits={digits}")]).args(arguments);
    command.arg(secret.to_base32().as_str()).env("LC_ALL", "C");
    let output =
        command.output().unwrap_or_else(|error| panic!("oathtool does not start ({error}): install OATH Toolkit"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let (code, next) = printed.trim_end().split_once('\n').unwrap();
    (code.to_owned(), next.to_owned(), format!("{command:?}"))
}

/// From the shortest to the longest that is accepted, so that some keys are longer than a block of their hash.
fn secrets() -> impl Strategy<Value = Secret> {
    prop::collection::vec(any::<u8>(), 10..=128).prop_map(|bytes| Secret::foreign(&bytes).unwrap())
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(vec![Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512])
}

#[test]
fn codes_by_time_are_those_of_oathtool() {
    let cases = (secrets(), algorithms(), 6..=8_u8, 1..=300_u16, 0..=LATEST);
    for (secret, algorithm, digits, period, seconds) in random(&cases) {
        let totp = Totp::new(secret, algorithm, digits, period).unwrap();
        let arguments = [
            format!("--totp={}", algorithm.as_str()),
            format!("--time-step-size={period}s"),
            format!("--now=@{seconds}"),
        ];
        let (code, next, command) = oathtool(totp.secret(), digits, &arguments);
        let now = Timestamp::from_seconds(seconds);
        let (step, shown) = (totp.step(now), totp.now(now));
        assert_eq!((shown.code, shown.next), (code.clone(), next.clone()), "{command}");
        let later = now + Duration::from_secs(shown.seconds_left);
        assert_eq!((totp.step(later), totp.now(later).code), (step + 1, next.clone()), "{command}");
        assert_eq!(totp.find(&code, [step]), Some(step), "{command}");
        assert_eq!(totp.find(&next, step..=step + 1), Some(step + 1), "{command}");
    }
}

#[test]
fn codes_by_counter_are_those_of_oathtool() {
    let counters = prop_oneof![0..1000_u64, 0..u64::MAX];
    for (secret, digits, counter) in random(&(secrets(), 6..=8_u8, counters)) {
        let hotp = Hotp::new(secret, Algorithm::Sha1, digits, counter).unwrap();
        let arguments = ["--hotp".to_owned(), format!("--counter={counter}")];
        let (code, next, command) = oathtool(hotp.secret(), digits, &arguments);
        let (ours, hotp) = hotp.take();
        assert_eq!((ours, hotp.take().0), (code, next), "{command}");
    }
}

//! A phone whose clock is set shows no wrong code in silence.

use countersign_protocol::time::{Clock, Timestamp};
use countersign_tests::clock::ManualClock;
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use std::sync::Arc;
use std::time::Duration;

const HOURS: Duration = Duration::from_secs(2 * 3600);

/// A clock beside which there is no counter.
struct NoCounter(ManualClock);

impl Clock for NoCounter {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// What becomes of a clock.
type Happens = fn(&ManualClock);

/// What becomes of a phone's clock without a network, whether that is noticed, and whether it is without a counter.
const CASES: [(&str, Happens, bool, bool); 9] = [
    ("nothing", |_| (), false, false),
    ("time passes", |clock| clock.advance(HOURS * 12), false, false),
    ("it is set ahead", |clock| clock.set_ahead(HOURS), true, false),
    ("it is set back", |clock| clock.set_back(HOURS), true, true),
    (
        "it is set back by less than has passed",
        |clock| {
            clock.advance(HOURS * 2);
            clock.set_back(HOURS);
        },
        true,
        false,
    ),
    ("it is set by a step", |clock| clock.set_ahead(Duration::from_secs(30)), true, false),
    ("it is steered", |clock| clock.set_ahead(Duration::from_secs(5)), false, false),
    (
        "it is set ahead and back",
        |clock| {
            clock.set_ahead(HOURS);
            clock.set_back(HOURS);
        },
        false,
        false,
    ),
    (
        "the phone is started again",
        |clock| {
            clock.reboot();
            clock.advance(HOURS);
        },
        false,
        false,
    ),
];

#[tokio::test]
async fn a_clock_that_was_set_is_noticed_beside_the_code_until_the_server_is_heard() {
    for (what, happens, noticed, noticed_without_counter) in CASES {
        for counter in [true, false] {
            let scene = Scene::new().await;
            let own = ManualClock::new();
            let clock: Arc<dyn Clock> = if counter { Arc::new(own.clone()) } else { Arc::new(NoCounter(own.clone())) };
            let transport = Arc::clone(&Phone::new().platform().transport);
            let phone = Phone::with(clock, transport);
            let id = phone.enrol(&scene.site, &scene.user).await;
            happens(&own);
            let phone = phone.restart();
            let was_set = || phone.core.accounts().unwrap()[0].clock_was_set;
            let expected = if counter { noticed } else { noticed_without_counter };
            assert_eq!(was_set(), expected, "{what}, counter: {counter}");
            phone.core.pull(id, 0).await.unwrap();
            assert!(!was_set(), "{what}: the server was heard");
            let code = phone.core.code(id).unwrap().code;
            assert_eq!(scene.site.verify(&scene.user, &code).await.body["valid"], true, "{what}");
        }
    }
}

#[tokio::test]
async fn a_wrong_clock_that_is_set_right_without_a_network_is_the_case_in_point() {
    let scene = Scene::new().await;
    let own = ManualClock::new();
    own.set_back(HOURS);
    let phone = Phone::at(&own);
    let id = phone.enrol(&scene.site, &scene.user).await;
    let shown = || (phone.core.code(id).unwrap().code, phone.core.accounts().unwrap()[0].clock_was_set);
    let (right, was_set) = shown();
    assert!(!was_set);
    own.set_ahead(HOURS);
    let (wrong, was_set) = shown();
    assert!(wrong != right && was_set, "what is shown is wrong, and says that it may be");
    phone.core.pull(id, 0).await.unwrap();
    assert_eq!(shown(), (right, false));
}

#[tokio::test]
async fn a_pause_after_wrong_codes_does_not_last_until_the_servers_clock_has_come_as_far_again() {
    let scene = Scene::new().await;
    let phone = Phone::at(&ManualClock::new());
    let id = phone.enrol(&scene.site, &scene.user).await;
    scene.clock.set_ahead(HOURS);
    let right = phone.core.code(id).unwrap().code;
    let wrong = if right == "000000" { "111111" } else { "000000" };
    while scene.site.verify(&scene.user, wrong).await.code() != "throttled" {}
    scene.clock.set_back(HOURS);
    assert_eq!(scene.site.verify(&scene.user, &right).await.body["valid"], true);
}

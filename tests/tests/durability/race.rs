//! Two answers at once: one settles.

use countersign_protocol::decision::Answer::{Approve, Deny};
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::scene::Scene;

/// How many times two devices race.
const RACES: usize = 1000;
/// How many races run side by side, so that the writer's groups hold several.
const SIDE_BY_SIDE: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_devices_racing_a_thousand_times_settle_exactly_once() {
    let Scene { clock, server: _server, site, .. } = Scene::new().await;
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..SIDE_BY_SIDE {
        let (site, clock) = (site.clone(), clock.clone());
        lanes.spawn(async move {
            let user = site.user(&format!("maya{lane}")).await;
            let enrol = || HandmadeDevice::enrol_at(&site, &user, &clock);
            let (yes, no) = (enrol().await, enrol().await);
            let mut approvals = 0;
            for race in 0..RACES / SIDE_BY_SIDE {
                let (id, for_yes) = yes.asked(&site, &user).await;
                let for_no = no.pull().await.pop().unwrap();
                let (yes_decision, no_decision) = (yes.decision(&for_yes, Approve), no.decision(&for_no, Deny));
                // Neither side may have a head start by the order in which it is polled.
                let (yes_said, no_said) = if race % 2 == 0 {
                    tokio::join!(yes.decide(&id, yes_decision), no.decide(&id, no_decision))
                } else {
                    let (no_said, yes_said) = tokio::join!(no.decide(&id, no_decision), yes.decide(&id, yes_decision));
                    (yes_said, no_said)
                };
                let state = site.state(&id).await;
                match (yes_said.status, no_said.status) {
                    (200, 409) => {
                        assert_eq!((state.as_str(), no_said.code()), ("approved", "already_answered"));
                        approvals += 1;
                    }
                    (409, 200) => assert_eq!((state.as_str(), yes_said.code()), ("denied", "already_answered")),
                    both => panic!("{both:?}"),
                }
            }
            approvals
        });
    }
    let approvals: usize = lanes.join_all().await.into_iter().sum();
    println!("{approvals} of {RACES} races were won by YES");
}

//! Two answers at once: one settles.

#![cfg(test)]

use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Answer::{Approve, Deny};
use countersign_tests::handmade::{HandmadeDevice, read_claims};
use countersign_tests::server::TestServer;

/// How many times two devices race.
const RACES: usize = 1000;
/// How many races run side by side, so that the writer's groups hold several.
const SIDE_BY_SIDE: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_devices_racing_a_thousand_times_settle_exactly_once() {
    let server = TestServer::start().await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..SIDE_BY_SIDE {
        let site = site.clone();
        lanes.spawn(async move {
            let user = site.user(&format!("maya{lane}")).await;
            let (yes, no) = (HandmadeDevice::enrol(&site, &user).await, HandmadeDevice::enrol(&site, &user).await);
            let mut approvals = 0;
            for race in 0..RACES / SIDE_BY_SIDE {
                let challenge = site.ask(&user).await;
                let for_yes = yes.pull().await.pop().unwrap();
                let for_no = no.pull().await.pop().unwrap();
                let id = read_claims::<Challenge>(&for_yes).challenge_id;
                assert_eq!(id.to_string(), challenge);
                let (yes_decision, no_decision) = (yes.decision(&for_yes, Approve), no.decision(&for_no, Deny));
                // Neither side may have a head start by the order in which it is polled.
                let (yes_said, no_said) = if race % 2 == 0 {
                    tokio::join!(yes.decide(&id, yes_decision), no.decide(&id, no_decision))
                } else {
                    let (no_said, yes_said) = tokio::join!(no.decide(&id, no_decision), yes.decide(&id, yes_decision));
                    (yes_said, no_said)
                };
                let state = site.state(&challenge).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_claims_at_once_are_one_claim() {
    let server = TestServer::start().await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;
    let challenge = site.ask(&user).await;
    let compact = device.pull().await.pop().unwrap();
    let id = read_claims::<Challenge>(&compact).challenge_id;
    assert_eq!(device.decide(&id, device.decision(&compact, Approve)).await.status, 200);
    let mut claims = tokio::task::JoinSet::new();
    for number in 0..100 {
        let (site, path) = (site.clone(), format!("/v1/challenges/{challenge}/claim"));
        claims.spawn(async move { site.post_once(&path, &format!("claim-{number}")).await.status });
    }
    let won = claims.join_all().await.into_iter().filter(|status| *status == 200).count();
    assert_eq!(won, 1);
}

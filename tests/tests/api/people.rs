//! What a relying party may do for the people of its organisation, and that it may do it for no others.

use countersign_protocol::decision::Answer::Approve;
use countersign_server::domain::moment::from_rfc3339;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::{Answer, RelyingParty, send};
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

async fn delete(site: &RelyingParty, path: &str) -> Answer {
    send(site.request(Method::DELETE, path)).await
}

#[tokio::test]
async fn a_person_and_their_devices_are_read_and_a_device_is_ended() {
    let Scene { clock, site, user, .. } = &Scene::new().await;
    let device = HandmadeDevice::enrol_at(site, user, clock).await;
    let details = site.get(&format!("/v1/users/{user}")).await;
    assert_eq!(
        (details.status, &details.body["name"], &details.body["prompts_stopped"]),
        (200, &json!("maya"), &json!(false))
    );
    let devices = format!("/v1/users/{user}/devices");
    let listed = site.get(&devices).await.body["devices"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&json!(device.id()), &json!("confirmed")), "{listed}");

    let (challenge, compact) = device.asked(site, user).await;
    device.answers(&compact, Approve).await;
    let path = format!("{devices}/{}", device.id());
    assert_eq!(delete(site, &path).await.status, 204);
    assert_eq!(delete(site, &path).await.status, 204, "also when it was before");
    assert_eq!(site.state(&challenge).await, "revoked", "what a lost phone approved signs nobody in");
    let listed = site.get(&devices).await.body["devices"][0].clone();
    assert_eq!((&listed["state"], &listed["end_reason"]), (&json!("void"), &json!("revoked")), "{listed}");
    assert!(listed["ended_at"].is_string(), "{listed}");
    let unknown = delete(site, &format!("{devices}/AAAAAAAAAAAAAAAAAAAAAA")).await;
    assert_eq!((unknown.status, unknown.code()), (404, "not_found"));
}

#[tokio::test]
async fn the_last_contact_is_kept_to_the_hour_without_a_commit_of_its_own() {
    let Scene { clock, server, site, user } = &Scene::new().await;
    let device = HandmadeDevice::enrol_at(site, user, clock).await;
    let seen = async || {
        let listed = site.get(&format!("/v1/users/{user}/devices")).await.body["devices"][0]["last_contact_at"].clone();
        from_rfc3339(listed.as_str().unwrap_or_default())
    };
    device.pull().await;
    let first = seen().await.expect("it was heard of");
    clock.advance(Duration::from_secs(3000));
    device.pull().await;
    assert_eq!(seen().await, Some(first), "within the hour nothing is written");
    clock.advance(Duration::from_secs(601));
    let commits = || server.service().store.commits().pieces.read().count;
    device.warm_up().await;
    let before = commits();
    device.pull().await;
    let with_contact = commits() - before;
    device.pull().await;
    assert_eq!(commits() - before, 2 * with_contact, "a pull that keeps it costs what another one costs");
    assert_eq!(seen().await, Some(first + Duration::from_secs(3601)));
    clock.set_back(Duration::from_secs(24 * 3600));
    device.pull().await;
    assert!(seen().await < Some(first), "a clock that was wrong does not hide the phone for a day");
}

#[tokio::test]
async fn who_is_deleted_is_asked_nothing_any_more_and_whoever_waits_hears_of_it() {
    let Scene { clock, server, site, user } = &Scene::new().await;
    let device = HandmadeDevice::enrol_at(site, user, clock).await;
    let phone = Phone::at(clock);
    let id = phone.enrol(site, user).await;
    let (pending, compact) = device.asked(site, user).await;
    let waiting = site.waits(format!("/v1/challenges/{pending}?wait=60"));
    server.until_waiting(|wake| wake.challenges.count(), 1).await;
    let path = format!("/v1/users/{user}");
    assert_eq!(delete(site, &path).await.status, 204);
    assert_eq!(waiting.await.unwrap().body["state"], "cancelled", "the wait has ended");
    assert!(phone.core.pull(id, 0).await.unwrap().ended.is_some(), "the phone hears so by the server's signed word");
    for answer in [
        delete(site, &path).await,
        site.get(&path).await,
        site.get(&format!("{path}/devices")).await,
        site.get(&format!("{path}/authenticators")).await,
        site.post(&format!("{path}/enrolments"), &json!({})).await,
        site.ask_for(user, json!({})).await,
        site.verify(user, "000000").await,
    ] {
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{answer:?}");
    }
    let late = device.decide(&pending, device.decision(&compact, Approve)).await;
    assert_eq!(late.status, 403, "{late:?}");

    let again = site.user("maya").await;
    assert_ne!(&again, user, "somebody of the same name is somebody else");
    let kept: i64 =
        server.sqlite().query_row("SELECT count(*) FROM account WHERE name = 'maya'", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1);
    let names: i64 = server
        .sqlite()
        .query_row("SELECT count(*) FROM enrolment WHERE device_name IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(names, 0, "the names of the devices are forgotten");
}

#[tokio::test]
async fn nobody_of_another_organisation_is_there() {
    let Scene { clock, server, site, user } = &Scene::new().await;
    let device = HandmadeDevice::enrol_at(site, user, clock).await;
    let stranger = &server.relying_party("Harbour", "Shop").await;
    let other = stranger.user("noor").await;
    let (path, device) = (format!("/v1/users/{user}"), device.id());
    let of_theirs = stranger.get("/v1/users/AAAAAAAAAAAAAAAAAAAAAA").await;
    for answer in [
        stranger.get(&path).await,
        stranger.get(&format!("{path}/devices")).await,
        delete(stranger, &path).await,
        delete(stranger, &format!("{path}/devices/{device}")).await,
        stranger.post(&format!("{path}/enrolments"), &json!({})).await,
        stranger.ask_for(user, json!({})).await,
    ] {
        assert_eq!((answer.status, &answer.body), (404, &of_theirs.body), "as somebody who never was");
    }
    let enrolment = stranger.get(&format!("/v1/enrolments/{device}")).await;
    for answer in [enrolment, stranger.confirm(&device, "000000").await] {
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{answer:?}");
    }
    assert_ne!(&stranger.user("maya").await, user, "the same name is another person there");
    let mixed = delete(stranger, &format!("/v1/users/{other}/devices/{device}")).await;
    assert_eq!((mixed.status, mixed.code()), (404, "not_found"), "not through a person of their own either");
    assert_eq!(
        site.get(&format!("{path}/devices")).await.body["devices"][0]["state"],
        "confirmed",
        "nothing has changed"
    );
    let sister = server.relying_party("Meridian", "Shop").await;
    assert_eq!(sister.get(&path).await.status, 200, "an organisation's people are of all its relying parties");
}

#[tokio::test]
async fn a_deleted_persons_row_goes_when_nothing_refers_to_it_any_more() {
    let Scene { clock, server, site, user } = &Scene::new().await;
    let device = HandmadeDevice::enrol_at(site, user, clock).await;
    device.asked(site, user).await;
    delete(site, &format!("/v1/users/{user}")).await;
    let rows = || -> i64 { server.sqlite().query_row("SELECT count(*) FROM account", [], |row| row.get(0)).unwrap() };
    let remove = async || {
        let (service, at) = (server.service(), server.service().now());
        for what in countersign_server::store::Removed::ALL {
            service.store.remove_piece(what, &countersign_server::store::Ages::default(), at).await.unwrap();
        }
    };
    clock.advance(Duration::from_secs(80 * 24 * 3600));
    remove().await;
    assert_eq!(rows(), 1, "a receipt needs it");
    clock.advance(Duration::from_secs(400 * 24 * 3600));
    remove().await;
    remove().await;
    assert_eq!(rows(), 0);
}

//! `countersign admin` works from another process, and whoever waits at the running server hears of it.

use countersign_tests::http::Answer;
use countersign_tests::program::Installation;
use reqwest::Method;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Far less than the wait, which is of a minute.
const SOON: Duration = Duration::from_secs(20);

async fn heard(waiting: JoinHandle<Answer>) -> Answer {
    tokio::time::timeout(SOON, waiting).await.expect("it hears soon").unwrap()
}

#[tokio::test]
async fn a_wait_ends_when_another_process_retires_or_renews_who_waits_or_deletes_the_person() {
    for ends in ["revoke", "rotate", "delete"] {
        let installation = Installation::new().await;
        installation.device().await;
        let site = &installation.site;
        let challenge = site.ask(&installation.user).await;
        // Whether it parks before the command runs or comes after it, it hears the same.
        let waiting = site.waits(format!("/v1/challenges/{challenge}?wait=60"));
        if ends == "delete" {
            installation.admin(&["user", "delete", "--organisation", "Meridian", &installation.user, "--yes"]).await;
            assert_eq!(heard(waiting).await.body["state"], "cancelled");
        } else {
            let handle = site.get("/v1/relying-party").await.body["id"].as_str().unwrap().to_owned();
            installation.admin(&["relying-party", ends, &handle]).await;
            assert_eq!(heard(waiting).await.code(), "unauthorised", "{ends}");
        }
    }
}

#[tokio::test]
async fn a_pull_ends_when_another_process_removes_the_device() {
    let installation = Installation::new().await;
    let device = installation.device().await;
    device.warm_up().await;
    let id = device.id().to_string();
    let waiting = tokio::spawn(async move { device.send(Method::GET, "/v1/device/challenges?wait=60", b"").await });
    installation.admin(&["device", "revoke", "--organisation", "Meridian", "--user", &installation.user, &id]).await;
    assert_eq!(heard(waiting).await.body["state"], "void");
}

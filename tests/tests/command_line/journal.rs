//! `countersign admin journal`: who did what, to whom, why, when, from where; and what an admin command says to
//! programs when it is refused.

use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Answer::{Approve, Report};
use countersign_tests::handmade::read_claims;
use countersign_tests::program::{Installation, admin_command, command, run};
use serde_json::{Value, json};

/// The facts of these lines, in their order.
fn facts(lines: &Value) -> Vec<&str> {
    lines.as_array().unwrap().iter().map(|line| line["what"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_login_report_revocation_and_act_of_an_operator_is_a_line() {
    let here = Installation::new().await;
    let Installation { site, user, .. } = &here;
    let device = here.device().await;
    let (challenge, compact) = device.asked(site, user).await;
    device.answers(&compact, Approve).await;
    assert_eq!(site.claim(&challenge, "k").await.status, 200);
    let (_, compact) = device.asked(site, user).await;
    device.answers(&compact, Report).await;
    let id = device.id().to_string();
    let mut revoke = admin_command(
        here.data.path(),
        &["device", "revoke", "--organisation", "Meridian", "--user", user, &id, "--reason", "the phone is lost"],
    );
    revoke.env("USER", "root").env("SUDO_USER", "ines");
    run(revoke).await.expect(0);

    let of_user = here.admin(&["journal", "--user", user]).await;
    let all = facts(&of_user);
    for fact in ["account.created", "device.confirmed", "challenge.claimed", "challenge.reported", "device.ended"] {
        assert!(all.contains(&fact), "{fact}: {all:?}");
    }
    let line = |fact: &str| of_user.as_array().unwrap().iter().find(|line| line["what"] == fact).unwrap().clone();
    let claimed = line("challenge.claimed");
    assert_eq!((&claimed["by"]["kind"], &claimed["from"]), (&json!("relying_party"), &json!("127.0.0.1")), "{claimed}");
    assert_eq!((&claimed["challenge"], &claimed["user"]), (&json!(challenge), &json!(user)));
    let ended = line("device.ended");
    assert_eq!(ended["by"], json!({ "kind": "operator", "id": "ines" }), "who became root says who it was");
    assert_eq!((&ended["device"], &ended["reason"]), (&json!(id), &json!("revoked: the phone is lost")));

    let numbers: Vec<u64> = of_user.as_array().unwrap().iter().map(|line| line["number"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted(), "the newest is last: {numbers:?}");
    assert_eq!(facts(&here.admin(&["journal", "--limit", "1", "--user", user]).await), [*all.last().unwrap()]);
    assert_eq!(facts(&here.admin(&["journal", "--what", "challenge.claimed"]).await), ["challenge.claimed"]);
    let devices = here.admin(&["journal", "--what", "device", "--since", "2h"]).await;
    assert!(facts(&devices).iter().all(|fact| fact.starts_with("device.")) && facts(&devices).len() >= 3, "{devices}");
    assert_eq!(here.admin(&["journal", "--until", "2001-01-01"]).await, json!([]));
    let by = claimed["by"]["id"].as_str().unwrap();
    assert!(facts(&here.admin(&["journal", "--relying-party", by]).await).contains(&"challenge.claimed"));
}

#[tokio::test]
async fn a_long_journal_is_read_whole_page_by_page() {
    let here = Installation::new().await;
    let database = rusqlite::Connection::open(here.data.path().join("countersign.db")).unwrap();
    database
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1234)
             INSERT INTO journal (at, actor_kind, fact, account) SELECT 1700000000000 + i, 'server', 'code.refused', 'x'
             FROM n",
        )
        .unwrap();
    let count = async |arguments: &[&str]| here.admin(arguments).await.as_array().unwrap().len();
    assert_eq!(count(&["journal", "--since", "2023-01-01", "--what", "code.refused"]).await, 1234);
    assert_eq!(count(&["journal", "--what", "code"]).await, 100);
    assert_eq!(count(&["journal", "--limit", "777", "--what", "code"]).await, 777);
}

#[tokio::test]
async fn people_read_columns_and_escape_sequences_are_shown() {
    let here = Installation::new().await;
    let mut revoke =
        admin_command(here.data.path(), &["organisation", "create", "Harbour", "--reason", "\u{1b}[2Jnone of yours"]);
    revoke.env("USER", "in\u{1b}[1Aes");
    run(revoke).await.expect(0);
    let mut journal = command(&["admin", "journal", "--what", "organisation.created"]);
    journal.env("COUNTERSIGN_DATA_DIR", here.data.path());
    let shown = run(journal).await.expect(0).out;
    let headings: Vec<&str> = shown.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(headings, ["TIME", "WHAT", "BY", "FROM", "TO", "REASON"], "{shown}");
    assert!(shown.contains("operator in[1Aes") && shown.contains("\\u{1b}[2Jnone of yours"), "{shown}");
}

#[tokio::test]
async fn a_refusal_is_json_where_json_was_asked_for() {
    let here = Installation::new().await;
    let told = async |arguments: &[&str], code: i32| {
        let ended = run(admin_command(here.data.path(), arguments)).await.expect(code);
        assert_eq!(ended.out, "");
        serde_json::from_str::<Value>(&ended.err).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
    };
    let unknown = told(&["user", "list", "--organisation", "Harbour"], 3).await;
    assert_eq!(unknown["code"], "not_found", "{unknown}");
    assert!(unknown["detail"].as_str().unwrap().starts_with("there is no organisation \"Harbour\""), "{unknown}");
    assert_eq!(told(&["organisation", "create", "Meridian"], 3).await["code"], "refused");
    assert_eq!(told(&["organisation", "create", "a\u{202e}b"], 2).await["code"], "malformed");
    let usage = told(&["user", "list"], 2).await;
    assert!(usage["code"] == "usage" && usage["detail"].as_str().unwrap().contains("--organisation"), "{usage}");
    let mut elsewhere = admin_command(here.data.path(), &["organisation", "list"]);
    elsewhere.env("COUNTERSIGN_DATA_DIR", "/nonexistent");
    let ended = run(elsewhere).await.expect(2);
    assert_eq!(serde_json::from_str::<Value>(&ended.err).unwrap()["code"], "usage", "{ended:?}");
}

#[tokio::test]
async fn things_are_renamed() {
    let here = Installation::new().await;
    here.admin(&["organisation", "create", "Harbour"]).await;
    here.refuses(&["organisation", "rename", "Meridian", "Harbour"], 3, "there is an organisation of this name").await;
    here.refuses(&["organisation", "rename", "Nowhere", "Else"], 3, "no organisation \"Nowhere\"").await;
    assert_eq!(here.admin(&["organisation", "rename", "Meridian", "Meridian AG"]).await["name"], "Meridian AG");
    let site = here.admin(&["relying-party", "list"]).await[0].clone();
    assert_eq!(site["organisation"], "Meridian AG");
    let id = site["id"].as_str().unwrap();
    assert_eq!(here.admin(&["relying-party", "rename", id, "Shop"]).await["name"], "Shop");
    here.admin(&["relying-party", "create", "--organisation", "Meridian AG", "Other"]).await;
    here.refuses(&["relying-party", "rename", id, "Other"], 3, "has a relying party of this name").await;
    here.refuses(&["relying-party", "rename", "nobody", "X"], 3, "no relying party of this id").await;
    let device = here.device().await;
    let (_, compact) = device.asked(&here.site, &here.user).await;
    assert_eq!(read_claims::<Challenge>(&compact).relying_party, "Shop", "asked at once");
}

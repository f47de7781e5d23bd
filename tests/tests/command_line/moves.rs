//! `countersign admin move`: the phone change of a colleague, and of many, planned on the command line.

use countersign_protocol::handle::EnrolmentId;
use countersign_tests::phone::Phone;
use countersign_tests::program::{Installation, admin_command, run};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

const OF: [&str; 2] = ["--organisation", "Meridian"];
const WHY: [&str; 2] = ["--reason", "new phones"];

async fn planned(here: &Installation, more: &[&str]) -> Value {
    here.admin(&[&["move", "create"][..], &OF, &WHY, more].concat()).await
}

/// What the import of this text came to.
async fn import(here: &Installation, text: &[u8], more: &[&str], code: i32) -> (Value, String) {
    let file = here.data.path().join("monday.csv");
    std::fs::write(&file, text).unwrap();
    let arguments = [&["move", "import", file.to_str().unwrap()][..], &OF, &WHY, more].concat();
    let ended = run(admin_command(here.data.path(), &arguments)).await.expect(code);
    (serde_json::from_str(&ended.out).unwrap_or_default(), ended.err)
}

async fn listed(here: &Installation, more: &[&str]) -> Vec<Value> {
    here.admin(&[&["move", "list"][..], &OF, more].concat()).await.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_colleague_whose_phone_is_gone_gets_a_new_one_with_a_code_from_the_help_desk() {
    let here = Installation::new().await;
    let user = here.user.clone();
    let old = Phone::new();
    let old_id = old.enrol(&here.site, &user).await;
    let made = planned(&here, &["--user", &user]).await;
    assert_eq!((&made["state"], &made["device"], &made["name"]), (&json!("armed"), &json!(old_id), &json!("maya")));
    let id = made["id"].as_str().unwrap();
    let found = here.site.get(&format!("/v1/moves?user_id={user}")).await;
    assert_eq!(found.body["moves"][0]["id"], id, "the page on which she signs in finds it");

    let given = here.admin(&[&["move", "opening-code"][..], &OF, &[id]].concat()).await;
    let opened = here.site.post(&format!("/v1/moves/{id}/opening-code"), &json!({ "code": given["code"] })).await;
    assert_eq!(opened.body["valid"], true, "{opened:?}");
    let offer = here.site.post(&format!("/v1/moves/{id}/offer"), &Value::Null).await;
    let new = Phone::new();
    let account = new.core.enrol(offer.body["link"].as_str().unwrap(), "new phone").await.unwrap();
    let countersign_device::AccountState::Proposed { confirmation_code } = &account.state else { panic!() };
    here.site.confirm(&account.id, confirmation_code).await;
    let asked = here.site.post(&format!("/v1/moves/{id}/rehearse"), &Value::Null).await;
    new.core.pull(account.id, 0).await.unwrap();
    new.core.approve(asked.body["id"].as_str().unwrap().parse().unwrap(), None).await.unwrap();
    let switched = listed(&here, &["--state", "switched"]).await;
    assert_eq!((&switched[0]["id"], &switched[0]["proof"]), (&json!(id), &json!("opening_code")));

    let lines = here.admin(&["journal", "--what", "move"]).await;
    let by_operator = |line: &&Value| line["by"]["kind"] == "operator";
    let told: Vec<&Value> = lines.as_array().unwrap().iter().filter(by_operator).map(|line| &line["what"]).collect();
    assert_eq!(told, ["move.created", "move.code_given"], "who planned it and who gave the code is on record");
    here.refuses(&[&["move", "cancel"][..], &OF, &[id]].concat(), 3, "move_not_now").await;
    here.refuses(&[&["move", "opening-code"][..], &OF, &[id]].concat(), 3, "move_not_now").await;
}

#[tokio::test]
async fn a_plan_is_made_for_a_day_and_taken_back() {
    let here = Installation::new().await;
    let user = here.user.clone();
    let (one, two) = (Phone::new(), Phone::new());
    let first = one.enrol(&here.site, &user).await;
    let second: EnrolmentId = two.enrol(&here.site, &user).await;
    let create = |more: &[&str]| {
        let all = [&["move", "create", "--user", &user][..], &OF, more].concat();
        all.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()
    };
    let refuses = async |more: &[&str], code: i32, words: &str| {
        let arguments = create(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        here.refuses(&arguments, code, words).await;
    };
    refuses(&[], 2, "--reason").await;
    refuses(&WHY, 2, "several phones").await;
    let device = second.to_string();
    let from = ["--device", &device, "--from", "2090-01-07", "--days", "2"];
    let made = planned(&here, &[&["--user", &user][..], &from].concat()).await;
    assert_eq!(
        (&made["valid_from"], &made["valid_until"]),
        (&json!("2090-01-07T00:00:00Z"), &json!("2090-01-09T00:00:00Z"))
    );
    assert_eq!(made["device"], json!(second));
    refuses(&[&WHY[..], &["--device", &first.to_string()]].concat(), 3, "already_moving").await;
    let id = made["id"].as_str().unwrap();
    here.refuses(&[&["move", "opening-code"][..], &OF, &[id]].concat(), 3, "move_not_now").await;
    assert_eq!(listed(&here, &["--due", "2090-01-06"]).await, [Value::Null; 0]);
    assert_eq!(listed(&here, &["--due", "2090-01-07"]).await.len(), 1);
    let back = here.admin(&[&["move", "cancel"][..], &OF, &[id]].concat()).await;
    assert_eq!(back["state"], "cancelled");
    refuses(&[&WHY[..], &["--device", &device, "--from", "2001-01-07"]].concat(), 2, "valid_until").await;
    here.refuses(&[&["move", "cancel"][..], &OF, &["AAAAAAAAAAAAAAAAAAAAAA"]].concat(), 3, "move list").await;
}

/// Thirty people with a phone each, by name.
async fn people(here: &Installation, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    for number in 0..count {
        let name = format!("person {number}");
        let user = here.site.user(&name).await;
        Phone::new().enrol(&here.site, &user).await;
        names.push(name);
    }
    names
}

fn lines_of(file: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn thirty_phones_are_planned_in_waves_and_the_same_file_plans_nothing_twice() {
    let here = Installation::new().await;
    let names = people(&here, 30).await;
    let mut text = "\u{feff}Name;Department\r\n".to_owned();
    for name in &names {
        write!(text, "{name};sales\r\n").unwrap();
    }
    let waves = ["--from", "2090-01-02", "--per-day", "12"];
    let (dry, _) = import(&here, text.as_bytes(), &[&waves[..], &["--dry-run"]].concat(), 0).await;
    assert_eq!((&dry["ready"], &dry["known"], &dry["left_out"]), (&json!(30), &json!(0), &json!(0)), "{dry}");
    assert_eq!(dry["lines"][12]["valid_from"], "2090-01-03T00:00:00Z");
    assert_eq!(listed(&here, &[]).await, [Value::Null; 0], "a dry run makes nothing");

    let result = here.data.path().join("result.csv");
    let with_result = [&waves[..], &["--result", result.to_str().unwrap()]].concat();
    let (made, _) = import(&here, text.as_bytes(), &with_result, 0).await;
    assert_eq!(made, json!({ "made": 30, "known": 0, "left_out": 0 }));
    let by_day = |day: &str| lines_of(&result).iter().filter(|line| line[5].starts_with(day)).count();
    assert_eq!([by_day("2090-01-02"), by_day("2090-01-03"), by_day("2090-01-04")], [12, 12, 6]);
    let told = lines_of(&result);
    assert!(told.iter().all(|line| line[3] == "made" && !line[4].is_empty()), "{told:?}");
    assert_eq!(told[7][..2], ["9".to_owned(), "person 7".to_owned()]);

    let (again, _) = import(&here, text.as_bytes(), &waves, 0).await;
    assert_eq!(again, json!({ "made": 0, "known": 30, "left_out": 0 }));
    assert_eq!(listed(&here, &[]).await.len(), 30);
    let (_, told) = import(&here, text.as_bytes(), &with_result, 2).await;
    assert!(told.contains("exists"), "a result is not written over: {told}");
}

#[tokio::test]
async fn a_bad_line_plans_nothing_and_is_named() {
    let here = Installation::new().await;
    let names = people(&here, 3).await;
    here.site.user("without a phone").await;
    let several = here.site.user("several").await;
    Phone::new().enrol(&here.site, &several).await;
    Phone::new().enrol(&here.site, &several).await;
    let moving = here.site.user("moving").await;
    Phone::new().enrol(&here.site, &moving).await;
    planned(&here, &["--user", &moving]).await;
    let text = format!(
        "name,device\n{},\nnobody,\nwithout a phone,\nseveral,\n{},not-an-id\n{},\nmoving,\nzo\u{0},\n{},\n",
        names[0], names[1], names[0], names[2]
    );
    let (_, told) = import(&here, text.as_bytes(), &[], 3).await;
    let detail: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    let detail = detail["detail"].as_str().unwrap();
    for words in [
        "7 lines cannot be made, so nothing was",
        "line 3: the organisation has no user \"nobody\"",
        "line 4: without a phone: the user has no such phone in use",
        "line 5: several: the user has 2 phones in use",
        "line 6: \"not-an-id\" is no phone's id",
        "line 7: person 0 is in line 2 too",
        "line 8: moving: another move of this user goes on",
        "line 9: it names nobody",
    ] {
        assert!(detail.contains(words), "{words}: {detail}");
    }
    assert_eq!(listed(&here, &[]).await.len(), 1, "nothing half done");
    let (dry, _) = import(&here, text.as_bytes(), &["--dry-run"], 0).await;
    let outcomes: Vec<&str> =
        dry["lines"].as_array().unwrap().iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    let out = "left_out";
    assert_eq!(outcomes, ["ready", out, out, out, out, out, out, out, "ready"], "in the order of the file: {dry}");
    assert!(dry["lines"][1]["why"].as_str().unwrap().contains("no user \"nobody\""), "{dry}");
    let (made, told) = import(&here, text.as_bytes(), &["--continue"], 0).await;
    assert_eq!(made, json!({ "made": 2, "known": 0, "left_out": 7 }), "{told}");
}

#[tokio::test]
async fn a_run_that_was_killed_is_sent_again_and_does_the_rest() {
    let here = Installation::new().await;
    let names = people(&here, 6).await;
    // What a killed run leaves: the first lines are made, one transaction each.
    let head = format!("name\n{}\n{}\n", names[0], names[1]);
    import(&here, head.as_bytes(), &["--per-day", "2", "--from", "2090-01-02"], 0).await;
    let text = format!("name\n{}\n", names.join("\n"));
    let (rest, _) = import(&here, text.as_bytes(), &["--per-day", "2", "--from", "2090-01-02"], 0).await;
    assert_eq!(rest, json!({ "made": 4, "known": 2, "left_out": 0 }));
    let days: Vec<Value> = listed(&here, &[]).await.into_iter().rev().map(|one| one["valid_from"].clone()).collect();
    let day = |number: u8| json!(format!("2090-01-0{number}T00:00:00Z"));
    assert_eq!(days, [day(2), day(2), day(3), day(3), day(4), day(4)], "each keeps the day of its place");
    // Another plan with the same people: each is moving already.
    let (_, told) = import(&here, text.as_bytes(), &["--plan", "another"], 3).await;
    assert!(told.contains("6 lines cannot be made"), "{told}");
}

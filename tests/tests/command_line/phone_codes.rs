//! `countersign phone` and the codes of other services.

use crate::terminal::Terminal;
use countersign_tests::program::{Ended, Installation, phone_command, run};
use serde_json::json;
use std::fs::File;

const LINK: &str = "otpauth://totp/Forge:maya?secret=JBSWY3DPEHPK3PXP&issuer=Forge";

impl Terminal {
    /// Adds what this file holds, from standard input.
    async fn adds_from_input(&self, text: &str) -> Ended {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("links");
        std::fs::write(&file, text).unwrap();
        let mut command = phone_command(self.0.path(), &["add", "-"]);
        command.stdin(File::open(file).unwrap());
        run(command).await
    }
}

#[tokio::test]
async fn codes_of_other_services_are_added_shown_renamed_and_removed() {
    let phone = Terminal::new();
    let preview = phone.does(&["add", "--preview", LINK]).await;
    assert_eq!((&preview["codes"][0]["issuer"], &preview["codes"][0]["id"]), (&json!("Forge"), &json!(null)));
    phone.fails(&["code"], 3, "add one with:").await;
    let added = phone.does(&["add", LINK]).await;
    let one = added["codes"][0].clone();
    let shown = ["issuer", "account", "standing", "by_counter", "warnings"].map(|name| one[name].clone());
    assert_eq!(shown, [json!("Forge"), json!("maya"), json!("new"), json!(false), json!([])]);
    let id = one["id"].as_str().unwrap();
    let code = phone.does(&["code", &id[..8]]).await;
    assert!(code["code"].as_str().unwrap().len() == 6 && (1..=30).contains(&code["seconds_left"].as_u64().unwrap()));
    let all = phone.does(&["code"]).await;
    assert_eq!((&all["codes"][0]["id"], &all["codes"][0]["service"]), (&json!(id), &json!("Forge")));
    assert_eq!(phone.does(&["add", LINK]).await["codes"][0]["standing"], "known");
    assert!(phone.says(&["add", LINK]).await.contains("maya at Forge is on this phone already"));
    assert!(phone.says(&["code"]).await.ends_with("maya at Forge\n"));
    assert!(phone.says(&["list"]).await.contains("maya at Forge  (codes of another service)"));

    let renamed = phone.does(&["rename", id, "--issuer", "Work forge"]).await;
    assert_eq!(renamed, json!({ "id": id, "issuer": "Work forge", "account": "maya", "group": null }));
    let listed = phone.does(&["list"]).await;
    let row = json!({ "id": id, "issuer": "Work forge", "account": "maya", "group": null, "by_counter": false });
    assert_eq!(listed["codes"], json!([row]));
    assert_eq!(phone.does(&["remove", &id[..8]]).await, json!({ "id": id, "removed": true }));
    assert_eq!(phone.does(&["list"]).await["codes"], json!([]));
    phone.fails(&["remove", id], 3, "see:").await;
}

#[tokio::test]
async fn a_secret_is_kept_out_of_the_command_line() {
    let phone = Terminal::new();
    let text =
        format!("# my services\n{LINK}\nsteam://JBSWY3DPEHPK3PXP\notpauth://totp/Old:maya?secret=JBSWY3DPEHPK3PX1\n");
    let ended = phone.adds_from_input(&text).await.expect(3);
    assert!(ended.err.contains("1 of 3 could not be added"), "{ended:?}");
    let added = ended.json();
    assert_eq!(added["codes"].as_array().unwrap().len(), 2, "the others are there: {added}");
    let refused = &added["not_taken"][0];
    assert_eq!((&refused["name"], &refused["reason"]), (&json!("Old, maya"), &json!("secret_characters")));
    assert!(refused["message"].as_str().unwrap().contains("A to Z and the digits 2 to 7"), "{refused}");
    let help = phone.says(&["add", "--help"]).await;
    assert!(help.contains("can be seen by others") && help.contains("countersign phone add - < FILE"), "{help}");
    let shown = phone.says(&["code"]).await;
    let steam = shown.lines().last().unwrap();
    assert!(steam.ends_with("Steam") && steam.split_whitespace().next().unwrap().len() == 5, "{shown}");
}

#[tokio::test]
async fn a_key_alone_needs_names_and_a_link_may_be_given_others() {
    let phone = Terminal::new();
    phone.fails(&["add", "jbsw y3dp ehpk 3pxp"], 3, "--issuer SERVICE --account NAME").await;
    let key = ["add", "jbsw y3dp ehpk 3pxp", "--issuer", "Forge", "--account", "maya"];
    assert_eq!(phone.does(&key).await["codes"][0]["standing"], "new");
    assert_eq!(phone.does(&["add", LINK]).await["codes"][0]["standing"], "known", "the key is that of the link");
    let named = phone.does(&["add", LINK, "--account", "noor"]).await;
    assert_eq!((&named["codes"][0]["issuer"], &named["codes"][0]["account"]), (&json!("Forge"), &json!("noor")));
    let two = format!("{LINK}\n{LINK}");
    phone.fails(&["add", &two, "--account", "x"], 2, "there are several").await;
}

#[tokio::test]
async fn a_code_by_counter_is_made_when_it_is_named_and_each_once() {
    let phone = Terminal::new();
    let link = "otpauth://hotp/Forge:maya?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=0";
    let added = phone.does(&["add", link]).await;
    let id = added["codes"][0]["id"].as_str().unwrap();
    for _ in 0..2 {
        assert_eq!(phone.does(&["code"]).await["codes"][0]["code"], json!(null), "looking spends nothing");
    }
    assert!(phone.says(&["code"]).await.contains(&format!(" code {id}")));
    for code in ["755224", "287082", "359152"] {
        assert_eq!(phone.does(&["code", id]).await, json!({ "code": code, "by_counter": true }), "RFC 4226");
    }
}

#[tokio::test]
async fn what_is_refused_says_what_it_is_in_the_persons_language() {
    let phone = Terminal::new();
    for (text, words) in [
        ("https://example.org/", "This is the address of a page."),
        ("phonefactor://activate_account?code=1", "This code works with Microsoft Authenticator alone."),
        ("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=MD5", "This link asks for MD5"),
        ("otpauth-migration://offline?data=AAAA", "Export them again in the other app."),
        ("https://login.example/enrol#t=x&k=y", "Add it under accounts"),
        ("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP;digits=8", "its codes could be wrong"),
        ("", "There is no link for codes in this."),
    ] {
        let ended = phone.fails(&["add", text], 3, words).await;
        assert!(!ended.err.contains("JBSWY3DP") && ended.out.is_empty(), "{ended:?}");
    }
    let mut command = phone_command(phone.0.path(), &["add", "https://example.org/"]);
    command.env("LANG", "de_DE.UTF-8");
    let ended = run(command).await.expect(3);
    assert!(ended.err.contains("Das ist die Adresse einer Seite."), "{ended:?}");
}

#[tokio::test]
async fn codes_of_others_stand_beside_those_of_the_accounts() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    phone.does(&["add", LINK]).await;
    let all = phone.does(&["code"]).await;
    let services: Vec<_> = all["codes"].as_array().unwrap().iter().map(|one| one["service"].clone()).collect();
    assert_eq!(services, ["Meridian", "Forge"]);
    let account = phone.does(&["list"]).await["accounts"][0]["id"].as_str().unwrap().to_owned();
    phone.fails(&["rename", &account, "--account", "x"], 3, "only codes of other services are renamed").await;
    assert_eq!(phone.does(&["code", &account]).await["code"].as_str().unwrap().len(), 6);
}

//! The command line as an operator meets it: what it teaches, and what it says when it is used or configured wrongly.

use countersign_tests::http::{client, send};
use countersign_tests::program::{
    Ended, Program, admin_command, command, init_command, phone_command, run, serve_command, used,
};
use std::net::TcpListener;
use std::path::Path;

/// The entries of a help text's sections: what can be written, and what it does.
fn entries(help: &str) -> Vec<(&str, &str, &str)> {
    let mut section = "";
    let mut entries = Vec::new();
    for line in help.lines() {
        match line.strip_prefix("  ") {
            // A sentence that does not fit beside its name goes on below it.
            Some(more) if more.starts_with(' ') && !more.trim_start().starts_with('-') => {
                if let Some((_, _, meaning @ "")) = entries.last_mut() {
                    *meaning = more.trim();
                }
            }
            Some(entry) if !section.is_empty() => {
                let (name, meaning) = entry.trim_start().split_once("  ").unwrap_or((entry.trim_start(), ""));
                entries.push((section, name, meaning.trim()));
            }
            _ => section = line.strip_suffix(':').unwrap_or_default(),
        }
    }
    entries
}

#[tokio::test]
async fn every_command_explains_itself_and_all_it_takes() {
    let mut unread = vec![Vec::new()];
    let mut read = 0;
    while let Some(path) = unread.pop() {
        let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = run(command(&arguments)).await.expect(0).out;
        let first = help.lines().next().unwrap();
        assert!(first.split_whitespace().count() >= 2, "{path:?} says what it is for: {help}");
        assert!(help.contains("\nUsage: countersign"), "{path:?}: {help}");
        for (section, name, meaning) in entries(&help) {
            assert!(!meaning.is_empty(), "{path:?} does not explain {name}: {help}");
            if section == "Commands" && name != "help" {
                unread.push(path.iter().cloned().chain([name.to_owned()]).collect());
            }
        }
        read += 1;
    }
    assert!(read > 20, "the commands were found: {read}");
}

#[tokio::test]
async fn what_is_not_known_is_a_usage_error() {
    let wrong: [&[&str]; 7] = [
        &[],
        &["--frobnicate"],
        &["frobnicate"],
        &["serve", "--frobnicate"],
        &["phone", "list", "--frobnicate"],
        &["admin", "user", "create", "maya"],
        &["admin", "device", "list", "--organisation", "Meridian", "--user", "not-an-id"],
    ];
    for arguments in wrong {
        let ended = run(command(arguments)).await.expect(2);
        assert!(ended.err.contains("Usage: countersign") || ended.err.contains("--help"), "{arguments:?}: {ended:?}");
        assert_eq!(ended.out, "", "{arguments:?}");
    }
}

#[tokio::test]
async fn the_first_line_says_where_the_server_listens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("countersign.toml");
    let data = folder.path().join("data");
    std::fs::write(&file, format!("listen = \"127.0.0.1:0\"\ndata_dir = {data:?}\n")).unwrap();
    run(command(&["init", "--config", file.to_str().unwrap()])).await.expect(0);
    let mut serve = command(&["serve", "--config", file.to_str().unwrap()]);
    serve.env("RUST_LOG", "error");
    let server = Program::start(serve).await;
    assert_eq!(send(client().get(format!("{}/readyz", server.url))).await.status, 200);
    assert!(data.join("countersign.db").exists(), "the file says where the data is");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut serve = serve_command(folder.path());
    serve.env("COUNTERSIGN_LISTEN", &address);
    let port = taken.local_addr().unwrap().port().to_string();
    let demo = command(&["demo", "--port", &port, "--data", folder.path().to_str().unwrap()]);
    for start in [serve, demo] {
        let ended = run(start).await.expect(2);
        assert!(ended.err.contains(&address) && ended.err.contains("choose another port"), "{ended:?}");
        assert_eq!(ended.out, "", "it does not claim to listen");
    }
}

#[tokio::test]
async fn an_id_may_begin_with_a_dash_as_one_in_sixty_four_does() {
    const ID: &str = "-h6EBVHkRNuYxBmhkAwI9A";
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["approve", ID][..], &["deny", ID], &["remove", "-h6E"]] {
        let ended = run(phone_command(folder.path(), arguments)).await.expect(3);
        assert!(ended.err.contains("no "), "{arguments:?}: {ended:?}");
    }
    assert!(Program::serve(folder.path()).await.stop().await.success());
    let of_user = ["device", "revoke", "--organisation", "Meridian", "--user", ID, ID];
    for arguments in [&["relying-party", "rotate", ID][..], &["relying-party", "revoke", ID], &of_user] {
        let ended = run(admin_command(folder.path(), arguments)).await.expect(3);
        assert!(ended.err.contains("there is no "), "{arguments:?}: {ended:?}");
    }
}

/// Runs a command with a configuration file, in a folder of its own.
async fn configured(arguments: &[&str], folder: &Path, file: &Path) -> Ended {
    let mut command = command(arguments);
    command.arg("--config").arg(file).current_dir(folder);
    run(command).await
}

#[tokio::test]
async fn a_configuration_file_that_does_not_fit_is_named_with_the_reason() {
    let cases = [
        ("[push.webpush]\nallow_privat = true", ":2:1", "did you mean push.webpush.allow_private?"),
        ("data_dir = \"d\"\n[limits]\nconnections = 0", ":3:15", "found 0, expected a whole number from 10"),
        ("listen = \"127.0.0.1:0", ":1:", "string"),
        ("public_url = \"http://login.example\"", ":1:14: public_url", "https://"),
        ("[retention]\nchallenges = \"90 days\"", ":2:14: retention.challenges is \"90 days\"", "such as"),
    ];
    for (text, place, reason) in cases {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("countersign.toml");
        std::fs::write(&file, text).unwrap();
        let ended = configured(&["serve"], folder.path(), &file).await.expect(2);
        for named in [file.to_str().unwrap(), place, reason] {
            assert!(ended.err.contains(named), "{text}: {ended:?}");
        }
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "{text}: nothing was made");
    }
}

#[tokio::test]
async fn a_server_for_other_machines_asks_under_which_address_phones_reach_it() {
    let folder = tempfile::tempdir().unwrap();
    for mut start in [serve_command(folder.path()), init_command(folder.path())] {
        start.env("COUNTERSIGN_LISTEN", "0.0.0.0:0");
        let ended = run(start).await.expect(2);
        assert!(ended.err.contains("public_url is missing") && ended.err.contains("https://"), "{ended:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
    }
}

#[tokio::test]
async fn a_configuration_file_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("countersign.toml");
    for arguments in [&["serve"][..], &["admin", "organisation", "list"]] {
        let ended = configured(arguments, folder.path(), &file).await.expect(2);
        assert!(ended.err.contains(file.to_str().unwrap()) && ended.err.contains("cannot be read"), "{ended:?}");
    }
}

#[tokio::test]
async fn an_environment_variable_that_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, named) in [
        ("COUNTERSIGN_LISTENS", "127.0.0.1:0", "did you mean COUNTERSIGN_LISTEN?"),
        ("COUNTERSIGN_LIMITS__CONNECTIONS", "many", "found \"many\", expected a whole number"),
    ] {
        let mut serve = serve_command(folder.path());
        serve.env(name, value);
        let ended = run(serve).await.expect(2);
        assert!(ended.err.contains(named), "{ended:?}");
    }
}

#[tokio::test]
async fn where_the_phone_keeps_its_store_is_not_taken_for_the_servers_configuration() {
    let folder = used().await;
    let mut list = admin_command(folder.path(), &["organisation", "list"]);
    list.env("COUNTERSIGN_PHONE_STORE", folder.path());
    assert_eq!(run(list).await.expect(0).json(), serde_json::json!([]));
}

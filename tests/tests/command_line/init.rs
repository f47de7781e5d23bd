//! `countersign init`: a stranger's first command.

use countersign_tests::folder::contents;
use countersign_tests::http::{RelyingParty, client, send};
use countersign_tests::program::{Ended, Program, command, init, init_command, run, serve_command};
use std::path::Path;

/// Runs a command in this folder.
async fn in_folder(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = command(arguments);
    command.current_dir(folder);
    run(command).await
}

#[tokio::test]
async fn two_commands_lead_from_nothing_to_a_server_that_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let made = in_folder(
        folder.path(),
        &[
            "init",
            "--config",
            "it is here.toml",
            "--public-url",
            "http://127.0.0.1:8443",
            "--listen",
            "127.0.0.1:0",
            "--organisation",
            "Harbour Hosting",
            "--relying-party",
            "Customer area",
        ],
    )
    .await
    .expect(0);
    let data = folder.path().join("countersign-data");
    for words in [
        "server id",
        "Move it to a place that no server reaches",
        data.join("root.key").to_str().unwrap(),
        data.join("master.key").to_str().unwrap(),
        "shown this once",
        "countersign serve --config 'it is here.toml'",
    ] {
        assert!(made.out.contains(words), "{words}: {made:?}");
    }
    let api_key = made.out.split_whitespace().find(|word| word.starts_with("csk_")).unwrap();
    let mut serve = command(&["serve", "--config", "it is here.toml"]);
    serve.current_dir(folder.path()).env("RUST_LOG", "error");
    let server = Program::start(serve).await;
    assert_eq!(send(client().get(format!("{}/readyz", server.url))).await.status, 200);
    RelyingParty::new(&server.url, api_key).user("maya").await;
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_server_that_is_there_is_left_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    init(data.path()).await;
    let before = contents(data.path());
    let ended = run(init_command(data.path())).await.expect(3);
    assert!(ended.err.contains("there is a server in") && ended.err.contains("countersign serve"), "{ended:?}");
    assert!(contents(data.path()) == before && ended.out.is_empty());

    let server = Program::serve(data.path()).await;
    run(init_command(data.path())).await.expect(3);
    assert_eq!(send(client().get(format!("{}/readyz", server.url))).await.status, 200);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_configuration_file_is_written_once_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let init = ["init", "--config", "c.toml"];
    let asked = in_folder(folder.path(), &init).await.expect(2);
    assert!(asked.err.contains("c.toml is not there") && asked.err.contains("--public-url"), "{asked:?}");
    let unfit = in_folder(folder.path(), &[&init[..], &["--public-url", "http://login.example"]].concat()).await;
    assert!(unfit.expect(2).err.contains("https://"));
    in_folder(folder.path(), &["init", "--public-url", "https://login.example"]).await.expect(2);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");

    let whole = [&init[..], &["--public-url", "https://login.example", "--data-dir", "data"]].concat();
    in_folder(folder.path(), &whole).await.expect(0);
    let written = std::fs::read(folder.path().join("c.toml")).unwrap();
    in_folder(folder.path(), &whole).await.expect(3);
    for (option, value) in
        [("--public-url", "https://other.example"), ("--listen", "127.0.0.1:1"), ("--data-dir", "elsewhere")]
    {
        let other = [&init[..], &["--public-url", "https://login.example", option, value]].concat();
        let other = if option == "--public-url" { vec![init[0], init[1], init[2], option, value] } else { other };
        let ended = in_folder(folder.path(), &other).await.expect(2);
        assert!(ended.err.contains(option) && ended.err.contains("not overwritten"), "{ended:?}");
    }
    assert_eq!(std::fs::read(folder.path().join("c.toml")).unwrap(), written);
}

/// Every moment at which a making may be cut off, as what it has left behind.
#[tokio::test]
async fn a_making_that_was_cut_off_is_finished_by_the_next_one() {
    let whole = tempfile::tempdir().unwrap();
    init(whole.path()).await;
    let cut: [(&str, &[&str], &[&str]); 5] = [
        ("before the database", &["master.key", "root.key", "server.id", "countersign.db"], &[]),
        ("before the master key", &["master.key", "root.key", "server.id"], &["setting", "signing_key", "vapid_key"]),
        ("before the root", &["root.key", "server.id"], &["setting", "signing_key"]),
        ("before the server's name", &["server.id"], &["signing_key"]),
        ("before the signing key", &[], &["signing_key"]),
    ];
    for (moment, files, tables) in cut {
        let data = tempfile::tempdir().unwrap();
        for name in contents(whole.path()).into_keys() {
            std::fs::copy(whole.path().join(&name), data.path().join(name)).unwrap();
        }
        for table in tables {
            let database = rusqlite::Connection::open(data.path().join("countersign.db")).unwrap();
            database.execute(&format!("DELETE FROM {table}"), []).unwrap();
        }
        for name in files {
            std::fs::remove_file(data.path().join(name)).unwrap();
        }
        let refused = run(serve_command(data.path())).await.expect(2);
        assert!(refused.err.contains("countersign init"), "{moment}: {refused:?}");
        assert_eq!(refused.err.contains("was cut off"), moment != "before the database", "{moment}: {refused:?}");
        init(data.path()).await;
        assert!(Program::serve(data.path()).await.stop().await.success(), "{moment}");
    }
}

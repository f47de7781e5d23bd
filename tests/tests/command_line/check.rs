//! `countersign check` and `--print-config`: what an operator learns before a server starts, and what changes by it.

use countersign_tests::folder;
use countersign_tests::program::{Ended, Program, command, run, serve_command};
use countersign_tests::tls::Authority;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Checks a configuration whose data folder this is.
async fn check(data: &Path, settings: &[(&str, &str)], code: i32) -> Vec<(String, String, String)> {
    let mut command = command(&["check", "--json"]);
    command.env("COUNTERSIGN_DATA_DIR", data).env("COUNTERSIGN_LISTEN", "127.0.0.1:0");
    // So that the limit of open files suffices wherever this runs.
    command.env("COUNTERSIGN_LIMITS__CONNECTIONS", "500").envs(settings.iter().copied());
    let ended = run(command).await.expect(code);
    let rows: Vec<Value> = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "subject"), text(row, "verdict"), text(row, "says"))).collect()
}

/// What of it is not ok.
fn doubts(findings: &[(String, String, String)]) -> Vec<String> {
    let line = |(subject, verdict, says): &(String, String, String)| format!("{verdict} {subject} {says}");
    findings.iter().filter(|(_, verdict, _)| verdict != "ok").map(line).collect()
}

/// Everything below a folder, with what is in it and when it was written.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let written = |file: &Path| folder.join(file).metadata().unwrap().modified().unwrap();
    folder::contents(folder).into_iter().map(|(file, bytes)| (file.clone(), bytes, written(&file))).collect()
}

#[tokio::test]
async fn what_serves_is_ok_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert_eq!(doubts(&check(&data, &[], 0).await), Vec::<String>::new(), "before the first start");
    assert!(!data.exists(), "it makes nothing");
    assert!(Program::serve(&data).await.stop().await.success());
    let before = contents(&data);
    let findings = check(&data, &[], 0).await;
    assert_eq!(doubts(&findings), Vec::<String>::new());
    for subject in [
        "configuration",
        "public_url",
        "listen",
        "tls",
        "data_dir",
        "master_key",
        "backup.journal",
        "clock",
        "file limit",
    ] {
        assert!(findings.iter().any(|(one, ..)| one == subject), "{subject}: {findings:?}");
    }
    assert!(contents(&data) == before, "it changes nothing");
}

#[tokio::test]
async fn what_does_not_serve_is_an_error_and_what_is_doubtful_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(Program::serve(&data).await.stop().await.success());
    let authority = Authority::new();
    let (cert, key) = authority.issue(&["other.example"], true);
    let (cert_path, key_path) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert_path, cert).unwrap();
    std::fs::write(&key_path, key).unwrap();
    let tls = [
        ("COUNTERSIGN_TLS__CERT", cert_path.to_str().unwrap()),
        ("COUNTERSIGN_TLS__KEY", key_path.to_str().unwrap()),
        ("COUNTERSIGN_PUBLIC_URL", "https://login.example"),
        ("COUNTERSIGN_LIMITS__CONNECTIONS", "9000000"),
    ];
    let found = doubts(&check(&data, &tls, 0).await).join("\n");
    for words in [
        "warn tls.cert the certificate ended at 2020",
        "warn tls.cert the certificate is not for login.example",
        "warn file limit",
        "can be read by others",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
    std::fs::remove_file(&key_path).unwrap();
    let found = doubts(&check(&data, &tls, 2).await).join("\n");
    assert!(found.contains("error tls configuration: tls.key") && found.contains("no such file"), "{found}");
    let journal = folder.path().join("journal");
    std::fs::create_dir(&journal).unwrap();
    std::fs::write(journal.join("1.jsonl"), "{\"recovery_journal\":1,\"server\":\"another\"}\n").unwrap();
    for (setting, value, words) in [
        ("COUNTERSIGN_BACKUP__JOURNAL", journal.to_str().unwrap(), "error backup.journal"),
        ("COUNTERSIGN_METRICS__LISTEN", "192.0.2.1:9464", "error metrics.listen"),
        ("COUNTERSIGN_LISTEN", "0.0.0.0:0", "error public_url configuration: public_url is missing"),
        ("COUNTERSIGN_PUSH__FCM__SERVICE_ACCOUNT", "/nowhere.json", "error push.fcm"),
        ("COUNTERSIGN_PUSH__APNS__KEY_FILE", "/nowhere.p8", "error push.apns"),
        ("COUNTERSIGN_WEBHOOK__EXTRA_ROOTS", "[\"/nowhere.pem\"]", "error webhook"),
        ("COUNTERSIGN_MASTER_KEY__FILE", "/nowhere.key", "error master_key"),
    ] {
        let found = doubts(&check(&data, &[(setting, value)], 2).await).join("\n");
        assert!(found.contains(words), "{words}: {found}");
    }
    for key in ["master.key", "root.key"] {
        std::fs::set_permissions(data.join(key), PermissionsExt::from_mode(0o644)).unwrap();
        let found = doubts(&check(&data, &[], 2).await).join("\n");
        assert!(found.starts_with("error") && found.contains(key) && found.contains("chmod 600"), "{found}");
        std::fs::set_permissions(data.join(key), PermissionsExt::from_mode(0o600)).unwrap();
    }
    std::fs::remove_file(data.join("countersign.db")).unwrap();
    assert!(doubts(&check(&data, &[], 2).await).join("\n").contains("error data_dir"));
}

#[tokio::test]
async fn a_port_that_is_taken_and_a_folder_that_is_missing_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Program::serve(&data).await;
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let found = doubts(&check(&data, &[("COUNTERSIGN_LISTEN", &address)], 0).await);
    assert!(found.len() == 1 && found[0].starts_with("warn listen") && found[0].contains("taken"), "{found:?}");
    let nowhere = folder.path().join("nowhere");
    let backups = [
        ("COUNTERSIGN_METRICS__LISTEN", &*address),
        ("COUNTERSIGN_BACKUP__EVERY", "24h"),
        ("COUNTERSIGN_BACKUP__DIRECTORY", nowhere.to_str().unwrap()),
    ];
    let found = doubts(&check(&data, &backups, 0).await);
    assert!(found.len() == 2 && found[0].starts_with("warn metrics.listen"), "{found:?}");
    assert!(found[1].starts_with("warn backup.directory") && found[1].contains("no backup is made until"), "{found:?}");
    assert!(server.stop().await.success());
}

/// What a command prints of the effective configuration.
async fn printed(arguments: &[&str], folder: &Path, file: &Path) -> Ended {
    let mut command = command(arguments);
    command.current_dir(folder).env("COUNTERSIGN_CONFIG", file).env("COUNTERSIGN_CODES__STRICT", "true");
    run(command).await.expect(0)
}

#[tokio::test]
async fn the_effective_configuration_is_printed_and_serve_and_admin_find_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    let etc = folder.path().join("etc");
    std::fs::create_dir(&etc).unwrap();
    let file = etc.join("countersign.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\ndata_dir = \"data\"\n").unwrap();
    for arguments in [&["serve", "--print-config"], &["check", "--print-config"]] {
        let shown = printed(arguments, Path::new("/"), &file).await.out;
        let read: toml::Table = shown.parse().unwrap();
        assert_eq!(read["data_dir"].as_str(), etc.join("data").to_str(), "{shown}");
        assert!(shown.contains("countersign.toml:2:12") && shown.contains("COUNTERSIGN_CODES__STRICT"), "{shown}");
        assert!(!etc.join("data").exists());
    }
    let mut init = command(&["init"]);
    init.env("COUNTERSIGN_CONFIG", &file).current_dir(folder.path());
    run(init).await.expect(0);
    // Started from elsewhere, and asked from elsewhere still: one folder.
    let mut serve = serve_command(folder.path());
    serve.env_remove("COUNTERSIGN_DATA_DIR").env("COUNTERSIGN_CONFIG", &file).current_dir("/");
    let server = Program::start(serve).await;
    assert!(etc.join("data/countersign.db").exists());
    let mut admin = command(&["admin", "--json", "organisation", "create", "Meridian", "--config"]);
    admin.arg(&file).current_dir(folder.path());
    assert_eq!(run(admin).await.expect(0).json()["name"], "Meridian");
    assert!(server.stop().await.success());
}

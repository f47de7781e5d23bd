//! Backups of the real binary: made under load, and restored as an operator does it.

use countersign_device::Outcome;
use countersign_protocol::time::Clock;
use countersign_server::runtime::restore::restoring::Wish;
use countersign_tests::http::{client, send};
use countersign_tests::phone::Phone;
use countersign_tests::program::{Installation, Program, admin_command, run, serve_command};
use countersign_tests::scene::Scene;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a command on this data folder says, which must end with this code.
async fn says(data: &Path, arguments: &[&str], code: i32) -> countersign_tests::program::Ended {
    run(admin_command(data, arguments)).await.expect(code)
}

/// The database goes, as from a disk that died.
fn lose_database(data: &Path) {
    for name in ["countersign.db", "countersign.db-wal", "countersign.db-shm"] {
        // The last two are there only while something works on the database.
        let _ = std::fs::remove_file(data.join(name));
    }
}

/// The files of the recovery journal.
fn journal(data: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(data.join("recovery-journal")).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

/// The only file of the recovery journal.
fn only_file(data: &Path) -> std::path::PathBuf {
    let mut files = journal(data);
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn copied_under_load_restored_and_signed_in() {
    let here = Installation::new().await;
    let phone = Phone::new();
    let id = phone.enrol(&here.site, &here.user).await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("backup.key");
    let made = here.admin(&["backup-key", key.to_str().unwrap()]).await;
    let recipient = made["recipient"].as_str().unwrap().to_owned();

    // Questions are asked without a pause while backups are made.
    let (busy, asked) = (Arc::new(AtomicBool::new(true)), here.site.user("noor").await);
    let load = tokio::spawn({
        let (busy, site) = (Arc::clone(&busy), here.site.clone());
        async move {
            let mut count = 0;
            while busy.load(Ordering::SeqCst) {
                site.post("/v1/challenges", &serde_json::json!({ "user_id": asked })).await;
                count += 1;
            }
            count
        }
    });
    let (plain, sealed) = (folder.path().join("plain.backup"), folder.path().join("sealed.backup"));
    here.admin(&["backup", plain.to_str().unwrap()]).await;
    here.admin(&["backup", sealed.to_str().unwrap(), "--recipient", &recipient]).await;
    here.refuses(&["backup", plain.to_str().unwrap()], 3, "is there already").await;
    busy.store(false, Ordering::SeqCst);
    assert!(load.await.unwrap() > 0, "it worked all the while");
    let text = std::fs::read(&sealed).unwrap();
    assert!(!text.windows(8).any(|part| part == b"SQLite f"), "nothing of it can be read");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "nothing is left beside them: {left:?}");
    assert!(!here.data.path().join("backup.copy").exists());

    // The server is there and so is its database.
    let restore = ["restore", sealed.to_str().unwrap(), "--key", key.to_str().unwrap()];
    here.refuses(&restore, 5, "another server works on").await;
    let here = here.kill().await;
    let data = here.data.path();
    assert!(says(data, &restore, 3).await.err.contains("is left as it is"));
    lose_database(data);
    assert!(says(data, &restore[..2], 2).await.err.contains("--key FILE"));
    let tried = says(data, &[&restore[..], &["--dry-run"]].concat(), 0).await.json();
    assert_eq!((tried["dry_run"].as_bool(), data.join("countersign.db").exists()), (Some(true), false));
    assert!(!data.join("restoring").exists());
    let restored = says(data, &restore, 0).await.json();
    assert_eq!(restored["sequence"], 2, "{restored}");

    let here = here.start().await;
    let question = here.site.ask(&here.user).await;
    phone.core.pull(id, 0).await.unwrap();
    assert_eq!(phone.core.approve(question.parse().unwrap(), None).await.unwrap(), Outcome::Approved);
    assert_eq!(here.site.claim(&question, "k").await.body["state"], "claimed");
    assert!(here.server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_between_backup_and_kill_is_in_the_journal_and_replayed() {
    let here = Installation::new().await;
    let device = here.device().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.backup");
    here.admin(&["backup", file.to_str().unwrap()]).await;
    let id = device.id().to_string();
    here.admin(&["device", "revoke", "--organisation", "Meridian", "--user", &here.user, &id]).await;
    let here = here.kill().await;
    let data = here.data.path();
    assert!(std::fs::read_to_string(only_file(data)).unwrap().contains(&id), "before it was acknowledged");
    lose_database(data);
    let restored = says(data, &["restore", file.to_str().unwrap()], 0).await.json();
    assert_eq!(restored["devices_ended"], 1, "{restored}");
    let here = here.start().await;
    let listed = here.admin(&["device", "list", "--organisation", "Meridian", "--user", &here.user]).await;
    assert_eq!(listed, serde_json::json!([]));
    assert!(here.server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_kept_from_the_journal_is_written_at_the_next_start() {
    let here = Installation::new().await;
    let device = here.device().await;
    let id = device.id().to_string();
    here.admin(&["device", "revoke", "--organisation", "Meridian", "--user", &here.user, &id]).await;
    let here = here.kill().await;
    let file = only_file(here.data.path());
    let whole = std::fs::read_to_string(&file).unwrap();
    // As if it had been killed after COMMIT, and in the middle of a line.
    let lines: Vec<&str> = whole.lines().collect();
    let revoked = lines.iter().position(|line| line.contains("device.ended")).unwrap();
    for cut in [lines[..revoked].join("\n") + "\n", lines[..revoked].join("\n") + "\n" + &lines[revoked][..20]] {
        std::fs::write(&file, cut).unwrap();
        let server = Program::serve(here.data.path()).await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), whole, "it is as it was");
        assert!(server.stop().await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_missing_damaged_or_another_servers_stops_the_restore() {
    let (here, other) = (Installation::new().await, tempfile::tempdir().unwrap());
    let device = here.device().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.backup");
    let file = file.to_str().unwrap();
    here.admin(&["backup", file]).await;
    let id = device.id().to_string();
    here.admin(&["device", "revoke", "--organisation", "Meridian", "--user", &here.user, &id]).await;
    let here = here.kill().await;
    let data = here.data.path();
    lose_database(data);
    let path = only_file(data);
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let revoked = lines.iter().position(|line| line.contains("device.ended")).unwrap();
    let without = |left_out: usize| {
        let kept = lines.iter().enumerate().filter(|(place, _)| *place != left_out).map(|(_, line)| *line);
        kept.collect::<Vec<_>>().join("\n") + "\n" + &lines[revoked].replace("\"prev\"", "\"later\":0,\"prev\"") + "\n"
    };
    for (journal, words) in [
        (whole.replacen("device.confirmed", "\u{1}", 1), "line "),
        (without(revoked - 1), "lacks the line of number"),
        (lines[..1].join("\n") + "\n", "lacks the line of number"),
    ] {
        std::fs::write(&path, journal).unwrap();
        let refused = says(data, &["restore", file], 3).await;
        for word in [words, "devices: ", "relying-parties: ", "reports: ", "epoch: ", "--accept"] {
            assert!(refused.err.contains(word), "{word}: {refused:?}");
        }
        assert!(!data.join("countersign.db").exists());
    }
    let refused = says(data, &["restore", file, "--accept", "devices,reports,epoch"], 3).await;
    assert!(refused.err.contains("relying-parties"), "each by its name: {refused:?}");
    assert!(says(data, &["restore", file, "--without-journal"], 2).await.err.contains("--accept"));
    assert!(Program::serve(other.path()).await.stop().await.success());
    let others = other.path().join("recovery-journal");
    let refused = says(data, &["restore", file, "--journal", others.to_str().unwrap()], 5).await;
    assert!(refused.err.contains("another server"), "{refused:?}");
    std::fs::write(&path, whole).unwrap();
    says(data, &["restore", file], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_cut_is_begun_again_or_carried_on_and_no_server_starts_in_between() {
    let here = Installation::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.backup");
    let file = file.to_str().unwrap();
    here.admin(&["backup", file]).await;
    let here = here.kill().await;
    let data = here.data.path();
    lose_database(data);
    // Cut while it was prepared.
    std::fs::create_dir(data.join("restoring")).unwrap();
    std::fs::write(data.join("restoring/countersign.db"), "half of it").unwrap();
    let refused = run(serve_command(data)).await.expect(5);
    assert!(refused.err.contains("run the same countersign admin restore again"), "{refused:?}");
    says(data, &["restore", file], 0).await;
    assert!(Program::serve(data).await.stop().await.success());
    // Cut between the moment from which it counts and the last step.
    std::fs::create_dir(data.join("restored")).unwrap();
    std::fs::rename(data.join("countersign.db"), data.join("restored/countersign.db")).unwrap();
    run(serve_command(data)).await.expect(5);
    assert!(says(data, &["restore", file], 3).await.err.contains("complete now"));
    assert!(Program::serve(data).await.stop().await.success());
    // Without the root it says so, and takes it from where it is kept.
    std::fs::rename(data.join("root.key"), folder.path().join("root.key")).unwrap();
    let without_root = folder.path().join("two.backup");
    let without_root = without_root.to_str().unwrap();
    assert_eq!(says(data, &["backup", without_root], 0).await.json()["root_key"], false);
    lose_database(data);
    assert!(says(data, &["restore", without_root], 2).await.err.contains("--root FILE"));
    let root = folder.path().join("root.key");
    says(data, &["restore", without_root, "--root", root.to_str().unwrap()], 0).await;
    assert!(!data.join("root.key").exists(), "it stays where it was");
    assert!(Program::serve(data).await.stop().await.success());
}

#[tokio::test]
async fn the_server_makes_backups_by_itself_keeps_them_by_the_rule_and_says_when_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("backups");
    let configured = format!(
        "every = '24h'\ndirectory = '{}'\nkeep = {{ daily = 3, weekly = 0, monthly = 0 }}",
        directory.display()
    );
    let scene = Scene::with(move |config| config.backup = toml::from_str(&configured).unwrap()).await;
    let readyz = async || send(client().get(format!("{}/readyz", scene.server.url))).await;
    let mut scheduler = scene.server.scheduler();
    scheduler.look().await;
    let ready = readyz().await;
    assert_eq!(ready.status, 200, "it still does its work");
    let warning = ready.body["warnings"].to_string();
    assert!(warning.contains("the scheduled backup fails") && warning.contains("There is no good one"), "{warning}");

    std::fs::create_dir(&directory).unwrap();
    let count = || std::fs::read_dir(&directory).unwrap().count();
    scheduler.look().await;
    assert_eq!(count(), 0, "it waits a little after a failure");
    scene.clock.advance(Duration::from_secs(601));
    scheduler.look().await;
    assert_eq!((count(), readyz().await.body["warnings"].to_string()), (1, "[]".into()));
    assert_eq!(scene.server.service().backups.last_good(), Some(scene.clock.now()));
    scene.clock.advance(Duration::from_secs(23 * 3600));
    scheduler.look().await;
    scene.server.scheduler().look().await;
    assert_eq!(count(), 1, "none is due, after a restart neither");
    std::fs::write(directory.join("countersign-2027-01-15T080000Z.backup.partial"), "cut").unwrap();
    std::fs::write(directory.join("notes.txt"), "mine").unwrap();
    for _ in 0..5 {
        scene.clock.advance(Duration::from_secs(24 * 3600));
        scheduler.look().await;
    }
    let mut names: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 4, "three, and what is somebody else's: {names:?}");
    assert!(names.iter().any(|name| name == "notes.txt"));
    let newest = directory.join(&names[2]);
    let wish = Wish { file: newest, dry_run: false, ..Wish::default() };
    let (server, restored) = scene.server.restore(&wish, |_| ()).await;
    assert_eq!(restored.sequence, 2);
    server.stop().await;
}

//! The folder that a server lives in: one server at a time, and never begun anew by mistake.

use countersign_tests::program::{Program, admin_command, run, serve_command, used};
use std::path::Path;

/// Copies these files of a folder into a new one.
fn copied(from: &Path, names: &[&str]) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in names {
        std::fs::copy(from.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

#[tokio::test]
async fn a_second_server_on_the_folder_is_refused_and_told_whose_it_is() {
    let data = tempfile::tempdir().unwrap();
    let first = Program::serve(data.path()).await;
    let ended = run(serve_command(data.path())).await.expect(5);
    let address = first.url.strip_prefix("http://").unwrap();
    for words in ["another server works on", &format!("process {}", first.id()), address, "data_dir"] {
        assert!(ended.err.contains(words), "{words}: {ended:?}");
    }
    run(admin_command(data.path(), &["organisation", "list"])).await.expect(0);
    // Whoever dies gives it back.
    first.kill().await;
    assert!(Program::serve(data.path()).await.stop().await.success());
}

#[tokio::test]
async fn a_server_whose_database_is_gone_is_not_begun_anew_under_its_old_identity() {
    let data = used().await;
    for name in ["countersign.db", "countersign.db-wal", "countersign.db-shm"] {
        // The last two are there only while something works on the database.
        let _ = std::fs::remove_file(data.path().join(name));
    }
    for command in [serve_command(data.path()), admin_command(data.path(), &["organisation", "list"])] {
        let ended = run(command).await.expect(5);
        assert!(ended.err.contains("countersign.db is missing") && ended.err.contains("from your backup"), "{ended:?}");
        assert!(!data.path().join("countersign.db").exists(), "it was not made anew");
    }
}

#[tokio::test]
async fn a_database_copied_without_its_log_is_not_taken_for_the_servers() {
    let data = tempfile::tempdir().unwrap();
    let server = Program::serve(data.path()).await;
    run(admin_command(data.path(), &["organisation", "create", "Meridian"])).await.expect(0);
    // As a copy of a folder in which a server works may be: everything is still in the log.
    let copy = copied(data.path(), &["master.key", "root.key", "server.id"]);
    std::fs::write(copy.path().join("countersign.db"), []).unwrap();
    let ended = run(serve_command(copy.path())).await.expect(5);
    assert!(
        ended.err.contains("only a part of it was copied") && ended.err.contains("countersign.db-wal"),
        "{ended:?}"
    );
    assert_eq!(std::fs::read(copy.path().join("countersign.db")).unwrap(), b"", "it is left as it is");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn the_database_of_another_server_is_refused() {
    let (ours, other) = (used().await, used().await);
    // With the other's keys, all but its name, so that the database opens.
    let mixed = copied(other.path(), &["countersign.db", "master.key", "root.key"]);
    std::fs::copy(ours.path().join("server.id"), mixed.path().join("server.id")).unwrap();
    let ended = run(serve_command(mixed.path())).await.expect(5);
    assert!(ended.err.contains("is not that server's"), "{ended:?}");
}

#[tokio::test]
async fn only_init_makes_a_server() {
    let data = tempfile::tempdir().unwrap();
    let missing = data.path().join("not mounted");
    for folder in [data.path(), &missing] {
        for command in [serve_command(folder), admin_command(folder, &["organisation", "create", "Meridian"])] {
            let ended = run(command).await.expect(2);
            for words in ["there is no server in", "look whether its disk is mounted", "countersign init"] {
                assert!(ended.err.contains(words), "{ended:?}");
            }
            assert_eq!(ended.out, "");
        }
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
    }
}

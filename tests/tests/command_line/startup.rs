//! What does not start, and leaves everything as it was: a server whose data it cannot or must not open.

use countersign_tests::folder::contents;
use countersign_tests::program::{Program, admin_command, binary, init_command, run, serve_command, used};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use tempfile::TempDir;

/// The user whom Unix systems call nobody.
const NOBODY: u32 = 65534;

fn database(data: &TempDir) -> std::path::PathBuf {
    data.path().join("countersign.db")
}

/// Starts a server that must not start; and lets it change nothing.
async fn refuses(data: &TempDir, sentence: &str) {
    let before = contents(data.path());
    let ended = run(serve_command(data.path())).await.expect(5);
    assert!(ended.err.contains(sentence), "{sentence}: {ended:?}");
    assert_eq!(ended.out, "", "it does not claim to listen");
    assert!(contents(data.path()) == before, "{sentence}: {:?}", contents(data.path()).keys());
}

/// The same of the commands that work on the database.
async fn refuses_admin_too(data: &TempDir, sentence: &str) {
    refuses(data, sentence).await;
    let before = contents(data.path());
    for arguments in [&["relying-party", "list"][..], &["organisation", "create", "Meridian"], &["key", "rotate"]] {
        let ended = run(admin_command(data.path(), arguments)).await.expect(5);
        assert!(ended.err.contains(sentence), "{sentence}: {ended:?}");
    }
    assert!(contents(data.path()) == before, "{sentence}: {:?}", contents(data.path()).keys());
}

#[tokio::test]
async fn a_missing_master_key_is_asked_for_and_not_made_anew() {
    let data = used().await;
    std::fs::remove_file(data.path().join("master.key")).unwrap();
    refuses(&data, "master.key is missing").await;
    refuses(&data, "Put the file back from where you keep it").await;
    let ended = run(admin_command(data.path(), &["key", "rotate"])).await.expect(5);
    assert!(ended.err.contains("master.key is missing"), "{ended:?}");
    assert!(!data.path().join("master.key").exists());
}

#[tokio::test]
async fn another_master_key_opens_nothing_and_changes_nothing() {
    let data = used().await;
    let other = used().await;
    std::fs::copy(other.path().join("master.key"), data.path().join("master.key")).unwrap();
    refuses(&data, "cannot be opened with this master key").await;
    std::fs::write(data.path().join("master.key"), "secret").unwrap();
    refuses(&data, "a master key is 32 bytes in base64").await;
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused_with_what_to_type() {
    for key in ["master.key", "root.key"] {
        for mode in [0o644, 0o604, 0o660] {
            let data = used().await;
            let path = data.path().join(key);
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            refuses(&data, &format!("chmod 600 {}", path.display())).await;
            let rotated = run(admin_command(data.path(), &["key", "rotate"])).await.expect(5);
            assert!(rotated.err.contains("chmod 600"), "{rotated:?}");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            assert!(Program::serve(data.path()).await.stop().await.success());
        }
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_to_it() {
    for journal in ["WAL", "DELETE"] {
        let data = used().await;
        let connection = rusqlite::Connection::open(database(&data)).unwrap();
        connection.pragma_update(None, "journal_mode", journal).unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
        connection.close().unwrap();
        refuses_admin_too(&data, "newer version of countersign").await;
    }
}

#[tokio::test]
async fn what_is_not_our_database_is_named_and_left_alone() {
    let data = used().await;
    std::fs::write(database(&data), "This is a diary, and nobody's database. ".repeat(1000)).unwrap();
    refuses_admin_too(&data, "file is not a database").await;
    refuses(&data, database(&data).to_str().unwrap()).await;

    std::fs::remove_file(database(&data)).unwrap();
    let connection = rusqlite::Connection::open(database(&data)).unwrap();
    connection.execute_batch("CREATE TABLE bookmark (address TEXT); INSERT INTO bookmark VALUES ('x')").unwrap();
    connection.close().unwrap();
    refuses_admin_too(&data, "the database of another program").await;
}

#[tokio::test]
async fn a_damaged_database_is_not_made_anew() {
    let data = used().await;
    let bytes = std::fs::read(database(&data)).unwrap();
    std::fs::write(database(&data), &bytes[..4096]).unwrap();
    refuses(&data, "the database cannot be read").await;
}

#[tokio::test]
async fn a_missing_folder_is_made_with_its_parents_and_its_keys_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("var/lib/countersign");
    assert!(Program::serve(&data).await.stop().await.success());
    for secret in ["master.key", "root.key"] {
        let mode = std::fs::metadata(data.join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let data = file.join("data");
    for (start, words) in [
        (init_command(&data), "cannot be made"),
        (serve_command(&data), "there is no server in"),
        (admin_command(&data, &["organisation", "list"]), "there is no server in"),
    ] {
        let ended = run(start).await.expect(2);
        assert!(ended.err.contains(data.to_str().unwrap()) && ended.err.contains(words), "{ended:?}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    // Nothing stops an administrator from writing, so when this test runs as one, it starts the server as nobody.
    let is_administrator = std::fs::metadata(&data).unwrap().uid() == 0;
    let copy = folder.path().join("countersign");
    std::fs::copy(binary(), &copy).unwrap();
    for path in [folder.path(), &data, &copy] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o555)).unwrap();
    }
    let command = init_command(&data);
    let command = command.as_std();
    let mut start = tokio::process::Command::new(&copy);
    start.args(command.get_args()).env_clear();
    start.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if is_administrator {
        start.uid(NOBODY).gid(NOBODY);
    }
    let ended = run(start).await.expect(5);
    assert!(ended.err.contains("cannot be written") && ended.err.contains(data.to_str().unwrap()), "{ended:?}");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
}

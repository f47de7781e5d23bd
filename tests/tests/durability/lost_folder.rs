//! The folder goes while the server runs: nothing more is acknowledged, and the server ends and says why.

use countersign_tests::folder::copy;
use countersign_tests::http::{RelyingParty, client};
use countersign_tests::program::{Program, init, relying_party, serve_command};
use countersign_tests::scene::Scene;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A server whose complaints are kept, with a site and a person.
struct Watched {
    folder: TempDir,
    server: Program,
    site: RelyingParty,
    user: String,
}

impl Watched {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        init(&data).await;
        let mut serve = serve_command(&data);
        serve.stderr(fs::File::create(folder.path().join("log")).unwrap());
        let server = Program::start(serve).await;
        let site = relying_party(&data, &server.url).await;
        let user = site.user("maya").await;
        countersign_tests::handmade::HandmadeDevice::enrol(&site, &user).await;
        Self { folder, server, site, user }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The status of a creation; none when the server is gone.
    async fn asks(&self) -> Option<StatusCode> {
        let request = self.site.request(Method::POST, "/v1/challenges").json(&json!({ "user_id": self.user }));
        Some(request.send().await.ok()?.status())
    }

    /// The server ends by itself, with these words.
    async fn ends(self, words: &str) -> TempDir {
        assert_eq!(self.server.wait().await.code(), Some(5), "{words}");
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
        assert_eq!(log.matches(words).count(), 2, "once when it is noticed and once as the last word: {log}");
        assert_eq!(log.lines().filter(|line| line.contains("ERROR")).count(), 1, "{log}");
        self.folder
    }
}

/// What can happen to a folder, and what is said of it.
type Happens = (fn(&Path), &'static str);

/// All of it in one step: a server that looks while one file after the other goes may rightly say first that it cannot
/// write.
fn delete_at_once(data: &Path) {
    let away = data.with_file_name("away");
    fs::rename(data, &away).unwrap();
    fs::remove_dir_all(away).unwrap();
}

const HAPPENS: [Happens; 6] = [
    (delete_at_once, "countersign.db was deleted or moved away"),
    (|data| fs::remove_file(data.join("countersign.db")).unwrap(), "countersign.db was deleted or moved away"),
    (|data| fs::remove_file(data.join("countersign.db-wal")).unwrap(), "countersign.db-wal was deleted"),
    (
        |data| {
            let kept = data.with_file_name("kept");
            fs::rename(data, &kept).unwrap();
            copy(&kept, data);
        },
        "countersign.db was replaced by another file",
    ),
    (
        |data| {
            let other = data.join("other.db");
            fs::write(&other, "another").unwrap();
            fs::rename(other, data.join("countersign.db")).unwrap();
        },
        "countersign.db was replaced by another file",
    ),
    (|data| fs::remove_file(data.join("server.lock")).unwrap(), "server.lock was deleted or moved away"),
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_once_the_folder_is_gone_or_replaced() {
    for (happens, words) in HAPPENS {
        let here = Watched::new().await;
        assert_eq!(here.asks().await, Some(StatusCode::CREATED));
        happens(&here.data());
        let answer = here.asks().await;
        assert!(matches!(answer, None | Some(StatusCode::SERVICE_UNAVAILABLE)), "{words}: {answer:?}");
        here.ends(words).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nobody_asks_notices_it_too() {
    let here = Watched::new().await;
    delete_at_once(&here.data());
    here.ends("countersign.db was deleted or moved away").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_took_its_place_is_left_whole_and_can_be_served() {
    let here = Watched::new().await;
    let (data, kept) = (here.data(), here.data().with_file_name("kept"));
    fs::rename(&data, &kept).unwrap();
    copy(&kept, &data);
    let folder = here.ends("countersign.db was replaced by another file").await;
    for name in ["countersign.db", "countersign.db-wal"] {
        let same = fs::read(data.join(name)).unwrap() == fs::read(kept.join(name)).unwrap();
        assert!(same, "{name} of the copy was touched");
    }
    let server = Program::serve(&folder.path().join("data")).await;
    let users = countersign_tests::program::admin(&data, &["user", "list", "--organisation", "Meridian"]).await;
    assert_eq!(users[0]["name"], "maya");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_that_upgrades_the_database_ends_the_older_server() {
    let here = Watched::new().await;
    let asked = here.site.ask(&here.user).await;
    let waits = here.site.request(Method::GET, &format!("/v1/challenges/{asked}?wait=30")).send();
    let waits = tokio::spawn(waits);
    // Nothing tells when it waits; where it comes too late, it is refused or finds nobody.
    let database = rusqlite::Connection::open(here.data().join("countersign.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    let answer = here.asks().await;
    assert!(matches!(answer, None | Some(StatusCode::SERVICE_UNAVAILABLE)), "{answer:?}");
    if let Ok(told) = waits.await.unwrap() {
        assert_eq!(told.status(), 503, "who waits is told");
    }
    here.ends("another version of countersign has changed its schema").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readyz_says_what_happened_to_the_folder() {
    let Scene { server, .. } = Scene::new().await;
    let ready = async || {
        let answer = client().get(format!("{}/readyz", server.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ready().await.0, 200);
    fs::rename(server.database(), server.database().with_extension("gone")).unwrap();
    for _ in 0..2 {
        let (status, text) = ready().await;
        assert!(status == 503 && text.contains("was deleted or moved away"), "{text}");
    }
}

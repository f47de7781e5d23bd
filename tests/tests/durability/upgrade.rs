//! Every schema that there was, brought up to date: by a server that starts or by the operator, never by a look, and
//! after a copy.

use countersign_protocol::decision::Answer::Approve;
use countersign_protocol::handle::ChallengeId;
use countersign_tests::earlier::{steps, take_back_to, version};
use countersign_tests::folder::contents;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::program::{Program, admin, admin_command, init_command, relying_party, run, serve_command};
use countersign_tests::scene::Scene;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The copies that were kept in a data folder.
fn copies(data: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(data).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.to_str().unwrap().contains("countersign.db.version-")).collect()
}

async fn logs_in(scene: &Scene, device: &HandmadeDevice) -> ChallengeId {
    let (id, compact) = device.asked(&scene.site, &scene.user).await;
    assert_eq!(device.answers(&compact, Approve).await.status, 200);
    let claimed = scene.site.claim(&id, "once").await;
    assert_eq!(claimed.body["state"], "claimed", "{claimed:?}");
    assert!(claimed.body["receipt"].is_string() || claimed.body["receipt"].is_object(), "{claimed:?}");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn every_schema_is_opened_and_whoever_was_enrolled_logs_in() {
    let (newest, by_phone) = (steps().len(), json!(["swk", "mca", "user"]));
    for from in 1..newest {
        let scene = Scene::new().await;
        let device = scene.device().await;
        let claimed = logs_in(&scene, &device).await;
        let asked = scene.site.ask(&scene.user).await;
        let Scene { clock, server, site, user } = scene;
        let server = server.restart_after(|data| take_back_to(from, data)).await;
        let scene = Scene { clock, server, site, user };

        let database = scene.server.database();
        assert_eq!(version(&database), newest, "from {from}");
        let kept = copies(database.parent().unwrap());
        assert_eq!(kept.len(), 1, "from {from}: {kept:?}");
        assert_eq!(version(&kept[0]), from);
        assert_eq!(std::fs::metadata(&kept[0]).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(scene.site.state(&asked).await, "pending", "from {from}");
        let claimed = scene.site.read(&claimed).await;
        assert_eq!((&claimed["state"], &claimed["amr"]), (&"claimed".into(), &by_phone), "from {from}");
        // Before the second schema there were no codes.
        let methods = if from == 1 { json!(["push"]) } else { json!(["push", "code"]) };
        assert_eq!(scene.site.read(&asked).await["methods"], methods, "from {from}");
        scene.site.cancel(&asked).await;
        device.pull().await;
        logs_in(&scene, &device).await;
        logs_in_anew(&scene).await;
        scene.server.stop().await;
    }
}

/// Another person of the same site enrols now, and logs in.
async fn logs_in_anew(scene: &Scene) {
    let user = scene.site.user("noor").await;
    let device = scene.device_of(&user).await;
    let (id, compact) = device.asked(&scene.site, &user).await;
    assert_eq!(device.answers(&compact, Approve).await.status, 200);
    assert_eq!(scene.site.claim(&id, "once").await.body["state"], "claimed");
}

/// The data folder of a stopped server of an earlier version, with an organisation.
async fn earlier(from: usize) -> TempDir {
    let data = tempfile::tempdir().unwrap();
    let server = Program::serve(data.path()).await;
    relying_party(data.path(), &server.url).await;
    assert!(server.stop().await.success());
    take_back_to(from, data.path());
    data
}

#[tokio::test]
async fn a_command_that_looks_upgrades_nothing_and_says_who_does() {
    let data = earlier(9).await;
    let before = contents(data.path());
    for arguments in [&["organisation", "list"][..], &["organisation", "create", "Harbour"], &["key", "rotate"]] {
        let ended = run(admin_command(data.path(), arguments)).await.expect(5);
        assert!(ended.err.contains("countersign admin migrate") && ended.err.contains("new server"), "{ended:?}");
    }
    run(init_command(data.path())).await.expect(3);
    assert!(contents(data.path()) == before);
}

#[tokio::test]
async fn the_operator_sees_what_an_upgrade_does_and_makes_it() {
    let data = earlier(9).await;
    let (before, newest) = (contents(data.path()), steps().len());
    let dry = admin(data.path(), &["migrate", "--dry-run"]).await;
    assert_eq!((&dry["from"], &dry["to"], &dry["changed"]), (&9.into(), &newest.into(), &false.into()), "{dry}");
    assert!(dry["seconds_to_copy"].is_f64() && dry["seconds_to_migrate"].is_f64(), "{dry}");
    assert!(contents(data.path()) == before, "{:?}", contents(data.path()).keys());

    let made = admin(data.path(), &["migrate"]).await;
    assert_eq!((&made["from"], &made["changed"]), (&9.into(), &true.into()), "{made}");
    assert_eq!(copies(data.path()), [PathBuf::from(made["copy"].as_str().unwrap())]);
    assert_eq!(version(&copies(data.path())[0]), 9);
    let again = admin(data.path(), &["migrate"]).await;
    assert_eq!(again["changed"], false, "{again}");
    assert_eq!(admin(data.path(), &["organisation", "list"]).await[0]["name"], "Meridian");

    let server = Program::serve(data.path()).await;
    assert_eq!(copies(data.path()).len(), 1, "there is nothing to upgrade");
    let ended = run(admin_command(data.path(), &["migrate"])).await.expect(5);
    assert!(ended.err.contains("Stop it first"), "{ended:?}");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn without_room_for_the_copy_nothing_is_upgraded() {
    let data = earlier(9).await;
    let before = contents(data.path());
    for command in [serve_command(data.path()), admin_command(data.path(), &["migrate"])] {
        let command = command.as_std();
        let mut small = tokio::process::Command::new("sh");
        // Files may have 50 KB: the error is that of a disk that is full.
        small.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""]);
        small.arg(command.get_program()).args(command.get_args());
        small.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ended = run(small).await.expect(5);
        assert!(ended.err.contains("cannot be written"), "{ended:?}");
        assert!(contents(data.path()) == before, "{:?}", contents(data.path()).keys());
    }
}

//! The command that floods a server, run small: whatever floods, every login goes through and the memory is bounded.
//! How fast that is, no test says.

use std::process::Stdio;
use tokio::process::Command;

#[tokio::test]
async fn honest_logins_go_through_beside_every_flood() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("floods.svg");
    let mut flood = Command::new(env!("CARGO_BIN_EXE_flood"));
    flood.args(["--seconds", "1", "--connections", "30", "--people", "2", "--json", "--picture"]).arg(&picture);
    // So that what is too much is reached within the second.
    flood.args(["--set", "COUNTERSIGN_LIMITS__CREATIONS_BURST=30"]);
    let ended = flood.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let out = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{out}\n{}", String::from_utf8_lossy(&ended.stderr));
    let measured: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(measured["sound"], true, "{measured:#}");
    let floods = measured["floods"].as_array().unwrap();
    assert_eq!(floods.len(), 10, "{measured:#}");
    for flood in floods {
        assert!(flood["logins"]["count"].as_u64() > Some(0), "{flood:#}");
    }
    let answered = |name: &str| {
        let flood = floods.iter().find(|flood| flood["name"] == name).unwrap();
        flood["flood_was_answered"].clone()
    };
    // Each does what it is called after.
    for (name, status) in [
        ("oversized", "413"),
        ("unknown-keys", "401"),
        ("tickets", "403"),
        ("codes", "200"),
        ("creations", "201"),
        ("enrolments", "201"),
        ("waits", "200"),
    ] {
        assert!(answered(name)[status].as_u64() > Some(0), "{name}: {}", answered(name));
    }
    let drawn = std::fs::read_to_string(&picture).unwrap();
    assert!(drawn.contains("slow-heads") && drawn.ends_with("</svg>\n"), "{drawn}");
}

//! The README's integration of a login page is not only text: it is taken from the file and run.

use countersign_tests::scene::Scene;
use std::process::Stdio;
use tokio::process::Command;

fn integration() -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let (_, rest) = readme.split_once("```python\n").expect("the README shows an integration");
    rest.split_once("\n```").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_integration_in_the_readme_signs_people_in_and_keeps_them_out() {
    use countersign_protocol::decision::Answer::{Approve, Deny};
    let code = integration();
    let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 12, "ten lines and an import, not {lines}");
    let scene = Scene::new().await;
    let device = scene.device().await;
    let Scene { server, site, user, .. } = scene;
    for (answer, expected) in [(Approve, "True"), (Deny, "False")] {
        let call = format!(
            "print(phone_says_yes({:?}, {:?}, {user:?}, '198.51.100.7', 'Firefox/140.0', lambda number: None))",
            server.url, site.api_key
        );
        // Debian's own Python, whose `requests` is the one that tests/all installs.
        let python = Command::new("/usr/bin/python3")
            .args(["-c", &format!("{code}\n{call}")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let app = server.service();
        while app.wake.challenges.is_empty() {
            tokio::task::yield_now().await;
        }
        let compact = device.pull().await.pop().unwrap();
        device.answers(&compact, answer).await;
        let output = python.wait_with_output().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected);
    }
}

//! The README's integration of a login page is not only text: it is taken from the file and run.

use countersign_protocol::decision::Answer::{self, Approve, Deny};
use countersign_tests::gateway::{answer_with, way};
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::RelyingParty;
use countersign_tests::scene::Scene;
use std::process::{Output, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

fn integration() -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let (_, rest) = readme.split_once("```python\n").expect("the README shows an integration");
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// What a login page says in the end, which reaches the server there.
async fn says_yes(server: &str, site: &RelyingParty, user: &str) -> Output {
    let call = format!(
        "print(phone_says_yes({server:?}, {:?}, {user:?}, '198.51.100.7:51234', 'Firefox/140.0', lambda number: None))",
        site.api_key
    );
    // Debian's own Python, whose `requests` is the one that tests/all installs.
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", &format!("{}\n{call}", integration())]).stdout(Stdio::piped()).stderr(Stdio::piped());
    python.output().await.unwrap()
}

/// Answers on the phone as soon as a page waits there.
async fn person(scene: &Scene, device: &HandmadeDevice, answer: Answer) {
    scene.server.until_waiting(|wake| wake.challenges.count(), 1).await;
    let compact = device.pull().await.pop().unwrap();
    device.answers(&compact, answer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_integration_in_the_readme_signs_people_in_and_keeps_them_out() {
    let lines = integration().lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 26, "it fits on a screen: {lines} lines");
    for (answer, expected) in [(Approve, "True"), (Deny, "False")] {
        let scene = Scene::new().await;
        let device = scene.device().await;
        let page = says_yes(&scene.server.url, &scene.site, &scene.user);
        let (output, ()) = tokio::join!(page, person(&scene, &device, answer));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_integration_in_the_readme_says_what_the_operator_must_mend() {
    let scene = Scene::new().await;
    let nobody = RelyingParty::new(&scene.server.url, "csk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for (site, user, words) in [
        (&nobody, scene.user.as_str(), "API key"),
        (&scene.site, "AAAAAAAAAAAAAAAAAAAAAA", "user"),
        (&scene.site, scene.user.as_str(), "Enrol a device first"),
    ] {
        let output = says_yes(&scene.server.url, site, user).await;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        assert!(complaint.contains("PermissionError") && complaint.contains(words), "{complaint}");
    }
}

/// A proxy before the server: of four connections it answers one itself, loses the server's answer to one, and cuts one
/// that waits.
async fn proxy(server: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for connection in 0.. {
            let (mut page, _) = listener.accept().await.unwrap();
            let server = server.clone();
            tokio::spawn(async move {
                let mut behind = TcpStream::connect(server).await.unwrap();
                match connection % 4 {
                    0 => answer_with(page, &way("html_502").unwrap()).await,
                    1 => {
                        let mut request = vec![0; 4096];
                        let length = page.read(&mut request).await.unwrap();
                        behind.write_all(&request[..length]).await.unwrap();
                        // The server has heard it, unless it waits; then it is cut without an answer.
                        let heard = behind.read(&mut request);
                        drop(tokio::time::timeout(std::time::Duration::from_secs(2), heard).await);
                    }
                    2 => drop(copy_bidirectional(&mut page, &mut behind).await),
                    _ => answer_with(page, &way("text_504").unwrap()).await,
                }
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn the_integration_in_the_readme_survives_a_proxy_that_cuts_and_answers_in_html() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let url = proxy(scene.server.url.strip_prefix("http://").unwrap().to_owned()).await;
    let answers = async {
        let mut waiting = Vec::new();
        while waiting.is_empty() {
            waiting = device.pull().await;
        }
        assert_eq!(waiting.len(), 1, "a creation whose answer was lost makes no second challenge");
        device.answers(&waiting[0], Approve).await;
    };
    let (output, ()) = tokio::join!(says_yes(&url, &scene.site, &scene.user), answers);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "True", "{output:?}");
}

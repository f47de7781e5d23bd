//! `countersign phone` where something else answers in the server's place: it says so, loses nothing and goes on.

use crate::terminal::{Terminal, ask};
use countersign_tests::gateway::{unavailable, way};
use countersign_tests::program::{Installation, phone_command, terminate};
use countersign_tests::world::network::{Behaviour, Network};
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};

/// How long a phone may take to notice that its server answers again.
const PATIENCE: Duration = Duration::from_secs(60);

/// An installation that phones reach through a network which may misbehave.
async fn behind_a_network() -> (Installation, Network) {
    let network = Network::open().await;
    let world = Installation::with(&[("COUNTERSIGN_PUBLIC_URL", network.url.as_str())]).await;
    network.lead_to(world.server.url.strip_prefix("http://").and_then(|address| address.parse().ok()));
    (world, network)
}

fn answers(name: &str) -> Behaviour {
    Behaviour::Answers(way(name).unwrap().into())
}

#[tokio::test]
async fn a_watching_phone_says_once_that_something_else_answers_and_goes_on() {
    let (world, network) = behind_a_network().await;
    let phone = Terminal::enrolled(&world).await;
    network.behave(answers("html_502"));
    let mut watching = phone_command(phone.0.path(), &["watch"]);
    let mut child = watching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = tokio::time::timeout(PATIENCE, said.next_line()).await.unwrap().unwrap().unwrap();
    assert_eq!(
        first,
        "countersign: Meridian: something else answered in the server's place, with the HTTP status 502; it is asked \
         again until it answers"
    );
    // The outage changes its face, and is still one.
    for other in ["empty_200", "moved_302", "silence"] {
        network.behave(answers(other));
    }
    let id = ask(&world).await;
    network.behave(Behaviour::Clear);
    let line = tokio::time::timeout(PATIENCE, shown.next_line()).await.unwrap().unwrap().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["id"], id, "a later request is shown");
    terminate(child.id().unwrap());
    assert!(child.wait().await.unwrap().success());
    while let Some(line) = said.next_line().await.unwrap() {
        assert!(line.ends_with("the server answers again"), "{line}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_heard_is_kept_and_sent_again() {
    let (world, network) = behind_a_network().await;
    let phone = Terminal::enrolled(&world).await;
    let words = "not delivered yet; it is sent again";
    for (verb, way, state) in [
        ("approve", "html_502", "approved"),
        ("deny", "html_200", "denied"),
        ("approve", "problem_in_html", "approved"),
        ("report", "nothing_204", "reported"),
    ] {
        let id = ask(&world).await;
        assert_eq!(phone.pending().await, [id.as_str()]);
        network.behave(answers(way));
        phone.fails(&[verb, &id], 4, words).await;
        phone.fails(&["list"], 4, "something else answered").await;
        assert_eq!(world.site.state(&id).await, "pending", "{way}");
        network.behave(Behaviour::Clear);
        phone.does(&["list"]).await;
        assert_eq!(world.site.state(&id).await, state, "{way}");
    }
    network.behave(Behaviour::Down);
    phone.fails(&["list"], 4, "cannot be reached").await;
    phone.does(&["code"]).await;
}

#[tokio::test]
async fn a_server_that_cannot_write_now_is_waited_for_as_one_that_is_not_heard() {
    let (world, network) = behind_a_network().await;
    let phone = Terminal::enrolled(&world).await;
    let id = ask(&world).await;
    assert_eq!(phone.pending().await, [id.as_str()]);
    network.behave(Behaviour::Answers(unavailable().into()));
    phone.fails(&["approve", &id], 4, "not delivered yet; it is sent again").await;
    network.behave(Behaviour::Clear);
    assert_eq!(phone.does(&["approve", &id]).await["outcome"], "approved");
}

#[tokio::test]
async fn a_link_enrols_after_all_where_something_else_answered_first() {
    let (world, network) = behind_a_network().await;
    let phone = Terminal::new();
    let link = world.site.link(&world.user).await;
    for way in ["html_502", "html_200", "empty_object_200", "problem_of_another", "cut"] {
        network.behave(answers(way));
        phone.fails(&["enrol", &link], 4, "run the same command again").await;
    }
    network.behave(Behaviour::Clear);
    assert_eq!(phone.does(&["enrol", &link]).await["state"], "proposed");
}

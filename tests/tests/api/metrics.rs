//! The figures: that they are what happened, in a form that Prometheus reads, and for whom they are.

use countersign_protocol::decision::Answer::{Approve, Report};
use countersign_tests::clock::ManualClock;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::{RelyingParty, client};
use countersign_tests::scene::Scene;
use countersign_tests::server::TestServer;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

async fn fetch(url: &str) -> String {
    let answer = client().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{url}");
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
}

/// Every value under its name and labels. Reads as strictly as the format is described: each family begins with its
/// help and its type and comes once, each value belongs to the family before it, and no series comes twice.
fn read(text: &str) -> BTreeMap<String, f64> {
    let series = Regex::new(r#"^([a-z_]+)(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? (\S+)$"#).unwrap();
    let (mut families, mut values) = (BTreeSet::new(), BTreeMap::new());
    let (mut family, mut kind, mut helped) = (String::new(), String::new(), None);
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(words.ends_with('.') && families.insert(name.to_owned()), "{line}");
            helped = Some(name.to_owned());
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            (family, kind) = typed.split_once(' ').map(|(name, kind)| (name.into(), kind.into())).unwrap();
            assert_eq!(helped.take().as_ref(), Some(&family), "{line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind.as_str()), "{line}");
            assert_eq!(kind == "counter", family.ends_with("_total"), "{line}");
        } else {
            let parts = series.captures(line).unwrap_or_else(|| panic!("{line}"));
            let ends: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(ends.iter().any(|end| parts[1] == format!("{family}{end}")), "{line} in {family}");
            let name = line.rsplit_once(' ').unwrap().0.to_owned();
            let value: f64 = parts[4].parse().unwrap();
            assert!(value.is_finite() && values.insert(name, value).is_none(), "{line}");
        }
    }
    values
}

async fn figures(server: &TestServer) -> BTreeMap<String, f64> {
    read(&fetch(&format!("{}/metrics", server.url)).await)
}

#[tokio::test]
async fn every_outcome_is_counted_once_whichever_way_it_came() {
    let scene = Scene::new().await;
    let (device, Scene { clock, server, site, user }) = (&scene.device().await, &scene);
    let before = figures(server).await;
    let outcome = |name: &str| format!("countersign_challenges_total{{outcome=\"{name}\"}}");
    let (challenge, compact) = device.asked(site, user).await;
    assert_eq!(figures(server).await["countersign_open_challenges"], 1.0);
    device.answers(&compact, Approve).await;
    for _ in 0..3 {
        assert_eq!(site.claim(&challenge, "k").await.status, 200, "the same claim is one claim");
    }
    let (_, compact) = device.asked(site, user).await;
    device.answers(&compact, Report).await;
    let cancelled = site.ask(user).await;
    assert_eq!(site.cancel(&cancelled).await.status, 200);
    let (_, compact) = device.asked(site, user).await;
    device.answers(&compact, Approve).await;
    site.ask(user).await;
    clock.advance(Duration::from_secs(61));
    let first = figures(server).await;
    let after = figures(server).await;
    let expected = [
        ("created", 5.0),
        ("approved", 2.0),
        ("claimed", 1.0),
        ("reported", 1.0),
        ("cancelled", 1.0),
        ("expired", 1.0),
    ];
    for (name, count) in expected.into_iter().chain([("lapsed", 1.0), ("denied", 0.0), ("revoked", 0.0)]) {
        let name = outcome(name);
        assert_eq!(after[&name] - before[&name], count, "{name}");
        assert_eq!(first[&name], after[&name], "looking counts nothing: {name}");
    }
    assert_eq!(after["countersign_open_challenges"], 0.0);
    assert_eq!(after["countersign_journal_lines_total{fact=\"device.confirmed\"}"], 1.0);
}

#[tokio::test]
async fn what_another_process_does_is_counted_too() {
    let scene = Scene::new().await;
    scene.device().await;
    let server = &scene.server;
    let of = "countersign_journal_lines_total{fact=\"device.ended\"}";
    assert_eq!(figures(server).await[of], 0.0);
    let sql =
        "INSERT INTO journal (at, actor_kind, fact) VALUES (1, 'operator', 'device.ended'), (2, 'operator', 'x.new')";
    server.sqlite().execute(sql, []).unwrap();
    assert_eq!(figures(server).await[of], 1.0);
}

#[tokio::test]
async fn refusals_are_counted_by_their_code_through_every_door() {
    let Scene { server, site, .. } = &Scene::new().await;
    let of = |code: &str| format!("countersign_refusals_total{{code=\"{code}\"}}");
    let stranger = RelyingParty::new(&server.url, "csk_nothing");
    assert_eq!(stranger.get("/v1/relying-party").await.code(), "unauthorised");
    assert_eq!(site.get("/v1/nothing").await.code(), "not_found");
    assert_eq!(client().put(format!("{}/healthz", server.url)).send().await.unwrap().status(), 405);
    let counted = figures(server).await;
    for code in ["unauthorised", "not_found", "wrong_method"] {
        assert_eq!(counted[&of(code)], 1.0, "{code}: {counted:?}");
    }
}

#[tokio::test]
async fn the_steps_of_a_login_and_the_commits_are_measured() {
    let server = TestServer::start().await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;
    let (challenge, compact) = device.asked(&site, &user).await;
    device.answers(&compact, Approve).await;
    assert_eq!(site.claim(&challenge, "k").await.status, 200);
    assert_eq!(site.claim("AAAAAAAAAAAAAAAAAAAAAA", "k").await.status, 404, "no step");
    let counted = figures(&server).await;
    for step in ["create", "settle", "claim"] {
        assert_eq!(counted[&format!("countersign_step_seconds_count{{step=\"{step}\"}}")], 1.0, "{step}");
        assert!(counted[&format!("countersign_step_seconds_sum{{step=\"{step}\"}}")] > 0.0, "{step}");
    }
    let commits = counted["countersign_commit_seconds_count"];
    assert!(commits >= 6.0 && counted["countersign_commit_batch_size_count"] == commits, "{counted:?}");
    assert!(counted["countersign_commit_batch_size_sum"] >= commits);
    assert!(counted["countersign_connections"] >= 1.0, "this one");
}

#[tokio::test]
async fn strangers_do_not_read_them() {
    let server = TestServer::start().await;
    let path = format!("{}/metrics", server.url);
    for header in ["forwarded", "x-forwarded-for", "x-real-ip", "via"] {
        let answer = client().get(&path).header(header, "203.0.113.7").send().await.unwrap();
        assert_eq!(answer.status(), 404, "behind a proxy everybody seems to be on this machine: {header}");
    }
    let known_outside = TestServer::start_with(Arc::new(ManualClock::new()), |config| {
        config.public_url = Some("https://login.meridian.example".into());
    })
    .await;
    let answer = client().get(format!("{}/metrics", known_outside.url)).send().await.unwrap();
    assert_eq!(answer.status(), 404, "a proxy need not say that it is one");
}

#[tokio::test]
async fn an_address_of_their_own_has_the_figures_and_nothing_else() {
    let server = TestServer::start_with(Arc::new(ManualClock::new()), |config| {
        config.public_url = Some("https://login.meridian.example".into());
        config.metrics.listen = Some("127.0.0.1:0".parse().unwrap());
    })
    .await;
    let url = server.metrics_url().unwrap();
    assert!(read(&fetch(&url).await).contains_key("countersign_certificate_seconds_left"));
    let answer = client().get(format!("{}/metrics", server.url)).send().await.unwrap();
    assert_eq!(answer.status(), 404, "they are not at two places");
    for path in ["/v1/relying-party", "/healthz", "/.well-known/countersign"] {
        let answer = client().get(url.replace("/metrics", path)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn nobody_is_named_in_them() {
    let scene = Scene::new().await;
    let (device, Scene { server, site, user, .. }) = (&scene.device().await, &scene);
    device.asked(site, user).await;
    let text = fetch(&format!("{}/metrics", server.url)).await;
    for word in ["maya", "Meridian", "Customer area", "127.0.0.1", user.as_str(), &device.id().to_string()] {
        assert!(!text.contains(word), "{word}");
    }
    assert!(text.lines().count() < 400, "the number of series has a bound");
}

#[tokio::test]
async fn every_query_of_the_board_names_a_figure_that_is_there() {
    let scene = Scene::new().await;
    scene.device().await;
    let Scene { server, site, user, .. } = &scene;
    site.ask(user).await;
    let text = fetch(&format!("{}/metrics", server.url)).await;
    let there: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split_once(' '))
        .flat_map(|(name, kind)| match kind {
            "histogram" => ["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")).to_vec(),
            _ => vec![name.to_owned()],
        })
        .collect();
    let board = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/grafana-board.json");
    let board: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(board).unwrap()).unwrap();
    let name = Regex::new("countersign_[a-z_]+").unwrap();
    let mut shown = BTreeSet::new();
    for panel in board["panels"].as_array().unwrap() {
        assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let names: Vec<String> = name.find_iter(query).map(|found| found.as_str().to_owned()).collect();
            assert!(!names.is_empty(), "{query}");
            for name in names {
                assert!(there.contains(&name), "{name} in {query}");
                shown.insert(name);
            }
        }
    }
    for fixed in ["challenges_total", "step_seconds_bucket", "push_total", "refusals_total", "waiting"] {
        assert!(shown.contains(&format!("countersign_{fixed}")), "{fixed} is on the board");
    }
}

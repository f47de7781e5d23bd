//! The access log: for those who ask for it, and without secrets or people in it.

use countersign_tests::http::{RelyingParty, client};
use countersign_tests::program::{Program, init, relying_party, serve_command};
use reqwest::Method;

/// What a server with this environment writes to its log for a few requests, and the site that asked.
async fn log_of(settings: &[(&str, &str)]) -> (String, RelyingParty, String) {
    let data = tempfile::tempdir().unwrap();
    init(data.path()).await;
    let log = data.path().join("log");
    let mut serve = serve_command(data.path());
    serve.env("RUST_LOG", "info").envs(settings.iter().copied()).stderr(std::fs::File::create(&log).unwrap());
    let server = Program::start(serve).await;
    let site = relying_party(data.path(), &server.url).await;
    let user = site.user("maya").await;
    let path = format!("/v1/users/{user}/authenticators");
    site.request(Method::GET, &path).header("x-request-id", "seen-from-outside").send().await.unwrap();
    client().get(format!("{}/v1/enrolments/a-secret-of-theirs?wait=1", server.url)).send().await.unwrap();
    assert!(server.stop().await.success());
    (std::fs::read_to_string(log).unwrap(), site, user)
}

#[tokio::test]
async fn it_is_off_until_somebody_wants_it() {
    let (log, ..) = log_of(&[]).await;
    assert!(log.contains("serving") && !log.contains("answered"), "{log}");
}

#[tokio::test]
async fn an_answer_is_a_line_without_secrets_and_people() {
    let (log, site, user) = log_of(&[("COUNTERSIGN_LOG__ACCESS", "true")]).await;
    let line = log.lines().find(|line| line.contains("seen-from-outside")).unwrap_or_else(|| panic!("{log}"));
    for word in ["answered", "GET", "/v1/users/{id}/authenticators", "status=200", "milliseconds=", "relying_party="] {
        assert!(line.contains(word), "{word}: {line}");
    }
    let refused = log.lines().find(|line| line.contains("/v1/enrolments/{id}")).unwrap_or_else(|| panic!("{log}"));
    assert!(refused.contains("status=401") && refused.contains("unauthorised"), "{refused}");
    for secret in [site.api_key.as_str(), &user, "maya", "a-secret-of-theirs", "127.0.0.1\""] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
    assert!(!line.contains("address="), "{line}");
}

#[tokio::test]
async fn addresses_are_in_it_for_those_who_say_so_and_programs_read_it_too() {
    let settings = [
        ("COUNTERSIGN_LOG__ACCESS", "true"),
        ("COUNTERSIGN_LOG__ADDRESSES", "true"),
        ("COUNTERSIGN_LOG__FORMAT", "json"),
    ];
    let (log, ..) = log_of(&settings).await;
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let line = lines.into_iter().find(|line| line["span"]["id"] == "seen-from-outside").unwrap();
    assert_eq!((&line["fields"]["address"], &line["fields"]["status"]), (&"127.0.0.1".into(), &200.into()), "{line}");
}

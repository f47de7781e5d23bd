//! What the gateway makes of the network's answers, how it renews its token, and how many connections it opens.

use crate::scene::{Files, TOKEN, device, options, registration, simulator};
use countersign_protocol::apns::{AppleDevice, Environment};
use countersign_protocol::device_api::{PushFailure, PushRegistration};
use countersign_protocol::time::{Clock, Timestamp};
use countersign_server::delivery::push::config::ApnsConfig;
use countersign_server::delivery::push::{Apns, Delivery, Gateway, Kind, Message};
use countersign_tests::apns::{Behaviour, REASONS, Refusal, Simulator};
use countersign_tests::clock::ManualClock;
use countersign_tests::push_service::Down;
use countersign_tests::server::TestServer;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// A gateway and the network that it sends to.
struct World {
    clock: ManualClock,
    apns: Simulator,
    gateway: Arc<Apns>,
    server: TestServer,
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::new();
        let apns = simulator(&clock).await;
        Self::at(clock, apns).await
    }

    async fn at(clock: ManualClock, apns: Simulator) -> Self {
        let server = TestServer::start_at(&clock).await;
        let gateway = Arc::new(gateway(&server, &Files::new().config(&apns.url, &apns.url)).unwrap());
        Self { clock, apns, gateway, server }
    }

    async fn send(&self) -> Delivery {
        send(&self.gateway, &registration(), &self.clock).await
    }

    /// As many pushes side by side.
    fn send_many(&self, count: usize) -> JoinSet<Delivery> {
        let one = || {
            let (gateway, clock) = (Arc::clone(&self.gateway), self.clock.clone());
            async move { send(&gateway, &registration(), &clock).await }
        };
        (0..count).map(|_| one()).collect()
    }
}

/// The gateway that is configured; the reason when it is none.
fn gateway(server: &TestServer, config: &ApnsConfig) -> Result<Apns, String> {
    let made = Apns::new(config, Arc::clone(server.service())).map_err(|error| error.to_string())?;
    made.ok_or_else(|| "off".to_owned())
}

async fn send(gateway: &Apns, registration: &PushRegistration, clock: &ManualClock) -> Delivery {
    let time_to_live = Duration::from_secs(60);
    let expires_at = clock.now() + time_to_live;
    let (envelope, topic) = (r#"{"v":1,"id":"id","sealed":"AAAA"}"#, "topic");
    gateway
        .send(registration, Message { envelope, kind: Kind::Challenge, time_to_live, expires_at, topic, attempts: 0 })
        .await
}

/// What a reason should come to.
#[derive(Debug, PartialEq)]
enum Wanted {
    Gone,
    /// This device's token is of no use, unless the mistake is this server's own.
    Unusable,
    /// This push, later.
    Later,
    /// Every push, later.
    Down,
    /// Never; the operator reads this.
    Failed(&'static str),
    /// Never to any device; the operator reads this.
    Misconfigured(&'static str),
}

const OURS: Wanted = Wanted::Failed("please report it");

fn wanted(reason: &str) -> Wanted {
    match reason {
        "ExpiredToken" | "Unregistered" => Wanted::Gone,
        "BadDeviceToken" | "DeviceTokenNotForTopic" => Wanted::Unusable,
        "TooManyRequests" => Wanted::Later,
        "IdleTimeout"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "Shutdown"
        | "TooManyProviderTokenUpdates"
        | "ExpiredProviderToken" => Wanted::Down,
        "BadTopic" | "MissingTopic" | "TopicDisallowed" => Wanted::Misconfigured("topic in [push.apns]"),
        "InvalidProviderToken" => Wanted::Misconfigured("check key_file, key_id and team_id"),
        "Forbidden" => Wanted::Misconfigured("revoked"),
        "UnrelatedKeyIdInToken" => Wanted::Misconfigured("key_id in [push.apns]"),
        "BadEnvironmentKeyIdInToken" => Wanted::Misconfigured("environment"),
        "BadCertificate" | "BadCertificateEnvironment" | "MissingProviderToken" => Wanted::Misconfigured("base_url"),
        _ => OURS,
    }
}

#[tokio::test]
async fn every_reason_of_apple_means_something() {
    let mut world = World::new().await;
    assert_eq!(world.send().await, Delivery::Sent);
    world.apns.next().await;
    for (reason, status) in REASONS {
        world.apns.answer_next(Behaviour::refuse(reason));
        let delivery = world.send().await;
        assert_eq!(world.apns.next().await.status, Some(status));
        match (wanted(reason), delivery) {
            (Wanted::Gone, Delivery::Gone(None)) => {}
            (Wanted::Unusable, Delivery::Unusable(_, text))
            | (Wanted::Later, Delivery::RetryAfter(_, text))
            | (Wanted::Down, Delivery::Down(_, text)) => {
                assert!(text.contains(reason), "{reason}: {text}");
            }
            (Wanted::Failed(todo), Delivery::Failed(text))
            | (Wanted::Misconfigured(todo), Delivery::Misconfigured(text)) => {
                assert!(text.contains(reason) && text.contains(todo), "{reason}: {text}");
            }
            (wanted, found) => panic!("{reason}: {wanted:?}, found {found:?}"),
        }
    }
    assert_eq!(world.send().await, Delivery::Sent);
}

#[tokio::test]
async fn an_answer_may_say_when_to_come_back_and_since_when_a_device_is_gone() {
    let world = World::new().await;
    for reason in ["TooManyRequests", "ServiceUnavailable"] {
        for (text, after) in [("7", Some(Duration::from_secs(7))), ("soon", None)] {
            let refusal = Refusal { retry_after: Some(text.into()), ..Refusal::of(reason) };
            world.apns.answer_next(Behaviour::Refuse(refusal));
            let (Delivery::RetryAfter(found, _) | Delivery::Down(found, _)) = world.send().await else {
                panic!("{reason}")
            };
            assert_eq!(found, after, "{reason}: {text}");
        }
    }
    let refusal = Refusal { timestamp: Some(1_799_999_000_123), ..Refusal::of("Unregistered") };
    world.apns.answer_next(Behaviour::Refuse(refusal));
    assert_eq!(world.send().await, Delivery::Gone(Some(Timestamp::from_millis(1_799_999_000_123))));
    let refusal = Refusal { reason: "BadMoon".into(), ..Refusal::of("BadTopic") };
    world.apns.answer_next(Behaviour::Refuse(refusal));
    assert!(matches!(world.send().await, Delivery::Failed(text) if text.contains("BadMoon (400)")));
}

#[tokio::test]
async fn a_topic_of_the_devices_own_that_is_not_its_own_drops_its_registration_and_no_other() {
    let mut world = World::new().await;
    let topic = Some(crate::scene::provider().topics[0].clone());
    let own = PushRegistration::Apns(AppleDevice { token: TOKEN.into(), environment: Environment::Production, topic });
    assert_eq!(send(&world.gateway, &own, &world.clock).await, Delivery::Sent);
    assert_eq!(world.apns.next().await.header("apns-topic"), "net.countersign.app");
    world.apns.answer_device(TOKEN, Behaviour::refuse("DeviceTokenNotForTopic"));
    assert_eq!(send(&world.gateway, &own, &world.clock).await, Delivery::Gone(None));
    let Delivery::Unusable(failure, _) = world.send().await else { panic!("the topic may be the operator's mistake") };
    assert_eq!(failure, PushFailure::WrongProject);
}

#[tokio::test]
async fn a_connection_that_ends_is_followed_by_another_and_the_push_is_tried_again() {
    let world = World::new().await;
    assert_eq!(world.send().await, Delivery::Sent);
    for (ending, behaviour) in [Behaviour::GoAwayUnanswered, Behaviour::Cut].into_iter().enumerate() {
        world.apns.answer_next(behaviour.clone());
        let Delivery::Unreachable(none) = world.send().await else { panic!("{behaviour:?}") };
        let (said, detail) = (none.said(), &none.detail);
        assert!(said.contains("APNs cannot be reached") && !detail.contains(TOKEN), "{said}: {detail}");
        assert!(!none.unconnected, "another device's stream may do better: {detail}");
        assert_eq!(world.send().await, Delivery::Sent);
        assert_eq!(world.apns.all_connections(), ending + 2, "{behaviour:?}");
    }
    world.apns.answer_next(Behaviour::GoAway);
    assert_eq!(world.send().await, Delivery::Sent, "the answer came before the end");
    while world.apns.open_connections() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.send().await, Delivery::Sent);
    assert_eq!(world.apns.all_connections(), 4, "after GOAWAY nothing is sent on the old one");
}

#[tokio::test]
async fn a_stream_that_ends_leaves_its_connection_as_it_is() {
    let mut world = World::new().await;
    world.apns.answer_next(Behaviour::Reset);
    assert!(matches!(world.send().await, Delivery::Unreachable(none) if !none.unconnected));
    world.apns.answer_next(Behaviour::RefuseStream);
    assert_eq!(world.send().await, Delivery::Sent, "what was not looked at is sent again at once");
    let statuses = [world.apns.next().await.status, world.apns.next().await.status, world.apns.next().await.status];
    assert_eq!(statuses, [None, None, Some(200)]);
    assert_eq!(world.apns.all_connections(), 1);
}

#[tokio::test]
async fn a_network_that_is_not_there_is_tried_again() {
    let clock = ManualClock::new();
    let server = TestServer::start_at(&clock).await;
    let url = Down::new().url().replace("http:", "https:");
    let gateway = gateway(&server, &Files::new().config(&url, &url)).unwrap();
    let Delivery::Unreachable(none) = send(&gateway, &registration(), &clock).await else { panic!("it is down") };
    assert!(none.unconnected && none.said().contains("APNs cannot be reached"), "{none:?}");
}

#[tokio::test]
async fn one_connection_carries_a_hundred_pushes_and_more_are_opened_for_more() {
    for (pushes, connections) in [(1, 1), (100, 1), (101, 2), (250, 3), (400, 4)] {
        let mut world = World::new().await;
        world.apns.hold();
        let sent = world.send_many(pushes);
        let mut on_first = 0;
        for _ in 0..pushes {
            on_first += usize::from(world.apns.next().await.connection == 1);
        }
        assert_eq!(world.apns.open_connections(), connections, "{pushes} pushes");
        assert!(on_first <= 100, "{on_first}");
        world.apns.release();
        assert!(sent.join_all().await.into_iter().all(|delivery| delivery == Delivery::Sent));
    }
}

#[tokio::test]
async fn more_pushes_than_all_connections_carry_wait_for_a_place() {
    let mut world = World::new().await;
    world.apns.hold();
    let sent = world.send_many(405);
    for _ in 0..400 {
        world.apns.next().await;
    }
    assert!(world.apns.is_quiet());
    world.apns.release();
    assert!(sent.join_all().await.into_iter().all(|delivery| delivery == Delivery::Sent));
    assert_eq!(world.apns.all_connections(), 4);
}

#[tokio::test]
async fn a_network_that_allows_fewer_streams_is_not_given_more() {
    let clock = ManualClock::new();
    let mut settings = options(&clock);
    settings.max_streams = 10;
    let mut world = World::at(clock, Simulator::start(settings).await).await;
    assert_eq!(world.send().await, Delivery::Sent, "its settings are known after the first answer");
    world.apns.next().await;
    world.apns.hold();
    let sent = world.send_many(30);
    for _ in 0..10 {
        world.apns.next().await;
    }
    assert!(world.apns.is_quiet());
    world.apns.release();
    assert!(sent.join_all().await.into_iter().all(|delivery| delivery == Delivery::Sent));
    assert_eq!(world.apns.all_connections(), 1, "h2 keeps the others back inside the connection");
}

#[tokio::test]
async fn a_burst_on_a_connection_that_allows_one_stream_loses_nothing() {
    let clock = ManualClock::new();
    let mut settings = options(&clock);
    // As Apple's does until the first valid provider token has come.
    settings.max_streams = 1;
    let world = World::at(clock, Simulator::start(settings).await).await;
    let sent = world.send_many(100).join_all().await;
    assert!(sent.into_iter().all(|delivery| delivery == Delivery::Sent));
    assert_eq!(world.apns.all_connections(), 1);
}

#[tokio::test]
async fn a_token_that_apple_holds_to_be_too_old_is_renewed_at_once_but_not_before_twenty_minutes() {
    let mut world = World::new().await;
    assert_eq!(world.send().await, Delivery::Sent);
    let first = world.apns.next().await;
    world.clock.advance(Duration::from_secs(1199));
    world.apns.answer_next(Behaviour::refuse("ExpiredProviderToken"));
    let Delivery::Down(Some(after), reason) = world.send().await else { panic!("it is too young") };
    assert_eq!((after, world.apns.next().await.status), (Duration::from_secs(1), Some(403)));
    assert!(reason.contains("clock"), "{reason}");
    assert_eq!(world.send().await, Delivery::Sent);
    assert_eq!(world.apns.next().await.header("authorization"), first.header("authorization"));

    world.clock.advance(Duration::from_secs(1));
    world.apns.answer_next(Behaviour::refuse("ExpiredProviderToken"));
    assert_eq!(world.send().await, Delivery::Sent, "with a token of this moment");
    assert_eq!(world.apns.next().await.status, Some(403));
    let renewed = world.apns.next().await;
    assert_ne!(renewed.header("authorization"), first.header("authorization"));
    assert!(world.apns.is_quiet());

    world.clock.advance(Duration::from_secs(1200));
    for _ in 0..2 {
        world.apns.answer_next(Behaviour::refuse("ExpiredProviderToken"));
    }
    assert!(
        matches!(world.send().await, Delivery::Misconfigured(reason) if reason.contains("clock")),
        "once, not forever"
    );
}

#[tokio::test]
async fn each_environment_has_a_network_of_its_own() {
    let clock = ManualClock::new();
    let network = async |known: &str| {
        let mut settings = options(&clock);
        settings.devices = Some(vec![known.to_owned()]);
        Simulator::start(settings).await
    };
    let (store_token, xcode_token) = ("0a".repeat(32), "0b".repeat(80));
    let (mut production, mut sandbox) = (network(&store_token).await, network(&xcode_token).await);
    let server = TestServer::start_at(&clock).await;
    let gateway = gateway(&server, &Files::new().config(&production.url, &sandbox.url)).unwrap();
    let send = async |token: &str, environment| send(&gateway, &device(token, environment), &clock).await;
    assert_eq!(send(&store_token, Environment::Production).await, Delivery::Sent);
    assert_eq!(production.next().await.device, store_token);
    assert_eq!(send(&xcode_token, Environment::Sandbox).await, Delivery::Sent);
    assert_eq!(sandbox.next().await.device, xcode_token);
    for (token, environment) in [(&store_token, Environment::Sandbox), (&xcode_token, Environment::Production)] {
        let delivery = send(token, environment).await;
        let Delivery::Unusable(PushFailure::Gone, reason) = delivery else { panic!("{delivery:?}") };
        assert!(reason.contains("wrong environment"), "the phone says it anew: {reason}");
    }
}

#[tokio::test]
async fn what_is_not_for_apns_is_not_sent() {
    let mut world = World::new().await;
    let other = Down::new().registration();
    assert!(matches!(send(&world.gateway, &other, &world.clock).await, Delivery::Failed(_)));
    let crooked = device("../../other", Environment::Production);
    assert!(matches!(send(&world.gateway, &crooked, &world.clock).await, Delivery::Failed(_)));
    let envelope = format!(r#"{{"v":1,"id":"id","sealed":"{}"}}"#, "A".repeat(4096));
    let expires_at = world.clock.now();
    let (kind, time_to_live) = (Kind::Challenge, Duration::ZERO);
    let message = Message { envelope: &envelope, kind, time_to_live, expires_at, topic: "topic", attempts: 0 };
    assert!(
        matches!(world.gateway.send(&registration(), message).await, Delivery::Failed(why) if why.contains("4096"))
    );
    assert!(world.apns.is_quiet());
}

/// What is wrong with a configuration.
type Change<'a> = &'a dyn Fn(&mut ApnsConfig);

#[tokio::test]
async fn a_configuration_that_cannot_work_says_what_to_do() {
    let world = World::new().await;
    let files = Files::new();
    let right = files.config(&world.apns.url, &world.apns.url);
    let reason = |change: Change<'_>| {
        let mut config = right.clone();
        change(&mut config);
        gateway(&world.server, &config).map(drop).unwrap_err()
    };
    assert!(gateway(&world.server, &right).is_ok());
    assert_eq!(gateway(&world.server, &ApnsConfig::default()).map(drop), Err("off".into()));
    let cases: [(Change<'_>, &str); 10] = [
        (&|config| config.topic = None, "key_file, key_id, team_id and topic"),
        (&|config| config.key_file = None, "key_file, key_id, team_id and topic"),
        (&|config| config.key_file = Some("/nowhere.p8".into()), "/nowhere.p8"),
        (&|config| config.key_file = Some(files.root()), "developer site"),
        (&|config| config.key_id = Some("short".into()), "push.apns.key_id"),
        (&|config| config.team_id = Some("with space".into()), "push.apns.team_id"),
        (&|config| config.topic = Some("no topic".into()), "bundle identifier"),
        (&|config| config.base_url = world.apns.url.replace("https", "http"), "https://"),
        (&|config| config.sandbox_base_url = format!("{}/3", world.apns.url), "push.apns.sandbox_base_url"),
        (&|config| config.allow_private = false, "private address"),
    ];
    for (change, text) in cases {
        assert!(reason(change).contains(text), "{text}: {}", reason(change));
    }
    assert!(reason(&|config| config.extra_roots = vec!["/nowhere.pem".into()]).contains("/nowhere.pem"));
}

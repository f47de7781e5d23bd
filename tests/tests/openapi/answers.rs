//! Requests after the description, right and wrong ones, to a real server: each answer is one that the description has,
//! what it allows is not `malformed`, and what it forbids is refused.

use super::generate::Generator;
use super::schema::Description;
use countersign_protocol::decision::Answer as YesOrNo;
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::randomness::SystemRandomness;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::{Answer, client, send};
use countersign_tests::scene::Scene;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

/// A server with a person, a device, and one of everything that has an id.
struct World {
    scene: Scene,
    description: Description,
    device: HandmadeDevice,
    spare: HandmadeDevice,
    /// Settled, so that no wait for it is long.
    challenge: String,
    application: String,
    moving: String,
}

/// One request.
#[derive(Debug, Clone)]
struct Request {
    method: Method,
    /// Path and query.
    target: String,
    headers: Vec<(&'static str, HeaderValue)>,
    body: Vec<u8>,
}

impl World {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let device = scene.device().await;
        let spare = scene.device().await;
        let (challenge, compact) = device.asked(&scene.site, &scene.user).await;
        device.answers(&compact, YesOrNo::Approve).await;
        let proposed = scene.site.post(&format!("/v1/users/{}/authenticators", scene.user), &json!({})).await;
        let application = proposed.body["id"].as_str().unwrap().to_owned();
        let description = Description(scene.site.get("/openapi.json").await.body);
        let moving = json!({ "user_id": scene.user, "device_id": device.id(), "reason": "a new phone" });
        let moving = scene.site.post("/v1/moves", &moving).await.body["id"].as_str().unwrap().to_owned();
        Self { scene, description, device, spare, challenge: challenge.to_string(), application, moving }
    }

    /// Right values for members whose rules a schema says only in words, or which name something.
    fn known(&self, member: &str) -> Vec<Value> {
        match member {
            "user_id" => vec![json!(self.scene.user)],
            "device_id" => vec![json!(self.device.id())],
            "valid_from" | "valid_until" => vec![Value::Null],
            "name" | "reason" => vec![json!("maya"), json!("Zoë 2"), json!("Ω".repeat(100))],
            "code" => vec![json!("123456"), json!("123 456"), json!("000000")],
            "ip" => vec![json!("192.0.2.7"), json!("2001:db8::7"), Value::Null],
            "endpoint" => vec![json!("https://push.example/wp/7Yk2")],
            _ => Vec::new(),
        }
    }

    fn id_for(&self, path: &str) -> String {
        let of_kind = [
            ("/v1/users/", self.scene.user.clone()),
            ("/v1/enrolments/", self.device.id().to_string()),
            ("/v1/authenticators/", self.application.clone()),
            ("/v1/challenges/", self.challenge.clone()),
            ("/v1/moves/", self.moving.clone()),
            ("/v1/device/challenges/", self.challenge.clone()),
            ("/v1/device/devices/", self.spare.id().to_string()),
        ];
        of_kind.into_iter().find(|(start, _)| path.starts_with(start)).map(|(_, id)| id).unwrap_or_default()
    }

    /// The plainest request of an operation, with this body.
    fn request(&self, method: &str, path: &str, operation: &Value, body: Option<&Value>) -> Request {
        let media = self.body_type(operation).unwrap_or("application/json");
        let body = match body {
            Some(Value::String(text)) if media == "application/jose" => text.clone().into_bytes(),
            Some(body) => body.to_string().into_bytes(),
            None => Vec::new(),
        };
        Request {
            method: method.to_uppercase().parse().unwrap(),
            target: path.replace("{id}", &self.id_for(path)),
            headers: vec![("content-type", HeaderValue::from_str(media).unwrap())],
            body,
        }
    }

    fn body_type<'a>(&self, operation: &'a Value) -> Option<&'a str> {
        operation["requestBody"]["content"].as_object()?.keys().next().map(String::as_str)
    }

    fn body_schema<'a>(&self, operation: &'a Value) -> Option<&'a Value> {
        let media = self.body_type(operation)?;
        Some(&operation["requestBody"]["content"][media]["schema"])
    }

    /// Sends it as the description says who may: with the key, with a proof, or with nothing.
    async fn send(&self, operation: &Value, request: &Request) -> Answer {
        let Request { method, target, headers, body } = request;
        if requires(operation, "request_proof") {
            let device = if *method == Method::DELETE { &self.spare } else { &self.device };
            return device.send(method.clone(), target, body).await;
        }
        let url = format!("{}{target}", self.scene.server.url);
        let mut sent = client().request(method.clone(), url).body(body.clone());
        for (name, value) in headers {
            sent = sent.header(*name, value);
        }
        if requires(operation, "api_key") {
            sent = sent.bearer_auth(&self.scene.site.api_key);
        }
        send(sent).await
    }

    /// Panics when the answer is none of those that the description has.
    fn check(&self, operation: &Value, request: &Request, answer: &Answer) {
        let name = &operation["operationId"];
        let described = &operation["responses"][answer.status.to_string()];
        assert!(!described.is_null(), "{name} has no answer {}: {request:?} {answer:?}", answer.status);
        let described = self.description.resolve(described);
        let media = answer.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap().split(';').next().unwrap());
        match (described["content"].as_object(), media) {
            (None, media) => assert_eq!((media, &answer.body), (None, &Value::Null), "{name}: {answer:?}"),
            (Some(_), Some("text/plain")) => assert!(described["content"]["text/plain"].is_object(), "{name}"),
            (Some(content), media) => {
                let schema = media.and_then(|media| content.get(media));
                let schema = schema.unwrap_or_else(|| panic!("{name}: {media:?} is not described: {answer:?}"));
                let faults = self.description.faults(&schema["schema"], &answer.body);
                assert!(faults.is_empty(), "{name}: {faults:?}: {request:?} {answer:?}");
            }
        }
        for header in described["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
            // What is not known by its key gets no nonce.
            let may_lack = header == "countersign-nonce" && answer.status >= 400;
            assert!(may_lack || answer.headers.contains_key(header), "{name}: {header} is missing: {answer:?}");
        }
    }

    async fn answered(&self, operation: &Value, request: &Request) -> Answer {
        let answer = self.send(operation, request).await;
        self.check(operation, request, &answer);
        answer
    }
}

fn requires(operation: &Value, scheme: &str) -> bool {
    operation["security"].as_array().expect("security is said").iter().any(|one| one[scheme].is_array())
}

/// True where the form of a body is judged as a whole before anything else is, so that it can be told from its answer.
fn judges_its_body(operation: &Value) -> bool {
    requires(operation, "api_key")
}

fn is_of_form(answer: &Answer) -> bool {
    matches!(answer.code(), "malformed" | "too_large" | "unknown_claim")
}

#[tokio::test]
async fn every_operation_is_named_once_and_says_who_may_call_it() {
    let world = World::new().await;
    let mut names: Vec<&Value> = Vec::new();
    for (method, path, operation) in world.description.operations() {
        assert!(operation["security"].is_array(), "{method} {path}");
        assert!(!names.contains(&&operation["operationId"]), "{method} {path}");
        names.push(&operation["operationId"]);
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("500") && !responses.contains_key("default"), "{method} {path}");
    }
    assert!(names.len() > 20, "{names:?}");
    let text = world.description.0.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(world.description.0.pointer(reference).is_some(), "{reference} leads nowhere");
    }
}

#[tokio::test]
async fn what_the_description_allows_is_not_malformed_and_each_answer_is_described() {
    let world = World::new().await;
    let known = |member: &str| world.known(member);
    for seed in 0..8 {
        let mut generator = Generator::new(&world.description, &known, seed);
        for (method, path, operation) in world.description.operations() {
            let body = world.body_schema(operation).map(|schema| generator.value(schema));
            let mut request = world.request(method, path, operation, body.as_ref());
            let answer = world.answered(operation, &request).await;
            assert!(!judges_its_body(operation) || !is_of_form(&answer), "{request:?} {answer:?}");
            // Nobody looks at Content-Type.
            for media in ["text/plain", "application/xml; charset=latin1", "nonsense"] {
                request.headers[0].1 = HeaderValue::from_static(media);
                let answer = world.answered(operation, &request).await;
                assert!(!judges_its_body(operation) || !is_of_form(&answer), "{request:?} {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_the_description_forbids_in_a_body_is_refused() {
    let world = World::new().await;
    let known = |member: &str| world.known(member);
    let mut generator = Generator::new(&world.description, &known, 100);
    let mut sent = 0;
    for (method, path, operation) in world.description.operations() {
        let Some(schema) = world.body_schema(operation) else { continue };
        let right = generator.value(schema);
        for wrong in generator.spoiled(schema, &right) {
            let request = world.request(method, path, operation, Some(&wrong));
            let answer = world.answered(operation, &request).await;
            if judges_its_body(operation) {
                assert!(is_of_form(&answer), "{path}: {wrong} {answer:?}");
            } else {
                assert!(answer.status >= 400, "{path}: {wrong} {answer:?}");
            }
            sent += 1;
        }
        for raw in [&b""[..], b"{", b"\xff\xfe", b"{\"a\":1,\"a\":1}", b"null x", &[b' '; 70_000]] {
            let request = Request { body: raw.to_vec(), ..world.request(method, path, operation, None) };
            let answer = world.answered(operation, &request).await;
            assert!(is_of_form(&answer), "{path}: {raw:?} {answer:?}");
        }
    }
    assert!(sent > 300, "{sent}");
}

/// Texts for a parameter, of which some fit its schema.
const TEXTS: [&str; 16] = [
    "",
    "0",
    "60",
    "61",
    "-1",
    "007",
    "1.5",
    "tap",
    "number",
    "Tap",
    "q83vEjRWeJCrze8SNFZ4kA",
    "a%20b",
    "%00",
    "%C3%A9",
    "%F0%9F%98%80",
    "a,b.c",
];

/// A parameter's text as its schema reads it.
fn value_of(schema: &Value, text: &str) -> Value {
    let plain: String =
        text.replace("%20", " ").replace("%C3%A9", "é").replace("%00", "\0").replace("%F0%9F%98%80", "😀");
    let whole = || plain.parse::<i64>().ok().filter(|number| number.to_string() == plain);
    let numeric = schema["type"].as_array().map_or(schema["type"] == "integer", |all| all.contains(&json!("integer")));
    match whole() {
        Some(number) if numeric => json!(number),
        _ => json!(plain),
    }
}

#[tokio::test]
async fn a_parameter_is_right_where_the_description_says_so_and_refused_elsewhere() {
    let world = World::new().await;
    let long = ["k".repeat(22), "k".repeat(64), "k".repeat(65), "k".repeat(255), "k".repeat(256)];
    for (method, path, operation) in world.description.operations() {
        let known = |member: &str| world.known(member);
        let mut generator = Generator::new(&world.description, &known, 101);
        let body = world.body_schema(operation).map(|schema| generator.value(schema));
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
            for text in TEXTS.into_iter().chain(long.iter().map(String::as_str)) {
                // A pull that waits does wait.
                if path == "/v1/device/challenges" && name == "wait" && text == "60" {
                    continue;
                }
                let mut request = world.request(method, path, operation, body.as_ref());
                match place {
                    "path" => request.target = path.replace(&format!("{{{name}}}"), text),
                    "query" => request.target = format!("{}?{name}={text}", request.target),
                    "header" => {
                        let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) else { continue };
                        request.headers.push(("idempotency-key", value));
                    }
                    other => panic!("{other}: {parameter}"),
                }
                if place == "path" && text.is_empty() {
                    continue;
                }
                let answer = world.answered(operation, &request).await;
                let schema = &parameter["schema"];
                let value =
                    if place == "header" { json!(text) } else { value_of(world.description.resolve(schema), text) };
                let fits = world.description.faults(schema, &value).is_empty();
                let refused = match place {
                    "path" => answer.status == 404 || answer.status == 403,
                    _ => answer.code() == "malformed",
                };
                // What a phone holds is a list whose form only PROTOCOL.md has.
                let only_in_words = name == "known";
                assert!(refused || fits, "{path} takes {name}={text}: {answer:?}");
                assert!(
                    !refused || !fits || place == "path" || only_in_words,
                    "{path} refuses {name}={text}: {answer:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn without_the_right_credentials_nothing_is_done_and_the_answer_is_described() {
    let world = World::new().await;
    let known = |member: &str| world.known(member);
    for (method, path, operation) in world.description.operations() {
        let mut generator = Generator::new(&world.description, &known, 102);
        let body = world.body_schema(operation).map(|schema| generator.value(schema));
        let request = world.request(method, path, operation, body.as_ref());
        let url = format!("{}{}", world.scene.server.url, request.target);
        let plain = || client().request(request.method.clone(), &url).body(request.body.clone());
        let wrong_keys = ["Bearer", "Bearer ", "Basic bWF5YTp4", "Bearer csk_x", "csk_x", "Bearer \u{e9}"];
        let wrong_proofs = ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\u{e9}"];
        let bare = send(plain()).await;
        world.check(operation, &request, &bare);
        if requires(operation, "api_key") {
            assert_eq!(bare.code(), "unauthorised", "{path}");
            for key in wrong_keys {
                let value = HeaderValue::from_bytes(key.as_bytes()).unwrap();
                let answer = send(plain().header("authorization", value)).await;
                world.check(operation, &request, &answer);
                assert_eq!(answer.code(), "unauthorised", "{path} {key:?}");
            }
        } else if requires(operation, "request_proof") {
            for proof in wrong_proofs {
                let value = HeaderValue::from_bytes(proof.as_bytes()).unwrap();
                let answer = send(plain().header("countersign-proof", value)).await;
                world.check(operation, &request, &answer);
                assert!(answer.status >= 400, "{path} {proof:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_method_that_is_not_described_is_refused_with_those_that_are() {
    let world = World::new().await;
    let paths = world.description.0["paths"].as_object().unwrap();
    for (path, item) in paths {
        let described: Vec<String> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        let id = ChallengeId::random(&SystemRandomness::new()).to_string();
        let target = path.replace("{id}", &id);
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            if described.contains(&method.to_owned()) || (method == "HEAD" && described.contains(&"GET".to_owned())) {
                continue;
            }
            let answer = send(world.scene.site.request(method.parse().unwrap(), &target)).await;
            assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
            assert!(method == "HEAD" || answer.code() == "wrong_method", "{method} {path}: {answer:?}");
            let allow = answer.headers.get("allow").unwrap_or_else(|| panic!("{method} {path}: {answer:?}"));
            let allow: Vec<&str> = allow.to_str().unwrap().split(',').map(str::trim).collect();
            for right in &described {
                assert!(allow.contains(&right.as_str()), "{method} {path}: {allow:?}");
            }
        }
    }
}

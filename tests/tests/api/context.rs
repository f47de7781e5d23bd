//! Where a sign-in comes from, as relying parties hand it over and as the person sees it.

use countersign_protocol::challenge::{Challenge, Context};
use countersign_tests::handmade::{HandmadeDevice, read_claims};
use countersign_tests::scene::Scene;
use serde_json::{Value, json};

/// What the phone shows of a context that the server takes.
async fn shown(scene: &Scene, device: &HandmadeDevice, context: &Value) -> Context {
    let asked = scene.site.ask_for(&scene.user, json!({ "context": context })).await;
    assert_eq!(asked.status, 201, "{context}: {asked:?}");
    let id = asked.body["id"].as_str().unwrap();
    let brought = device.pull().await.iter().map(|compact| read_claims::<Challenge>(compact)).collect::<Vec<_>>();
    assert_eq!(scene.site.cancel(id).await.status, 200);
    brought.into_iter().find(|challenge| challenge.challenge_id.to_string() == id).unwrap().context
}

#[tokio::test]
async fn what_is_handed_over_of_a_sign_in_is_shown_as_it_was_read() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    for (handed_over, canonical) in [("2001:DB8:0:0:0:0:0:1", Some("2001:db8::1")), ("unknown", None)] {
        let context = shown(&scene, &device, &json!({ "ip": handed_over })).await;
        assert_eq!(context.ip.as_deref(), canonical, "{handed_over}");
    }
    let long = format!("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0 {}", "x".repeat(50_000));
    for (user_agent, browser) in [
        (json!(long), Some("Firefox")),
        (json!("\u{1b}[2J\u{0}\r\n\u{202e} Firefox/140.0"), Some("Firefox")),
        (Value::Null, None),
    ] {
        let context = shown(&scene, &device, &json!({ "user_agent": user_agent })).await;
        assert_eq!(context.browser.as_deref(), browser, "{user_agent}: no browser keeps anybody out");
    }
    assert_eq!(shown(&scene, &device, &Value::Null).await, Context::default());
    for list in ["198.51.100.4, 10.0.0.1", "login.example"] {
        let refused = scene.site.ask_for(&scene.user, json!({ "context": { "ip": list } })).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{list}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.starts_with("context.ip ") && !detail.contains(list), "{list}: {detail}");
    }
    assert_eq!(device.pull().await, Vec::<String>::new(), "what is refused asks nobody");
}

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
async fn an_address_is_shown_in_its_canonical_form_whoever_wrote_it() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    for (handed_over, canonical) in [
        ("192.0.2.7", Some("192.0.2.7")),
        ("192.0.2.7:51234", Some("192.0.2.7")),
        ("::ffff:192.0.2.7", Some("192.0.2.7")),
        ("[2001:db8::1]:443", Some("2001:db8::1")),
        ("2001:DB8:0:0:0:0:0:1", Some("2001:db8::1")),
        ("fe80::1%eth0", Some("fe80::1")),
        ("", None),
        ("-", None),
        ("unknown", None),
    ] {
        let context = shown(&scene, &device, &json!({ "ip": handed_over })).await;
        assert_eq!(context.ip.as_deref(), canonical, "{handed_over}");
    }
    for list in ["198.51.100.4, 10.0.0.1", "for=198.51.100.4", "unix:", "login.example", "127.1"] {
        let refused = scene.site.ask_for(&scene.user, json!({ "context": { "ip": list } })).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{list}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.starts_with("context.ip ") && !detail.contains(list), "{list}: {detail}");
    }
    assert_eq!(device.pull().await, Vec::<String>::new(), "what is refused asks nobody");
}

#[tokio::test]
async fn no_browser_keeps_anybody_out_by_what_it_calls_itself() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let long = format!("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0 {}", "x".repeat(50_000));
    for (user_agent, browser) in [
        (json!(long), Some("Firefox")),
        (json!("\u{1b}[2J\u{0}\r\n\u{202e} Firefox/140.0"), Some("Firefox")),
        (json!("日本語"), None),
        (json!(""), None),
        (Value::Null, None),
    ] {
        let context = shown(&scene, &device, &json!({ "user_agent": user_agent })).await;
        assert_eq!(context.browser.as_deref(), browser, "{user_agent}");
    }
    assert_eq!(shown(&scene, &device, &Value::Null).await, Context::default());
    assert_eq!(shown(&scene, &device, &json!({})).await, Context::default());
    let misleads = scene.site.ask_for(&scene.user, json!({ "binding_message": "Pay 12 \u{202e}000.1" })).await;
    assert_eq!((misleads.status, misleads.code()), (400, "malformed"), "the person decides on it");
}

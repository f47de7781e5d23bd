//! The demo, as a person meets it: the real binary, Debian's Chromium, clicks.

#![cfg(test)]

use countersign_tests::program::{self, Program, command};
use countersign_tests::webdriver::Browser;
use std::path::PathBuf;
use tempfile::TempDir;

/// Where the pictures of the latest run are, for people to look at.
fn pictures() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().join("pictures")
}

struct Visit {
    demo: Program,
    data: TempDir,
    browser: Browser,
}

impl Visit {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let demo = Self::demo(&data, "0").await;
        let browser = Browser::start(1280, 900).await;
        browser.open(&demo.url).await;
        Self { demo, data, browser }
    }

    async fn demo(data: &TempDir, port: &str) -> Program {
        Program::start(command(&["demo", "--port", port, "--data", data.path().join("demo").to_str().unwrap()])).await
    }

    async fn view(&self, view: &str) {
        self.browser.until_there(&format!("[data-view='{view}']")).await;
    }

    async fn screen(&self, screen: &str) {
        self.browser.until_there(&format!("[data-screen='{screen}']")).await;
    }

    async fn click(&self, test: &str) {
        self.browser.click(&format!("[data-test='{test}']")).await;
    }

    async fn picture(&self, name: &str) {
        self.browser.screenshot(&pictures().join(format!("{name}.png"))).await;
    }

    /// The first visit: the phone scans the code, and its six digits are typed on the page.
    async fn enrol(&self) {
        self.view("enrol").await;
        self.screen("empty").await;
        self.picture("1-enrol").await;
        self.click("scan").await;
        self.view("confirm").await;
        self.screen("proposed").await;
        let digits = self.browser.text("[data-test='confirmation-code']").await;
        self.browser.type_text("[data-test='confirm-input']", &digits.replace(' ', "")).await;
        self.click("confirm").await;
        self.view("sign_in").await;
        self.screen("idle").await;
    }

    /// Nothing was blocked by the content security policy, no script failed.
    async fn no_complaints(&self) {
        let complaints = self.browser.complaints().await;
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

#[tokio::test]
async fn yes_moves_the_page_on_and_no_stops_it() {
    let visit = Visit::start().await;
    visit.enrol().await;

    visit.click("sign-in").await;
    visit.view("waiting").await;
    visit.screen("prompt").await;
    let prompt = visit.browser.text("[data-phone='prompt']").await;
    for shown in ["Is this you?", "Harbour Hosting", "maya@harbour.example", "127.0.0.1", "Chrome", "Linux", "Asked at"]
    {
        assert!(prompt.contains(shown), "{shown}: {prompt}");
    }
    for (button, word) in [("no", "NO"), ("yes", "YES")] {
        assert!(visit.browser.text(&format!("[data-test='{button}']")).await.contains(word));
    }
    let countdown = visit.browser.text("[data-test='countdown']").await;
    let seconds: u32 = countdown.split(' ').next().unwrap().parse().unwrap();
    assert!((30..=60).contains(&seconds), "{countdown}");
    visit.picture("2-question").await;
    visit.click("yes").await;
    visit.view("signed_in").await;
    visit.picture("3-signed-in").await;

    let closed = visit.browser.run("return document.querySelector(\"[data-test='trace']\").open").await;
    assert_eq!(closed, false, "the panel is closed until somebody opens it");
    visit.browser.click("[data-test='trace'] > summary").await;
    for step in ["create", "push", "receive", "decide", "settle", "claim"] {
        visit.browser.until_there(&format!("[data-step='{step}']")).await;
    }
    let pushed = visit.browser.text("[data-step='push']").await;
    assert!(!pushed.contains("maya") && !pushed.contains("Harbour"), "the push is ciphertext: {pushed}");
    let decided = visit.browser.text("[data-step='decide']").await;
    assert!(decided.contains("countersign-decision+jws") && decided.contains("approve"), "{decided}");
    visit.picture("4-what-travelled").await;

    visit.click("sign-out").await;
    visit.view("sign_in").await;
    visit.click("sign-in").await;
    visit.screen("prompt").await;
    visit.click("no").await;
    visit.view("stopped").await;
    visit.picture("5-stopped").await;
    let history = visit.browser.text("[data-test='history']").await;
    assert!(history.contains("Approved") && history.contains("Denied"), "{history}");
    visit.no_complaints().await;
}

#[tokio::test]
async fn without_pushes_the_phone_checks_by_itself_and_the_login_goes_on() {
    let visit = Visit::start().await;
    visit.enrol().await;
    visit.click("push-switch").await;
    visit.browser.until("return document.querySelector(\"[data-test='push-switch']\").checked === false").await;
    visit.click("sign-in").await;
    visit.view("waiting").await;
    visit.screen("idle").await;
    visit.picture("6-no-push").await;
    visit.click("check").await;
    visit.screen("prompt").await;
    visit.click("yes").await;
    visit.view("signed_in").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn a_cancelled_sign_in_cannot_be_answered_any_more() {
    let visit = Visit::start().await;
    visit.enrol().await;
    visit.click("sign-in").await;
    visit.screen("prompt").await;
    visit.click("cancel").await;
    visit.view("sign_in").await;
    visit.click("yes").await;
    visit.screen("idle").await;
    let notice = visit.browser.text("[data-test='phone-notice']").await;
    assert!(notice.contains("took the question back"), "{notice}");
    visit.view("sign_in").await;
}

#[tokio::test]
async fn the_demo_remembers_its_phone_between_runs_and_at_another_port() {
    let visit = Visit::start().await;
    visit.enrol().await;
    let Visit { demo, data, browser } = visit;
    let first = demo.url.clone();
    assert!(demo.stop().await.success());
    let demo = Visit::demo(&data, "0").await;
    assert_ne!(demo.url, first, "a free port is another one");
    browser.open(&demo.url).await;
    let visit = Visit { demo, data, browser };
    visit.view("sign_in").await;
    visit.click("sign-in").await;
    visit.screen("prompt").await;
    visit.click("yes").await;
    visit.view("signed_in").await;
}

#[tokio::test]
async fn a_terminal_phone_enrols_by_the_pasted_link_and_answers() {
    let visit = Visit::start().await;
    visit.view("enrol").await;
    let link = visit.browser.run("return document.querySelector(\"[data-test='link']\").value").await;
    let store = visit.data.path().join("terminal");
    let phone = async |arguments: &[&str]| {
        let mut all = vec!["phone", "--json", "--store", store.to_str().unwrap()];
        all.extend_from_slice(arguments);
        program::run(command(&all)).await.expect(0).json()
    };
    let enrolled = phone(&["enrol", link.as_str().unwrap()]).await;
    visit.view("confirm").await;
    visit.browser.type_text("[data-test='confirm-input']", enrolled["confirmation_code"].as_str().unwrap()).await;
    visit.click("confirm").await;
    visit.view("sign_in").await;
    visit.click("sign-in").await;
    visit.view("waiting").await;
    let listed = phone(&["list"]).await;
    let id = listed["pending"][0]["id"].as_str().unwrap_or_else(|| panic!("{listed}")).to_owned();
    assert_eq!(phone(&["approve", &id]).await["outcome"], "approved");
    visit.view("signed_in").await;
    assert!(visit.demo.stop().await.success());
}

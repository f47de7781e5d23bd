//! A visit to the demo: the program, its data, and a browser with its one page.

use countersign_tests::program::{Program, command};
use countersign_tests::webdriver::Browser;
use serde_json::json;
use std::path::PathBuf;
use tempfile::TempDir;

/// How often a text that is not there yet is looked for.
const LOOKS: usize = 200;

/// Where the pictures of the latest run are, for people to look at.
fn pictures() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().join("pictures")
}

pub struct Visit {
    pub demo: Program,
    pub data: TempDir,
    pub browser: Browser,
}

/// The selector of a part of a phone.
fn on_phone(phone: u8, test: &str) -> String {
    format!("[data-phone-id='{phone}'] [data-test='{test}']")
}

impl Visit {
    pub async fn start() -> Self {
        Self::start_in(1280).await
    }

    /// In a window of this width.
    pub async fn start_in(width: u32) -> Self {
        let data = tempfile::tempdir().unwrap();
        let demo = Self::demo(&data).await;
        let browser = Browser::start(width, 1000).await;
        browser.open(&demo.url).await;
        Self { demo, data, browser }
    }

    /// As [`Visit::start`], with phone 1 enrolled.
    pub async fn enrolled() -> Self {
        let visit = Self::start().await;
        visit.enrol(1).await;
        visit
    }

    /// The demo on a free port.
    pub async fn demo(data: &TempDir) -> Program {
        Program::start(command(&["demo", "--port", "0", "--data", data.path().join("demo").to_str().unwrap()])).await
    }

    pub async fn view(&self, view: &str) {
        self.browser.until_there(&format!("[data-view='{view}']")).await;
    }

    pub async fn screen(&self, phone: u8, screen: &str) {
        self.browser.until_there(&format!("[data-phone-id='{phone}'][data-screen='{screen}']")).await;
    }

    /// Clicks on the site.
    pub async fn click(&self, test: &str) {
        self.browser.click(&format!("[data-test='{test}']")).await;
    }

    /// Taps on a phone.
    pub async fn tap(&self, phone: u8, test: &str) {
        self.browser.click(&on_phone(phone, test)).await;
    }

    /// Types on the site.
    pub async fn type_text(&self, test: &str, text: &str) {
        self.browser.type_text(&format!("[data-test='{test}']"), text).await;
    }

    /// Types on a phone.
    pub async fn type_on(&self, phone: u8, test: &str, text: &str) {
        self.browser.type_text(&on_phone(phone, test), text).await;
    }

    /// What a part of a phone says.
    pub async fn on(&self, phone: u8, test: &str) -> String {
        self.read(&on_phone(phone, test)).await
    }

    /// What a part of the site says.
    pub async fn text(&self, test: &str) -> String {
        self.read(&format!("[data-test='{test}']")).await
    }

    /// What slides in is not read before it can be seen.
    async fn read(&self, selector: &str) -> String {
        for _ in 0..LOOKS {
            let text = self.browser.text(selector).await;
            if !text.is_empty() {
                return text;
            }
        }
        String::new()
    }

    async fn until_text(&self, selector: &str, text: &str) {
        let condition =
            format!("return document.querySelector({})?.textContent.includes({})", json!(selector), json!(text));
        self.browser.until(&condition).await;
    }

    /// Waits until a part of the site says this.
    pub async fn says(&self, test: &str, text: &str) {
        self.until_text(&format!("[data-test='{test}']"), text).await;
    }

    /// Waits until a part of a phone says this.
    pub async fn phone_says(&self, phone: u8, test: &str, text: &str) {
        self.until_text(&on_phone(phone, test), text).await;
    }

    /// Chooses in a list, as the keyboard does.
    pub async fn choose(&self, test: &str, value: &str) {
        let (selector, value) = (json!(format!("[data-test='{test}']")), json!(value));
        let script = format!(
            "const list = document.querySelector({selector});
             list.value = {value};
             list.dispatchEvent(new Event('change', {{ bubbles: true }}));"
        );
        self.browser.run(&script).await;
    }

    pub async fn picture(&self, name: &str) {
        self.browser.screenshot(&pictures().join(format!("{name}.png"))).await;
    }

    /// A phone scans the code that the page shows, and its six digits are typed there. Backup codes that come with it
    /// are kept.
    pub async fn enrol(&self, phone: u8) {
        self.confirm(phone).await;
        self.browser.until_there("[data-view='backup_codes'], [data-view='sign_in']").await;
        let view = self.browser.run("return document.querySelector('[data-view]').dataset.view").await;
        if view == "backup_codes" {
            self.keep_backup_codes().await;
        }
        self.view("sign_in").await;
        self.screen(phone, "idle").await;
    }

    /// Enrols as far as the six digits, after which the page shows something else.
    pub async fn confirm(&self, phone: u8) {
        self.view("enrol").await;
        self.screen(phone, "empty").await;
        self.picture(&format!("enrol-{phone}")).await;
        self.tap(phone, "scan").await;
        self.view("confirm").await;
        self.screen(phone, "proposed").await;
        let digits = self.on(phone, "confirmation-code").await;
        self.type_text("confirm-input", &digits.replace(' ', "")).await;
        self.click("confirm").await;
    }

    /// The backup codes that the page shows.
    pub async fn backup_codes(&self) -> Vec<String> {
        self.view("backup_codes").await;
        self.browser.until_there("[data-test='codes'] li").await;
        let codes = "return [...document.querySelectorAll(\"[data-test='codes'] li\")].map((code) => code.textContent)";
        serde_json::from_value(self.browser.run(codes).await).unwrap()
    }

    /// The person has kept the backup codes, and goes on.
    pub async fn keep_backup_codes(&self) -> Vec<String> {
        let codes = self.backup_codes().await;
        self.click("kept").await;
        codes
    }

    /// On the waiting page, a code is typed in place of the phone's answer.
    pub async fn answer_by_code(&self, code: &str) {
        let open = "return document.querySelector(\"[data-test='code-details']\").open";
        if self.browser.run(open).await == false {
            self.click("type-code").await;
        }
        self.type_text("code-input", code).await;
        self.click("verify-code").await;
    }

    /// Signs in as far as the waiting page.
    pub async fn sign_in(&self) {
        self.view("sign_in").await;
        self.click("sign-in").await;
        self.view("waiting").await;
    }

    /// The number that the waiting page shows.
    pub async fn number(&self, test: &str) -> String {
        let selector = format!("[data-test='{test}'] strong");
        self.browser.until_there(&selector).await;
        self.browser.text(&selector).await
    }

    /// The steps of the tour that the page shows as done, in their order.
    pub async fn done_steps(&self) -> Vec<String> {
        let done = "return [...document.querySelectorAll('[data-tour].done')].map((step) => step.dataset.tour)";
        serde_json::from_value(self.browser.run(done).await).unwrap()
    }

    /// Nothing lies beside the window.
    pub async fn fits(&self) {
        let fits = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        assert_eq!(self.browser.run(fits).await, true, "the page is wider than its window");
    }

    /// Nothing was blocked by the content security policy, no script failed.
    pub async fn no_complaints(&self) {
        let complaints = self.browser.complaints().await;
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

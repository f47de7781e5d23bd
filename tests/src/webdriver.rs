//! A small client of the W3C WebDriver protocol, for Debian's `chromedriver`.

use crate::http::{client, send};
use crate::program::signal;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a page may take to show what is expected of it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the driver is started until it has a port. It looks for a free one and takes it a moment later, and
/// between the two a test beside this one may have taken it.
const MOST_STARTS: u32 = 5;
/// How often something that was saved is looked for.
const MOST_LOOKS: usize = 1000;
/// The member that names an element in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Where a browser puts what is saved, in its profile.
const DOWNLOADS: &str = "downloads";

/// A browser with one window.
pub struct Browser {
    session: String,
    _driver: Child,
    profile: TempDir,
}

impl Browser {
    /// Starts a headless Chromium of this window size.
    pub async fn start(width: u32, height: u32) -> Self {
        let (driver, port) = start_driver("chromedriver").await;
        let profile = tempfile::tempdir().unwrap();
        let downloads = profile.path().join(DOWNLOADS);
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".into(),
            "--disable-gpu".into(),
            "--disable-quic".into(),
            "--no-first-run".into(),
            "--disable-background-networking".into(),
            "--disable-component-update".into(),
            "--disable-sync".into(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "prefs": { "download.default_directory": downloads } },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let base = format!("http://127.0.0.1:{port}/session");
        let answer = send(client().post(&base).json(&capabilities)).await;
        let id = answer.body["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{answer:?}"));
        Self { session: format!("{base}/{id}"), _driver: driver, profile }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Value> {
        let mut request = client().request(method, format!("{}{path}", self.session));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = send(request).await;
        if answer.status == 200 { Ok(answer.body["value"].clone()) } else { Err(answer.body["value"].clone()) }
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.call(Method::POST, "/url", Some(json!({ "url": url }))).await.unwrap();
    }

    /// Runs a script in the page and gives what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.call(Method::POST, "/execute/sync", Some(json!({ "script": script, "args": [] }))).await.unwrap()
    }

    /// Waits until a script returns something that is neither null nor false, by the page's own next change.
    pub async fn until(&self, condition: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const condition = () => {{ {condition} }};
             const look = () => {{
                 const seen = condition();
                 if (seen) {{ watch.disconnect(); done(seen); }}
                 return seen;
             }};
             const watch = new MutationObserver(look);
             watch.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});
             look();"
        );
        let timeouts = json!({ "script": PATIENCE.as_millis() as u64 });
        self.call(Method::POST, "/timeouts", Some(timeouts)).await.unwrap();
        let seen = self.call(Method::POST, "/execute/async", Some(json!({ "script": script, "args": [] }))).await;
        match seen {
            Ok(seen) => seen,
            Err(error) => panic!(
                "the page never showed: {condition}\n{error}\n{}",
                self.run("return document.body.innerText").await
            ),
        }
    }

    /// Waits until there is such an element.
    pub async fn until_there(&self, selector: &str) {
        self.until(&format!("return document.querySelector({})", json!(selector))).await;
    }

    async fn find(&self, selector: &str) -> String {
        self.until_there(selector).await;
        let found =
            self.call(Method::POST, "/element", Some(json!({ "using": "css selector", "value": selector }))).await;
        let found = found.unwrap_or_else(|error| panic!("{selector}: {error}"));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks as a mouse does: an element that is covered or out of reach fails.
    pub async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.call(Method::POST, &format!("/element/{element}/click"), Some(json!({})))
            .await
            .unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Types into a field.
    pub async fn type_text(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.call(Method::POST, &format!("/element/{element}/value"), Some(json!({ "text": text }))).await.unwrap();
    }

    /// The text that a person reads in an element.
    pub async fn text(&self, selector: &str) -> String {
        let element = self.find(selector).await;
        let text = self.call(Method::GET, &format!("/element/{element}/text"), None).await.unwrap();
        text.as_str().unwrap().to_owned()
    }

    /// What the page complained about so far.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.call(Method::POST, "/se/log", Some(json!({ "type": "browser" }))).await.unwrap();
        log.as_array().into_iter().flatten().map(|entry| entry["message"].to_string()).collect()
    }

    /// Shows the page as on this medium (`screen`, `print`) and in these colours (`light`, `dark`); empty for its own.
    pub async fn emulate(&self, medium: &str, colours: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": colours }]);
        self.developer("Emulation.setEmulatedMedia", json!({ "media": medium, "features": features })).await;
    }

    /// Gives the page this size, also one that no window can have.
    pub async fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.developer("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// A command of the browser's developer tools.
    async fn developer(&self, command: &str, parameters: Value) {
        let command = json!({ "cmd": command, "params": parameters });
        self.call(Method::POST, "/goog/cdp/execute", Some(command)).await.unwrap();
    }

    /// The page as it is printed on A4: a PDF.
    pub async fn printed(&self) -> Vec<u8> {
        let paper = json!({ "page": { "width": 21.0, "height": 29.7 } });
        let printed = self.call(Method::POST, "/print", Some(paper)).await.unwrap();
        data_encoding::BASE64.decode(printed.as_str().unwrap().as_bytes()).unwrap()
    }

    /// What was saved under this name, once it is there: a file has its name only when it is whole.
    pub async fn saved(&self, name: &str) -> String {
        let path = self.profile.path().join(DOWNLOADS).join(name);
        for _ in 0..MOST_LOOKS {
            if let Ok(text) = std::fs::read_to_string(&path) {
                return text;
            }
            self.run("return null").await;
        }
        panic!("nothing was saved as {name}");
    }

    /// Keeps a picture of the window.
    pub async fn screenshot(&self, path: &Path) {
        let picture = self.call(Method::GET, "/screenshot", None).await.unwrap();
        let bytes = data_encoding::BASE64.decode(picture.as_str().unwrap().as_bytes()).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// A driver that is killed leaves its browser behind, also when a test fails; so the browser is found by its profile.
impl Drop for Browser {
    fn drop(&mut self) {
        let profile = self.profile.path().as_os_str().as_encoded_bytes().to_vec();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let process = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if let Some(process) = process
                && command.windows(profile.len()).any(|part| part == profile)
            {
                signal(process, "KILL");
            }
        }
    }
}

/// Starts the driver, and again on another port when it ends without one.
async fn start_driver(program: &str) -> (Child, u16) {
    let mut said = Vec::new();
    for _ in 0..MOST_STARTS {
        let mut driver = Command::new(program)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver starts; tests/all installs it (Debian's chromium-driver)");
        match driver_port(&mut driver).await {
            Ok(port) => return (driver, port),
            Err(lines) => said.extend(lines),
        }
    }
    panic!("{program} was started {MOST_STARTS} times and had no port: {said:#?}");
}

/// Where the driver listens; what it said instead when it ended without.
async fn driver_port(driver: &mut Child) -> Result<u16, Vec<String>> {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let number = line.split("started successfully on port ").nth(1);
        if let Some(port) = number.and_then(|rest| rest.trim_end_matches('.').parse().ok()) {
            // Reads on, so that the driver never waits for somebody to listen.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(port);
        }
        said.push(line);
    }
    Err(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A driver whose port is taken at its first `failures` starts.
    fn unlucky_driver(folder: &TempDir, failures: u32) -> String {
        let path = folder.path().join("driver");
        let script = format!(
            "#!/bin/sh\necho start >>\"$0.starts\"\n\
             if [ $(wc -l <\"$0.starts\") -le {failures} ]\n\
             then echo 'IPv4 port not available. Exiting...'; exit 1\n\
             fi\n\
             echo 'ChromeDriver was started successfully on port 4444.'\n"
        );
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn a_driver_whose_port_was_taken_is_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let (_, port) = start_driver(&unlucky_driver(&folder, MOST_STARTS - 1)).await;
        assert_eq!(port, 4444);
    }

    #[tokio::test]
    #[should_panic = "IPv4 port not available"]
    async fn a_driver_that_never_has_a_port_fails_with_its_own_words() {
        let folder = tempfile::tempdir().unwrap();
        start_driver(&unlucky_driver(&folder, MOST_STARTS)).await;
    }
}

//! The configurations in deploy/, as they are there but for ports, names and certificates: real nginx and real Caddy in
//! front of the real binary.

use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::{RelyingParty, send};
use countersign_tests::program::{Program, init, relying_party, serve_command};
use countersign_tests::tls::Authority;
use reqwest::Method;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// How many waits one test parks; by hand, thousands were. More than HTTP/2 lets one connection have, and few enough
/// for a machine that is busy with other tests.
const WAITS: usize = 200;

/// A file of deploy/, with what is different here. Each replacement must be there to be made.
fn deployed(name: &str, replacements: &[(&str, String)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name);
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in replacements {
        assert!(text.contains(from), "{name} has {from}");
        text = text.replace(from, to);
    }
    text
}

/// A proxy over TLS in front of a server.
struct Proxy {
    _process: Child,
    url: String,
    authority: Authority,
    folder: TempDir,
}

impl Proxy {
    /// Starts it, in front of the server at this address, and waits until it takes connections.
    async fn start(upstream: &str, command: impl Fn(&Path, &str, &str) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let (cert, key) = authority.issue(&["127.0.0.1"], false);
        std::fs::write(folder.path().join("cert.pem"), cert).unwrap();
        std::fs::write(folder.path().join("key.pem"), key).unwrap();
        // Free now; that another takes it before the proxy does is what the wait below would say.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command =
            command(folder.path(), upstream.strip_prefix("http://").unwrap(), &format!("127.0.0.1:{port}"));
        let process =
            command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.expect("nginx and caddy are installed: tests/all does it");
        let url = format!("https://127.0.0.1:{port}");
        let listens = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), listens).await.expect("the proxy listens");
        Self { _process: process, url, authority, folder }
    }

    async fn nginx(upstream: &str) -> Self {
        Self::start(upstream, |folder, upstream, listen| {
            let path = |name: &str| folder.join(name).display().to_string();
            let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .iter()
                .map(|name| format!("{name}_temp_path {};\n", path(name)))
                .collect();
            let text = deployed(
                "nginx.conf",
                &[
                    ("listen 443", format!("listen {listen}")),
                    ("127.0.0.1:8080", upstream.to_owned()),
                    ("/etc/letsencrypt/live/login.example/fullchain.pem", path("cert.pem")),
                    ("/etc/letsencrypt/live/login.example/privkey.pem", path("key.pem")),
                    ("http {\n", format!("http {{\naccess_log off;\n{temp}")),
                ],
            );
            std::fs::write(folder.join("nginx.conf"), text).unwrap();
            let global = format!("daemon off; pid {}; error_log {} warn;", path("pid"), path("error.log"));
            let mut command = Command::new("/usr/sbin/nginx");
            command.args(["-p", &path(""), "-c", &path("nginx.conf"), "-g", &global]);
            command
        })
        .await
    }

    async fn caddy(upstream: &str) -> Self {
        Self::start(upstream, |folder, upstream, listen| {
            let path = |name: &str| folder.join(name).display().to_string();
            let text = deployed(
                "Caddyfile",
                &[
                    ("{\n\tservers {", "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers {".to_owned()),
                    (
                        "\nlogin.example {",
                        format!("\nhttps://{listen} {{\n\ttls {} {}", path("cert.pem"), path("key.pem")),
                    ),
                    ("127.0.0.1:8080", upstream.to_owned()),
                ],
            );
            std::fs::write(folder.join("Caddyfile"), text).unwrap();
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config", &path("Caddyfile")]);
            command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
            command
        })
        .await
    }

    /// A site that asks through the proxy, each request that waits on a connection of its own.
    fn site(&self, api_key: &str) -> RelyingParty {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(self.authority.roots()).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let builder = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(config);
        RelyingParty::with(https_client::build(builder).unwrap(), &self.url, api_key)
    }
}

/// How many files a process has open.
fn open_files(process: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count)
}

/// A login behind a proxy: many wait, one answer wakes them; the server goes away and comes back; and nobody lends
/// himself an address.
async fn behind(start: impl AsyncFn(&str) -> Proxy) {
    let data = tempfile::tempdir().unwrap();
    let configured = |listen: &str| {
        let mut serve = serve_command(data.path());
        serve.env("COUNTERSIGN_TRUSTED_PROXIES", "[\"127.0.0.1\"]").env("COUNTERSIGN_LISTEN", listen);
        serve
    };
    init(data.path()).await;
    let server = Program::start(configured("127.0.0.1:0")).await;
    let direct = relying_party(data.path(), &server.url).await;
    let user = direct.user("maya").await;
    let device = HandmadeDevice::enrol(&direct, &user).await;
    let proxy = start(&server.url).await;
    let site = proxy.site(&direct.api_key);

    let id = site.ask(&user).await;
    let before = open_files(server.id());
    let waits: Vec<_> = (0..WAITS).map(|_| site.waits(format!("/v1/challenges/{id}?wait=60"))).collect();
    let parked = async {
        while open_files(server.id()) < before + WAITS && !waits.iter().any(tokio::task::JoinHandle::is_finished) {
            // Asked over a socket, so that those who connect have their turn.
            direct.get("/healthz").await;
        }
    };
    let parked = tokio::time::timeout(Duration::from_secs(90), parked).await;
    assert!(parked.is_ok(), "they wait: {} of {WAITS}", open_files(server.id()).saturating_sub(before));
    if let Some(ended) = waits.iter().position(tokio::task::JoinHandle::is_finished) {
        panic!("none is sent away: {:?}", waits.into_iter().nth(ended).unwrap().await);
    }
    let compact = device.pull().await.pop().unwrap();
    device.answers(&compact, countersign_protocol::decision::Answer::Approve).await;
    for wait in waits {
        let answer = wait.await.unwrap();
        assert_eq!((answer.status, answer.body["state"].as_str()), (200, Some("approved")), "{answer:?}");
    }

    // A client that writes the proxy's header itself is not believed.
    let claim = site.request(Method::POST, &format!("/v1/challenges/{id}/claim")).header("idempotency-key", "k");
    assert_eq!(send(claim.header("x-forwarded-for", "6.6.6.6")).await.status, 200);
    let database = rusqlite::Connection::open(data.path().join("countersign.db")).unwrap();
    let foreign: i64 =
        database.query_row("SELECT count(*) FROM journal WHERE address <> '127.0.0.1'", [], |row| row.get(0)).unwrap();
    assert_eq!(foreign, 0, "every address in the journal is this machine's");
    drop(database);

    let (address, gone) = (server.url.strip_prefix("http://").unwrap().to_owned(), server.stop().await);
    assert!(gone.success());
    assert_eq!(site.get("/v1/relying-party").await.status, 502, "a proxy says that nobody is there");
    let server = Program::start(configured(&address)).await;
    let id = site.ask(&user).await;
    assert_eq!(site.state(&id).await, "pending", "and logins go on");
    assert!(server.stop().await.success());
    assert!(proxy.folder.path().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_as_it_is_configured_here_holds_waits_and_lends_no_address() {
    behind(Proxy::nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_as_it_is_configured_here_holds_waits_and_lends_no_address() {
    behind(Proxy::caddy).await;
}

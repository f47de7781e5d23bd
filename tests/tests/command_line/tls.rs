//! TLS of the server's own, as its operator and a phone meet it: over real sockets, with a certificate that is renewed
//! while people are asked.

use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::{RelyingParty, client, send};
use countersign_tests::program::{Program, init, relying_party, run, serve_command, signal, terminate};
use countersign_tests::tls::Authority;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;

/// A folder with a pair in it, and the authority that issued it.
struct Pair {
    folder: TempDir,
    authority: Authority,
}

impl Pair {
    fn new(names: &[&str], ended: bool) -> Self {
        let pair = Self { folder: tempfile::tempdir().unwrap(), authority: Authority::new() };
        pair.renew(names, ended);
        pair
    }

    fn renew(&self, names: &[&str], ended: bool) {
        let (cert, key) = self.authority.issue(names, ended);
        std::fs::write(self.cert(), cert).unwrap();
        std::fs::write(self.key(), key).unwrap();
    }

    fn cert(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn serve(&self) -> Command {
        let mut command = serve_command(&self.data());
        command.env("COUNTERSIGN_TLS__CERT", self.cert()).env("COUNTERSIGN_TLS__KEY", self.key());
        command
    }

    fn client(&self) -> reqwest::Client {
        https_client::build(https_client::builder(self.authority.roots()).unwrap()).unwrap()
    }

    /// Shakes hands, offering these protocols, and gives the server's certificate and the protocol that was chosen.
    async fn shake_hands(
        &self,
        url: &str,
        protocols: &[&[u8]],
    ) -> std::io::Result<(CertificateDer<'static>, Option<Vec<u8>>)> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(self.authority.roots()).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = TcpStream::connect(url.strip_prefix("https://").unwrap()).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().unwrap()[0].clone().into_owned();
        Ok((certificate, session.alpn_protocol().map(<[u8]>::to_vec)))
    }
}

/// A site of this server, and a user of it whom it can ask. The phone enrols over plain HTTP, before TLS is there.
async fn site_and_user(data: &Path) -> (RelyingParty, String) {
    let server = Program::serve(data).await;
    let site = relying_party(data, &server.url).await;
    let user = site.user("maya").await;
    HandmadeDevice::enrol(&site, &user).await;
    assert!(server.stop().await.success());
    (site, user)
}

/// Waits until it is so: a signal does not say when it was heard.
async fn until(mut so: impl AsyncFnMut() -> bool) {
    let patience = async {
        while !so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), patience).await.expect("it comes to be so");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_served_after_a_hangup_and_who_waits_waits_on() {
    let pair = Pair::new(&["localhost", "127.0.0.1"], false);
    let (site, user) = site_and_user(&pair.data()).await;
    let server = Program::start(pair.serve()).await;
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let site = RelyingParty::with(pair.client(), &server.url, &site.api_key);
    let id = site.ask(&user).await;
    let waits: Vec<_> = (0..3).map(|_| site.waits(format!("/v1/challenges/{id}?wait=50"))).collect();

    let (first, protocol) = pair.shake_hands(&server.url, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(protocol.as_deref(), Some(&b"http/1.1"[..]), "HTTP/2 is not spoken");
    pair.renew(&["localhost", "127.0.0.1"], false);
    assert!(signal(server.id(), "HUP"));
    until(async || pair.shake_hands(&server.url, &[]).await.unwrap().0 != first).await;
    let (second, _) = pair.shake_hands(&server.url, &[]).await.unwrap();

    // A pair that does not fit changes nothing, and kills nobody.
    std::fs::write(pair.key(), "-----BEGIN PRIVATE KEY-----\n").unwrap();
    for _ in 0..3 {
        assert!(signal(server.id(), "HUP"));
        assert_eq!(pair.shake_hands(&server.url, &[]).await.unwrap().0, second);
    }

    assert!(waits.iter().all(|wait| !wait.is_finished()), "those who waited wait on");
    assert_eq!(site.cancel(&id).await.status, 200);
    for wait in waits {
        let answer = wait.await.unwrap();
        assert_eq!((answer.status, answer.body["state"].as_str()), (200, Some("cancelled")), "{answer:?}");
    }
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_hangup_kills_no_server_without_tls_either() {
    let data = tempfile::tempdir().unwrap();
    let server = Program::serve(data.path()).await;
    for _ in 0..3 {
        assert!(signal(server.id(), "HUP"));
        assert_eq!(send(client().get(format!("{}/readyz", server.url))).await.status, 200);
    }
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_client_that_speaks_http_2_alone_is_told_so_in_the_handshake() {
    let pair = Pair::new(&["127.0.0.1"], false);
    init(&pair.data()).await;
    let server = Program::start(pair.serve()).await;
    let refused = pair.shake_hands(&server.url, &[b"h2"]).await.unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_is_named_with_what_was_found_and_expected() {
    let other = Pair::new(&["127.0.0.1"], false);
    let swap = |pair: &Pair| {
        let (cert, key) = (std::fs::read(pair.cert()).unwrap(), std::fs::read(pair.key()).unwrap());
        std::fs::write(pair.cert(), key).unwrap();
        std::fs::write(pair.key(), cert).unwrap();
    };
    let write = |path: &Path, text: &str| std::fs::write(path, text).unwrap();
    type Spoil<'a> = &'a dyn Fn(&Pair);
    let spoil: [(&str, Spoil<'_>, [&str; 3]); 8] = [
        (
            "another's key",
            &|pair| drop(std::fs::copy(other.key(), pair.key())),
            ["tls.key", "key.pem", "another certificate"],
        ),
        ("swapped", &swap, ["tls.cert", "found a private key", "the wrong way round"]),
        (
            "no certificate",
            &|pair| std::fs::remove_file(pair.cert()).unwrap(),
            ["tls.cert", "cert.pem", "no such file"],
        ),
        ("no key", &|pair| std::fs::remove_file(pair.key()).unwrap(), ["tls.key", "key.pem", "no such file"]),
        ("an empty file", &|pair| write(&pair.cert(), ""), ["tls.cert", "cert.pem", "it is empty"]),
        (
            "words",
            &|pair| write(&pair.cert(), "a certificate"),
            ["tls.cert", "cert.pem", "-----BEGIN CERTIFICATE-----"],
        ),
        (
            "no X.509",
            &|pair| write(&pair.cert(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            ["tls.cert", "cert.pem", "damaged"],
        ),
        (
            "a key with a passphrase",
            &|pair| {
                write(
                    &pair.key(),
                    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                );
            },
            ["tls.key", "key.pem", "passphrase"],
        ),
    ];
    for (what, spoil, words) in spoil {
        let pair = Pair::new(&["127.0.0.1"], false);
        spoil(&pair);
        init(&pair.data()).await;
        let ended = run(pair.serve()).await.expect(2);
        for word in words {
            assert!(ended.err.contains(word), "{what}: {word}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn what_is_doubtful_about_a_certificate_is_a_warning_and_no_refusal() {
    for (names, ended, word) in [
        (&["other.example"], false, "is not for login.example"),
        (&["login.example"], true, "the certificate ended at 2020-01-01"),
    ] {
        let pair = Pair::new(names, ended);
        init(&pair.data()).await;
        let mut serve = pair.serve();
        serve.env("COUNTERSIGN_PUBLIC_URL", "https://login.example").env("RUST_LOG", "warn");
        serve.stderr(Stdio::piped());
        let mut child = serve.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).await.unwrap();
        assert!(first.starts_with("Listening on https://"), "{first}");
        terminate(child.id().unwrap());
        let ended = child.wait_with_output().await.unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success() && said.contains(word), "{word}: {said}");
    }
}

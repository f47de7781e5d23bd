//! What comes of an attestation at an enrolment, and afterwards.

use async_trait::async_trait;
use countersign_device::vault::{DesktopVault, KeyVault, Opens, Purpose, VaultError};
use countersign_device::{Authenticator, Platform};
use countersign_protocol::attestation::{self, CertificateChain};
use countersign_protocol::decision::Answer::Approve;
use countersign_protocol::jws;
use countersign_protocol::key::{DeviceKey, KeyError, PublicKey, SoftwareKey};
use countersign_protocol::randomness::SystemRandomness;
use countersign_server::domain::attestation::AttestationPolicy;
use countersign_server::runtime::config::Config;
use countersign_tests::attestation::{Description, Maker, integer, root_of_trust};
use countersign_tests::handmade::{HandmadeDevice, Prepared};
use countersign_tests::http::{client, send};
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// A server that trusts one maker of phones.
struct Trusting {
    scene: Scene,
    maker: Arc<Maker>,
    folder: TempDir,
}

impl Trusting {
    async fn by(policy: AttestationPolicy) -> Self {
        Self::with(policy, |_| ()).await
    }

    async fn with(policy: AttestationPolicy, more: fn(&mut Config)) -> Self {
        let (maker, folder) = (Arc::new(Maker::sound()), tempfile::tempdir().unwrap());
        let roots = folder.path().join("roots.pem");
        std::fs::write(&roots, maker.root_pem()).unwrap();
        let revoked = folder.path().join("status.json");
        withdraw(folder.path(), &[]);
        let configure = move |config: &mut Config| {
            config.attestation.android = policy;
            config.attestation.roots = Some(roots.clone());
            config.attestation.revoked = Some(revoked.clone());
            more(config);
        };
        Self { scene: Scene::with(configure).await, maker, folder }
    }

    async fn prepared(&self) -> Prepared {
        let link = self.scene.site.link(&self.scene.user).await;
        Prepared::new(&link, Arc::new(self.scene.clock.clone())).await
    }

    /// A device that says this of its key.
    async fn saying(&self, change: impl FnOnce(Description) -> Description) -> Prepared {
        let mut prepared = self.prepared().await;
        let description = change(Description::new(&challenge(&prepared)));
        prepared.redemption.attestation = Some(self.maker.attest(&prepared.transcript.approval_key, &description));
        prepared
    }

    async fn enrolled(&self, prepared: Prepared) -> HandmadeDevice {
        let (device, code) = prepared.redeem().await;
        let confirmed = self.scene.site.confirm(&device.id(), &code).await;
        assert_eq!(confirmed.body["state"], "confirmed");
        device
    }

    /// What relying parties read of the last device's key.
    async fn seen(&self) -> Value {
        let devices = self.scene.site.get(&format!("/v1/users/{}/devices", self.scene.user)).await.body;
        let mut seen = devices["devices"].as_array().unwrap().last().unwrap()["attestation"].clone();
        if let Some(seen) = seen.as_object_mut() {
            assert!(seen.remove("at").unwrap().as_str().unwrap().ends_with('Z'));
        }
        seen
    }

    /// The reasons on the lines of this kind.
    fn lines(&self, fact: &str) -> Vec<String> {
        let database = self.scene.server.sqlite();
        let mut statement = database.prepare("SELECT reason FROM journal WHERE fact = ?1 ORDER BY row_id").unwrap();
        let reasons = statement.query_map([fact], |row| row.get(0)).unwrap();
        reasons.map(Result::unwrap).collect()
    }
}

fn challenge(prepared: &Prepared) -> [u8; 32] {
    attestation::challenge(&prepared.transcript.aud, &prepared.transcript.ticket_sha256)
}

fn withdraw(folder: &Path, serials: &[&str]) {
    let entries: BTreeMap<&str, Value> =
        serials.iter().map(|serial| (*serial, json!({ "status": "REVOKED", "reason": "KEY_COMPROMISE" }))).collect();
    std::fs::write(folder.join("status.json"), json!({ "entries": entries }).to_string()).unwrap();
}

#[tokio::test]
async fn a_server_that_warns_keeps_what_it_found_and_lets_everybody_in() {
    let server = Trusting::by(AttestationPolicy::Warn).await;
    server.enrolled(server.saying(|good| good).await).await;
    let gated = json!({ "attested": true, "level": "trusted_environment", "gated": true, "boot": "verified" });
    assert_eq!(server.seen().await, gated);
    let strong = server.saying(|good| Description { levels: [2, 2], ..good.without(504) }).await;
    server.enrolled(strong).await;
    let open = json!({ "attested": true, "level": "strong_box", "gated": false, "boot": "verified" });
    assert_eq!(server.seen().await, open);
    assert_eq!(server.lines("device.attested"), ["trusted_environment", "strong_box"]);

    server.enrolled(server.prepared().await).await;
    assert_eq!(server.seen().await, json!({ "attested": false, "reason": "absent" }));
    server.enrolled(server.saying(|good| Description { levels: [0, 0], ..good }).await).await;
    assert_eq!(server.seen().await, json!({ "attested": false, "reason": "software" }));
    assert_eq!(server.lines("device.not_attested"), ["software"], "most phones send none, which is no news");
}

#[tokio::test]
async fn a_server_that_asks_for_nothing_keeps_nothing() {
    let server = Trusting::by(AttestationPolicy::Off).await;
    let prepared = server.saying(|good| good).await;
    let identity = send(client().get(format!("{}/.well-known/countersign", server.scene.server.url))).await.body;
    assert!(identity.get("attestation").is_none(), "{identity}");
    server.enrolled(prepared).await;
    assert_eq!(server.seen().await, Value::Null);
    assert_eq!(server.lines("device.attested"), [""; 0]);
}

#[tokio::test]
async fn a_server_that_demands_it_takes_no_other_phone_and_the_link_serves_on() {
    let server = Trusting::by(AttestationPolicy::Require).await;
    let identity = send(client().get(format!("{}/.well-known/countersign", server.scene.server.url))).await.body;
    assert_eq!(identity["attestation"], json!(["android"]));
    let prepared = server.prepared().await;
    let key = &prepared.transcript.approval_key;
    let good = Description::new(&challenge(&prepared));
    let attest = |description: &Description| server.maker.attest(key, description);
    let other_key = SoftwareKey::generate().unwrap().0.public();
    let unlocked = good.clone().hardware(704, root_of_trust(&[7; 32], 0, 2));
    for (reason, chain) in [
        ("absent", None),
        ("unknown_root", Some(Maker::sound().attest(key, &good))),
        ("other_key", Some(server.maker.attest(&other_key, &good))),
        ("other_challenge", Some(attest(&Description::new(&[1; 32])))),
        ("software", Some(attest(&Description { levels: [0, 0], ..good.clone() }))),
        ("imported", Some(attest(&good.clone().hardware(702, integer(2))))),
        ("unverified_boot", Some(attest(&unlocked))),
    ] {
        let mut redemption = prepared.redemption.clone();
        redemption.attestation = chain;
        let refused = prepared.send(&redemption).await;
        assert_eq!((refused.status, refused.code()), (403, "attestation_required"), "{reason}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.ends_with(&format!("(Why: {reason})")) && detail.contains("link serves on"), "{detail}");
    }
    assert_eq!(server.lines("device.not_attested"), ["absent"], "one line a link, however often it is tried");

    let mut attested = prepared;
    attested.redemption.attestation = Some(server.maker.attest(&attested.transcript.approval_key, &good));
    server.enrolled(attested).await;
    assert_eq!(server.seen().await["attested"], true, "what was refused before is forgotten");
}

#[tokio::test]
async fn an_attestation_serves_one_link_alone() {
    let server = Trusting::by(AttestationPolicy::Require).await;
    let (first, mut second) = (server.saying(|good| good).await, server.prepared().await);
    second.redemption.attestation = first.redemption.attestation.clone();
    let stolen = second.send(&second.redemption).await;
    assert!(stolen.body["detail"].as_str().unwrap().ends_with("(Why: other_key)"), "{stolen:?}");
    let of_first = Description::new(&challenge(&first));
    second.redemption.attestation = Some(server.maker.attest(&second.transcript.approval_key, &of_first));
    let replayed = second.send(&second.redemption).await;
    assert!(replayed.body["detail"].as_str().unwrap().ends_with("(Why: other_challenge)"), "{replayed:?}");
}

#[tokio::test]
async fn what_is_no_chain_on_the_wire_is_malformed() {
    let server = Trusting::by(AttestationPolicy::Warn).await;
    let prepared = server.prepared().await;
    let body = serde_json::to_value(&prepared.redemption).unwrap();
    for wrong in [json!([]), json!("AQID"), json!(["AQID="]), json!(vec!["AQID"; 9]), json!([1]), json!({})] {
        let mut body = body.clone();
        body["attestation"] = wrong.clone();
        let url = format!("{}/v1/device/enrol", server.scene.server.url);
        let refused = send(client().post(url).json(&body)).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{wrong}");
    }
    let mut nonsense = prepared.redemption.clone();
    nonsense.attestation = CertificateChain::new(vec![vec![0x30; 100]; 3]);
    assert_eq!(prepared.send(&nonsense).await.status, 200, "what is in it is only looked at");
    assert_eq!(server.lines("device.not_attested"), ["unreadable"]);
}

#[tokio::test]
async fn the_list_of_withdrawn_keys_is_read_again_while_the_server_works() {
    let server = Trusting::by(AttestationPolicy::Require).await;
    assert_eq!(
        {
            let one = server.saying(|good| good).await;
            one.send(&one.redemption).await.status
        },
        200
    );
    withdraw(server.folder.path(), &["abcdef1"]);
    let before = server.saying(|good| good).await;
    assert_eq!(before.send(&before.redemption).await.status, 200, "it is read when the server is told to");
    server.scene.server.reload();
    let after = server.saying(|good| good).await;
    let refused = after.send(&after.redemption).await;
    assert!(refused.body["detail"].as_str().unwrap().ends_with("(Why: revoked)"), "{refused:?}");
    std::fs::write(server.folder.path().join("status.json"), "cut of").unwrap();
    server.scene.server.reload();
    assert_eq!(after.send(&after.redemption).await.code(), "attestation_required", "a damaged list changes nothing");
}

/// Locks what a person has, says YES on the phone with its word that it verified them, and tells whether that unlocked.
async fn unlocks(server: &Trusting, device: &HandmadeDevice) -> bool {
    let Scene { site, user, .. } = &server.scene;
    server.scene.server.sqlite().execute("UPDATE code_authenticator SET failures = 100, locked_at = 1", []).unwrap();
    assert_eq!(site.verify(user, "000000").await.code(), "locked");
    let (id, compact) = device.asked(site, user).await;
    let mut claims = device.decision_claims(&compact, Approve);
    claims.user_verified = true;
    claims.number = site.read(&id).await["number"].as_str().map(str::to_owned);
    assert_eq!(device.decide(&id, jws::sign_now(&claims, &device.approval).unwrap()).await.status, 200);
    site.verify(user, "000000").await.status == 200
}

#[tokio::test]
async fn the_word_that_the_person_was_verified_counts_where_the_hardware_asks_them() {
    let strict = |config: &mut Config| config.approval.accept_unattested = false;
    let server = Trusting::with(AttestationPolicy::Warn, strict).await;
    let plain = server.enrolled(server.prepared().await).await;
    assert!(!unlocks(&server, &plain).await, "not attested");
    let open = server.enrolled(server.saying(|good| good.without(504).hardware(503, vec![5, 0])).await).await;
    assert!(!unlocks(&server, &open).await, "attested, and nobody is asked");
    let minute = server.enrolled(server.saying(|good| good.hardware(505, integer(60))).await).await;
    assert!(!unlocks(&server, &minute).await, "asked once a minute");
    let forged = server.enrolled(server.saying(|good| Description { levels: [0, 0], ..good }).await).await;
    assert!(!unlocks(&server, &forged).await, "asked by software");
    let gated = server.enrolled(server.saying(|good| good).await).await;
    assert!(unlocks(&server, &gated).await);
}

/// A vault with hardware that can say where its keys live.
struct Hardware {
    storage: DesktopVault,
    maker: Arc<Maker>,
    keys: Mutex<BTreeMap<String, Arc<HardwareKey>>>,
    challenges: Mutex<Vec<(Purpose, Option<[u8; 32]>)>>,
}

struct HardwareKey(SoftwareKey, Vec<Vec<u8>>);

#[async_trait]
impl KeyVault for Hardware {
    fn storage_key(&self, opens: Opens) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        self.storage.storage_key(opens)
    }

    async fn create(
        &self,
        name: &str,
        purpose: Purpose,
        challenge: Option<[u8; 32]>,
    ) -> Result<Option<Arc<dyn DeviceKey>>, KeyError> {
        self.challenges.lock().unwrap().push((purpose, challenge));
        let (key, _) = SoftwareKey::generate().unwrap();
        let attest = |challenge: [u8; 32]| self.maker.attest(&key.public(), &Description::new(&challenge));
        let chain = challenge.map(|challenge| attest(challenge).certificates().to_vec()).unwrap_or_default();
        let key = Arc::new(HardwareKey(key, chain));
        self.keys.lock().unwrap().insert(name.to_owned(), Arc::clone(&key));
        Ok(Some(key))
    }

    fn load(&self, name: &str) -> Result<Arc<dyn DeviceKey>, KeyError> {
        let key = self.keys.lock().unwrap().get(name).cloned();
        key.map(|key| key as Arc<dyn DeviceKey>).ok_or(KeyError::Invalidated)
    }
}

#[async_trait]
impl DeviceKey for HardwareKey {
    fn public_key(&self) -> PublicKey {
        self.0.public()
    }

    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        self.0.sign_now(message).map_err(|_| KeyError::Unavailable)
    }

    fn attestation(&self) -> Vec<Vec<u8>> {
        self.1.clone()
    }
}

/// A phone of this hardware.
fn phone(server: &Trusting, maker: &Arc<Maker>) -> (Authenticator, Arc<Hardware>, TempDir) {
    let vault = Arc::new(Hardware {
        storage: DesktopVault::in_memory(&SystemRandomness::new()),
        maker: Arc::clone(maker),
        keys: Mutex::default(),
        challenges: Mutex::default(),
    });
    let platform = Phone::at(&server.scene.clock).platform().clone();
    let folder = tempfile::tempdir().unwrap();
    let core = Authenticator::open(folder.path(), Platform { vault: vault.clone(), ..platform }).unwrap();
    (core, vault, folder)
}

#[tokio::test]
async fn a_phone_says_where_its_key_lives_to_a_server_that_asks_and_to_no_other() {
    for (policy, seen) in [
        (AttestationPolicy::Require, json!({ "attested": false, "reason": "unknown_root" })),
        (AttestationPolicy::Warn, json!({ "attested": false, "reason": "unknown_root" })),
        (AttestationPolicy::Off, Value::Null),
    ] {
        let server = Trusting::by(policy).await;
        let (core, vault, _folder) = phone(&server, &Arc::new(Maker::sound()));
        let enrolled = core.enrol(&server.scene.site.link(&server.scene.user).await, "Phone").await;
        let [(Purpose::Request, None), (Purpose::Approval, challenge)] = vault.challenges.lock().unwrap()[..] else {
            panic!("one key that signs in the background, and one that says YES");
        };
        assert_eq!(challenge.is_some(), policy != AttestationPolicy::Off);
        if policy == AttestationPolicy::Require {
            assert_eq!(enrolled.unwrap_err().code(), "attestation_required");
        } else {
            enrolled.unwrap();
            assert_eq!(server.seen().await, seen);
        }
    }
}

#[tokio::test]
async fn a_phone_of_a_trusted_maker_is_enrolled_where_it_is_demanded() {
    let server = Trusting::by(AttestationPolicy::Require).await;
    let (core, _, _folder) = phone(&server, &server.maker);
    core.enrol(&server.scene.site.link(&server.scene.user).await, "Phone").await.unwrap();
    assert_eq!(server.seen().await["gated"], true);
}

//! A platform that sends requests twice by itself and hears only the second answer, as some do when a connection ends
//! without a word: the phone works all the same.

use async_trait::async_trait;
use countersign_device::transport::{HttpRequest, HttpResponse, Transport, Unreachable};
use countersign_device::{AccountState, Outcome};
use countersign_protocol::device_api::PushStatus;
use countersign_tests::phone::Phone;
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Sends twice, but for the request that follows a refusal for that.
struct Twice {
    network: Arc<dyn Transport>,
    refused: AtomicBool,
    refusals: AtomicUsize,
    proofs: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Twice {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let proof =
            request.headers.iter().find(|(name, _)| *name == "countersign-proof").map(|(_, proof)| proof.clone());
        self.proofs.lock().unwrap().extend(proof);
        let first = self.network.send(request.clone()).await?;
        if self.refused.swap(false, Ordering::SeqCst) {
            return Ok(first);
        }
        let second = self.network.send(request).await?;
        if String::from_utf8_lossy(&second.body).contains("\"code\":\"replayed\"") {
            self.refused.store(true, Ordering::SeqCst);
            self.refusals.fetch_add(1, Ordering::SeqCst);
        }
        Ok(second)
    }
}

#[tokio::test]
async fn a_request_that_the_platform_repeats_is_proven_anew() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let twice = Arc::new(Twice {
        network: Phone::new().platform().transport.clone(),
        refused: AtomicBool::new(false),
        refusals: AtomicUsize::new(0),
        proofs: Mutex::default(),
    });
    let phone = Phone::with(Arc::new(clock), twice.clone());
    let id = phone.enrol(&site, &user).await;
    let service = PushService::start().await;
    phone.core.register_push(id, &[service.registration()]).await.unwrap();
    let asked = site.ask(&user).await;
    let pulled = phone.core.pull(id, 0).await.unwrap();
    assert_eq!(pulled.push, Some(PushStatus::Registered));
    assert_eq!(phone.core.accounts().unwrap()[0].state, AccountState::Confirmed);
    assert_eq!(phone.core.approve(phone.only_prompt(), None).await.unwrap(), Outcome::Approved);
    assert_eq!(site.state(&asked).await, "approved");
    phone.core.remove(id).await.unwrap();

    assert!(twice.refusals.load(Ordering::SeqCst) >= 2, "a PUT and a GET, at the least");
    let mut proofs = twice.proofs.lock().unwrap().clone();
    let sent = proofs.len();
    proofs.sort();
    proofs.dedup();
    assert_eq!(proofs.len(), sent, "no proof is used again by the core");
}

//! What a push costs before anything is stored or sent: its cryptography alone.

use super::{Name, processor_time};
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::sealing::{self, SealedTo, SealingKey};
use countersign_protocol::webpush::Receiver;

/// How often it is done.
const TIMES: u64 = 5_000;
/// A signed challenge of the usual length, in bytes.
const MESSAGE_LENGTH: usize = 900;
/// The part of a VAPID token that is signed, in bytes.
const TOKEN_LENGTH: usize = 160;

/// The processor time of one, in microseconds: sealed to the device; for Web Push also encrypted after RFC 8291, and a
/// VAPID token signed. The tokens of Apple and Google serve many pushes and are not counted.
pub fn of_one_push(network: Name) -> u64 {
    let randomness = SystemRandomness::new();
    let sealing_key = SealingKey::generate(&randomness).public();
    let (server, _) = SoftwareKey::generate().unwrap();
    let to = SealedTo { server_id: &server.public().thumbprint(), enrolment_id: EnrolmentId::random(&randomness) };
    let subscription = Receiver::generate(&randomness).subscription("https://push.example/".into());
    let (message, token) = ("a".repeat(MESSAGE_LENGTH), [7; TOKEN_LENGTH]);
    let used = processor_time();
    for _ in 0..TIMES {
        let envelope = sealing::seal(&message, &sealing_key, to, &randomness).unwrap().to_json();
        if network == Name::Webpush {
            subscription.encrypt(envelope.as_bytes(), &randomness).unwrap();
            server.sign_now(&token).unwrap();
        }
    }
    ((processor_time() - used) / TIMES).max(1)
}

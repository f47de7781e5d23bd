//! The facade's codes are the core's, and a server cannot pass for the device.

use countersign_bindings::AuthenticatorError;
use countersign_device::transport::Unreachable;
use countersign_device::vault::VaultError;
use countersign_device::{Error, StoreError};
use countersign_protocol::Refusal;
use countersign_protocol::key::KeyError;

#[test]
fn what_this_device_found_keeps_its_code_and_its_sentence() {
    let refusals = [
        Refusal::Malformed("envelope"),
        Refusal::UnknownClaim,
        Refusal::TooLarge,
        Refusal::WrongSize,
        Refusal::WrongAlgorithm,
        Refusal::WrongType,
        Refusal::UnknownKey,
        Refusal::BadSignature,
        Refusal::CannotOpen,
        Refusal::WrongDevice,
        Refusal::WrongAccount,
        Refusal::WrongServer,
        Refusal::WrongChallenge,
        Refusal::OldCertificate,
        Refusal::FutureTime,
        Refusal::StaleTime,
        Refusal::Expired,
    ];
    let errors = [
        Error::Unreachable(Unreachable { reason: "no route".into() }),
        Error::Key(KeyError::NotConfirmed),
        Error::Key(KeyError::Invalidated),
        Error::Key(KeyError::Unavailable),
        Error::Vault(VaultError::Locked),
        Error::Vault(VaultError::Unreadable),
        Error::Store(StoreError::Newer),
        Error::Store(StoreError::OtherVault),
        Error::Store(StoreError::Damaged("page 3".into())),
        Error::Store(StoreError::Unwritable("disk full".into())),
        Error::UnknownAccount,
        Error::UnknownChallenge,
        Error::AccountEnded,
        Error::QuestionChanged,
        Error::NoCodes,
        Error::UnexpectedAnswer { status: 502 },
    ];
    for error in refusals.map(Error::Refused).into_iter().chain(errors) {
        let (code, sentence) = (error.code().to_owned(), error.to_string());
        let seen = AuthenticatorError::from(error);
        assert_eq!((seen.code(), seen.to_string()), (code.as_str(), sentence));
    }
}

#[test]
fn what_the_server_said_is_told_apart_from_what_this_device_found() {
    let said = |code: &str| {
        let code = code.to_owned().into();
        AuthenticatorError::from(Error::ServerRefused { code, status: 403, detail: "It says so.".into() })
    };
    for (code, status) in [("timeout", 408), ("throttled", 429), ("unavailable", 503), ("from_2040", 503)] {
        let busy = Error::ServerRefused { code: code.to_owned().into(), status, detail: "It says so.".into() };
        assert_eq!(AuthenticatorError::from(busy).code(), "unavailable", "{code} passes by itself");
    }
    for code in ["device_not_in_use", "internal", "invalid_ticket", "redeemed_twice", "unavailable", "unknown_key"] {
        assert_eq!(said(code).code(), code);
    }
    for code in [
        "key_invalidated",
        "unexpected_answer",
        "store_damaged",
        "store_of_another_vault",
        "unknown_account",
        "malformed",
        "new",
        "",
    ] {
        let seen = said(code);
        assert_eq!(seen, AuthenticatorError::ServerRefused { code: code.into(), detail: seen.to_string() });
    }
}

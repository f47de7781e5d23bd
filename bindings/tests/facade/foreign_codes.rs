//! The codes of other services, as an app adds and shows them.

use crate::app::{AppClock, Unplugged, Vault};
use countersign_bindings::sentences::{Language, Sentence, sentence};
use countersign_bindings::{Authenticator, AuthenticatorError, CodeFile, CodePart, CodeStanding};
use countersign_protocol::time::SystemClock;
use std::sync::Arc;

const LINK: &str = "otpauth://totp/Forge:maya?secret=GEZDGNBV&issuer=Forge";

#[tokio::test]
async fn an_app_previews_adds_shows_renames_and_removes() {
    let directory = tempfile::tempdir().unwrap();
    let (clock, path) = (Arc::new(AppClock(SystemClock)), directory.path().to_str().unwrap().to_owned());
    let network = Arc::new(Unplugged::default());
    let app = Authenticator::open(path, Vault::of_software(), network.clone(), clock, None).await.unwrap();
    let preview = app.preview_codes(LINK.into()).await.unwrap();
    assert_eq!(preview.codes[0].warnings, [Sentence::LinkShortSecret]);
    assert_eq!(app.foreign_codes().await, Ok(vec![]));
    let added = app.add_codes(LINK.into()).await.unwrap().codes.remove(0);
    assert_eq!((added.issuer.as_deref(), added.standing), (Some("Forge"), CodeStanding::New));
    let again = app.add_key("gezd gnbv".into(), Some("Forge".into()), "maya".into()).await.unwrap();
    assert_eq!((again.codes[0].standing, &again.codes[0].id), (CodeStanding::Known, &added.id));
    app.rename_foreign_code(added.id.clone(), None, "maya".into()).await.unwrap();
    let shown = app.foreign_codes().await.unwrap().remove(0);
    let code = shown.shown.unwrap();
    assert_eq!((shown.issuer, shown.account.as_str(), code.code.len()), (None, "maya", 6));
    let of_the_moment = app.next_foreign_code(added.id.clone()).await.unwrap();
    assert!(of_the_moment == code.code || of_the_moment == code.next);
    app.remove_foreign_code(added.id.clone()).await.unwrap();
    let gone = app.next_foreign_code(added.id).await.unwrap_err();
    assert!(matches!(gone, AuthenticatorError::UnknownAccount { .. }), "{gone:?}");
    assert_eq!(*network.0.lock().unwrap(), [], "no network was used");
}

#[tokio::test]
async fn what_is_not_taken_comes_with_its_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let (clock, path) = (Arc::new(AppClock(SystemClock)), directory.path().to_str().unwrap().to_owned());
    let app =
        Authenticator::open(path, Vault::of_software(), Arc::new(Unplugged::default()), clock, None).await.unwrap();
    let refused = app.add_codes("duo://abc".into()).await.unwrap().not_taken.remove(0);
    assert_eq!((refused.reason.as_str(), refused.sentence), ("other_app", Sentence::LinkOtherApp));
    let read = sentence(refused.sentence, Language::English, &refused.values);
    assert_eq!(read, "This code works with Duo Mobile alone. On its page, choose another authenticator app.");
    // One account of three, with the secret of the link above; made by hand.
    let part =
        app.preview_codes("otpauth-migration://offline?data=ChEKBTEyMzQ1EgRtYXlhKAEwAhgDIAE".into()).await.unwrap();
    assert_eq!((part.codes[0].account.as_str(), part.part), ("maya", Some(CodePart { number: 2, of: 3 })));
}

#[tokio::test]
async fn an_app_exports_and_another_phone_takes_the_file() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let open = async |directory: &tempfile::TempDir| {
        let (clock, path) = (Arc::new(AppClock(SystemClock)), directory.path().to_str().unwrap().to_owned());
        Authenticator::open(path, Vault::of_software(), Arc::new(Unplugged::default()), clock, None).await.unwrap()
    };
    let (app, other) = (open(&one).await, open(&other).await);
    for link in [LINK, "otpauth://hotp/Bank:maya?secret=JBSWY3DPEHPK3PXP&counter=7"] {
        app.add_codes(link.into()).await.unwrap();
    }
    let ids: Vec<String> = app.foreign_codes().await.unwrap().into_iter().map(|code| code.id).collect();
    assert_eq!(app.group_foreign_code(ids[1].clone(), Some("Money ".into())).await, Ok(Some("Money".into())));
    app.arrange_foreign_codes(vec![ids[1].clone()]).await.unwrap();
    let password = "five words or some more".to_owned();
    let short = app.export_codes("short".into()).await.unwrap_err();
    assert!(matches!(short, AuthenticatorError::ShortPassword { .. }), "{short:?}");
    let file = app.export_codes(password.clone()).await.unwrap().into_bytes();

    let refused = async |password: Option<&str>| CodeFile::open(file.clone(), password.map(String::from)).await.err();
    assert!(matches!(refused(None).await, Some(AuthenticatorError::PasswordNeeded { .. })));
    assert!(matches!(refused(Some("another")).await, Some(AuthenticatorError::WrongPassword { .. })));
    let opened = Arc::new(CodeFile::open(file.clone(), Some(password)).await.unwrap());
    let preview = other.preview_code_file(Arc::clone(&opened)).await.unwrap();
    assert_eq!((preview.codes.len(), other.foreign_codes().await), (2, Ok(vec![])));
    other.add_code_file(opened).await.unwrap();
    let kept = other.foreign_codes().await.unwrap();
    let kept: Vec<_> = kept.iter().map(|code| (code.issuer.as_deref(), code.group.as_deref())).collect();
    assert_eq!(kept, [(Some("Bank"), Some("Money")), (Some("Forge"), None)], "in the order of the other phone");
    assert_eq!(other.find_foreign_codes("money".into()).await.unwrap().len(), 1);
    assert_eq!(other.export_codes_unencrypted().await.unwrap().lines().count(), 2);

    let nothing = Arc::new(CodeFile::open(b"{}".to_vec(), None).await.unwrap());
    let found = other.preview_code_file(nothing).await.unwrap();
    assert_eq!((found.codes.len(), found.not_taken[0].sentence), (0, Sentence::LinkUnknownFile));
}

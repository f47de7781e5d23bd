//! Files of codes on a phone: what other apps export is kept, and what is exported comes back. No server is near.

use crate::foreign::Locked;
use countersign_device::vault::VaultError;
use countersign_device::{Authenticator, Error, ForeignCode, Platform, Standing, look_at_file};
use countersign_protocol::handle::ForeignCodeId;
use countersign_tests::clock::ManualClock;
use countersign_tests::phone::Phone;
use serde_json::Value;
use std::sync::Arc;

const PASSWORD: &str = "five words or some more";

/// The accepted case of this name in the shared file: its file, and its password.
fn shared(name: &str) -> (String, Option<String>) {
    let all: Value = serde_json::from_str(include_str!("../../vectors/code_files.json")).unwrap();
    let case = all["accepted"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
    (case["file_utf8"].as_str().unwrap().to_owned(), case["password_utf8"].as_str().map(str::to_owned))
}

/// A phone that keeps what Aegis exported: four codes, of which the first and the last are in groups.
fn filled() -> Phone {
    let phone = Phone::at(&ManualClock::new());
    let (file, password) = shared("aegis, encrypted");
    let found = look_at_file(file.as_bytes(), password.as_deref()).unwrap();
    assert_eq!(phone.core.add_codes(&found.taken).unwrap().len(), 4);
    phone
}

/// Service, group and present code of each.
fn shown(core: &Authenticator) -> Vec<(String, String, Option<String>)> {
    let row = |one: ForeignCode| {
        (one.issuer.unwrap_or_default(), one.group.unwrap_or_default(), one.shown.map(|shown| shown.code))
    };
    core.foreign_codes().unwrap().into_iter().map(row).collect()
}

fn services(codes: &[ForeignCode]) -> Vec<&str> {
    codes.iter().map(|one| one.issuer.as_deref().unwrap_or_default()).collect()
}

#[test]
fn what_another_app_exported_is_looked_at_kept_and_known_again() {
    let phone = Phone::at(&ManualClock::new());
    for (name, kept) in [("aegis, encrypted", 4), ("2fas, encrypted", 4), ("ente, plain", 4), ("cxf", 2)] {
        let (file, password) = shared(name);
        let found = look_at_file(file.as_bytes(), password.as_deref()).unwrap();
        assert!(!found.not_taken.is_empty(), "{name}: nothing is lost in silence");
        let before = shown(&phone.core);
        let preview = phone.core.preview_codes(&found.taken).unwrap();
        assert_eq!((preview.len(), shown(&phone.core)), (kept, before), "{name}: a preview keeps nothing");
        phone.core.add_codes(&found.taken).unwrap();
    }
    let expected = [("ACME", "Work"), ("Bank of Zoë", ""), ("Steam", ""), ("Forge", "Home")];
    let all = shown(&phone.core);
    let all: Vec<_> = all.iter().map(|(issuer, group, _)| (issuer.as_str(), group.as_str())).collect();
    assert_eq!(all, expected, "all apps had the same codes, and each is kept once");
    let (file, _) = shared("2fas, plain");
    let again = phone.core.preview_codes(&look_at_file(file.as_bytes(), None).unwrap().taken).unwrap();
    assert!(again.iter().all(|one| one.standing == Standing::Known), "{again:?}");
}

#[test]
fn a_password_is_asked_for_and_everything_else_is_in_the_list() {
    let (file, password) = shared("aegis, encrypted");
    let look = |password| look_at_file(file.as_bytes(), password);
    assert!(matches!(look(None), Err(Error::PasswordNeeded)));
    assert!(matches!(look(Some("another")), Err(Error::WrongPassword)));
    assert!(look(password.as_deref()).is_ok());
    for (file, reason) in [("{}", "unknown_file"), ("{", "damaged_file"), ("https://example.org/", "web_page")] {
        let found = look_at_file(file.as_bytes(), None).unwrap();
        assert_eq!((found.taken.len(), found.not_taken[0].why.code()), (0, reason), "{file}");
    }
}

#[test]
fn what_is_exported_comes_back_on_another_phone_as_it_was() {
    let phone = filled();
    let counted = phone.core.foreign_codes().unwrap()[3].id;
    phone.core.next_foreign_code(counted).unwrap();
    let file = phone.core.export_codes(PASSWORD).unwrap();
    assert!(matches!(look_at_file(file.as_bytes(), Some("five words or some")), Err(Error::WrongPassword)));
    let other = Phone::at(&ManualClock::new());
    let found = look_at_file(file.as_bytes(), Some(PASSWORD)).unwrap();
    other.core.add_codes(&found.taken).unwrap();
    assert_eq!((shown(&other.core), found.not_taken), (shown(&phone.core), vec![]));
    let [here, there] = [&phone, &other].map(|phone| phone.core.foreign_codes().unwrap()[3].id);
    assert_eq!(
        phone.core.next_foreign_code(here).unwrap(),
        other.core.next_foreign_code(there).unwrap(),
        "a counter goes on where it was"
    );
    assert!(matches!(phone.core.export_codes("too short"), Err(Error::ShortPassword)));
}

#[test]
fn links_that_nothing_protects_are_given_when_they_are_asked_for() {
    let phone = filled();
    let text = phone.core.export_codes_unencrypted().unwrap();
    let other = Phone::at(&ManualClock::new());
    other.core.add_codes(&look_at_file(text.as_bytes(), None).unwrap().taken).unwrap();
    let without_groups =
        |phone: &Phone| shown(&phone.core).into_iter().map(|(issuer, _, code)| (issuer, code)).collect::<Vec<_>>();
    assert_eq!(without_groups(&other), without_groups(&phone));
}

#[test]
fn codes_are_put_in_order_and_into_groups() {
    let phone = filled();
    let ids: Vec<ForeignCodeId> = phone.core.foreign_codes().unwrap().into_iter().map(|one| one.id).collect();
    let unknown: ForeignCodeId = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let order = |core: &Authenticator| -> Vec<ForeignCodeId> {
        core.foreign_codes().unwrap().into_iter().map(|one| one.id).collect()
    };
    phone.core.arrange_foreign_codes(&[ids[2], unknown, ids[0], ids[2]]).unwrap();
    assert_eq!(order(&phone.core), [ids[2], ids[0], ids[1], ids[3]], "the others follow as they were");
    phone.core.arrange_foreign_codes(&[]).unwrap();
    let added = look_at_file(b"otpauth://totp/New:maya?secret=JBSWY3DPEHPK3PXP", None).unwrap().taken;
    let new = phone.core.add_codes(&added).unwrap()[0].id;
    phone.core.remove_foreign_code(ids[0]).unwrap();
    let phone = phone.restart();
    assert_eq!(order(&phone.core), [ids[2], ids[1], ids[3], new], "a new one is the last");

    let group = |id, name| phone.core.group_foreign_code(id, name).unwrap();
    assert_eq!(group(new, Some(" At\u{202e} home ")), Some("At home".into()), "cleaned as names are");
    assert_eq!(group(ids[3], Some("\u{200b}")), None, "a name that shows nothing is none");
    let renamed = phone.core.rename_foreign_code(new, Some("Newer"), "maya").unwrap();
    assert_eq!(renamed.0.as_deref(), Some("Newer"));
    let phone = phone.restart();
    let last: Vec<_> = shown(&phone.core).into_iter().map(|(issuer, group, _)| (issuer, group)).skip(2).collect();
    assert_eq!(last, [("Forge".into(), "".into()), ("Newer".into(), "At home".into())], "a name leaves the group");
    assert!(matches!(phone.core.group_foreign_code(unknown, None), Err(Error::UnknownAccount)));
}

#[test]
fn codes_are_found_by_words_of_their_names() {
    let phone = filled();
    for (search, found) in [
        ("", &["ACME", "Bank of Zoë", "Steam", "Forge"][..]),
        ("  ", &["ACME", "Bank of Zoë", "Steam", "Forge"]),
        ("zoË", &["Bank of Zoë"]),
        ("MAYA example", &["ACME"]),
        ("maya home", &["Forge"]),
        ("work", &["ACME"]),
        ("of ba", &["Bank of Zoë"]),
        ("JBSWY3DP", &[]),
        ("nobody", &[]),
    ] {
        assert_eq!(services(&phone.core.find_foreign_codes(search).unwrap()), found, "{search:?}");
    }
}

#[test]
fn a_group_lies_sealed_and_opens_in_no_other_row() {
    let phone = filled();
    phone.core.group_foreign_code(phone.core.foreign_codes().unwrap()[1].id, Some("Oncology")).unwrap();
    let files = std::fs::read_dir(phone.directory()).unwrap();
    let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect::<Vec<u8>>();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"group_name") && !holds(b"Oncology") && !holds(b"Work"));
    let database = rusqlite::Connection::open(phone.directory().join("authenticator.db")).unwrap();
    let of_another = "(SELECT group_name FROM foreign_code WHERE position = 1)";
    let of_the_link = "(SELECT link FROM foreign_code WHERE position = 0)";
    for moved in [of_another, of_the_link] {
        let sql = format!("UPDATE foreign_code SET group_name = {moved} WHERE position = 0");
        assert_eq!(database.execute(&sql, []).unwrap(), 1);
        assert!(matches!(phone.core.foreign_codes(), Err(Error::Store(_))), "{moved}");
    }
}

#[test]
fn a_locked_phone_exports_nothing() {
    let phone = filled();
    let platform = phone.platform().clone();
    let vault = Arc::new(Locked(Arc::clone(&platform.vault)));
    let locked = Authenticator::open(phone.directory(), Platform { vault, ..platform }).unwrap();
    let id = phone.core.foreign_codes().unwrap()[0].id;
    let refusals = [
        locked.export_codes(PASSWORD).map(drop),
        locked.export_codes_unencrypted().map(drop),
        locked.find_foreign_codes("acme").map(drop),
        locked.group_foreign_code(id, Some("x")).map(drop),
    ];
    for refused in refusals {
        assert!(matches!(refused, Err(Error::Vault(VaultError::Locked))), "{refused:?}");
    }
    locked.arrange_foreign_codes(&[id]).unwrap();
}

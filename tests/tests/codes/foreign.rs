//! The codes of other services on a phone: no server is near. The expected codes were made by `oathtool`.

use async_trait::async_trait;
use countersign_device::vault::{KeyVault, Opens, VaultError};
use countersign_device::{Authenticator, Error, ForeignCode, OfferedCode, Platform, Standing, look};
use countersign_protocol::handle::ForeignCodeId;
use countersign_protocol::otpauth::{self, Taken, Warning};
use countersign_tests::clock::ManualClock;
use countersign_tests::phone::Phone;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

const SECRET: &str = "JBSWY3DPEHPK3PXP";

fn taken(text: &str) -> Vec<Taken> {
    otpauth::read(text).unwrap().taken
}

fn add(phone: &Phone, text: &str) -> Vec<OfferedCode> {
    phone.core.add_codes(&taken(text)).unwrap()
}

fn link(names: &str, more: &str) -> String {
    format!("otpauth://totp/{names}?secret={SECRET}{more}")
}

fn by_counter(counter: u64) -> String {
    format!("otpauth://hotp/Forge:maya?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter={counter}")
}

/// Names and present code of each.
fn shown(core: &Authenticator) -> Vec<(String, String, String)> {
    let row = |one: ForeignCode| {
        let code = one.shown.map_or_else(|| "by counter".into(), |shown| shown.code);
        (one.issuer.unwrap_or_default(), one.account, code)
    };
    core.foreign_codes().unwrap().into_iter().map(row).collect()
}

#[test]
fn codes_are_kept_and_shown_by_the_clock_of_the_phone() {
    let clock = ManualClock::new();
    let phone = Phone::at(&clock);
    assert_eq!(shown(&phone.core), []);
    add(&phone, &link("ACME:maya", ""));
    add(&phone, &link("Bank:maya", "&algorithm=HmacSHA256&digits=8&period=45"));
    add(&phone, &link("Steam:maya", "&encoder=steam"));
    add(&phone, &by_counter(7));
    let phone = phone.restart();
    for (acme, bank) in [("309848", "08647946"), ("489290", "08647946"), ("260565", "15952066")] {
        let [first, second, steam, counted] = shown(&phone.core).try_into().unwrap();
        assert_eq!(first, ("ACME".into(), "maya".into(), acme.into()));
        assert_eq!(second, ("Bank".into(), "maya".into(), bank.into()));
        assert_eq!((steam.0.as_str(), steam.2.len()), ("Steam", 5));
        assert_eq!(counted, ("Forge".into(), "maya".into(), "by counter".into()), "it is not spent by being listed");
        let next = phone.core.foreign_codes().unwrap()[0].shown.clone().unwrap();
        clock.advance(Duration::from_secs(next.seconds_left));
        assert_eq!(shown(&phone.core)[0].2, next.next);
    }
}

#[test]
fn what_is_kept_already_is_not_kept_twice_and_what_only_has_its_name_is() {
    let phone = Phone::at(&ManualClock::new());
    let standings = |offered: Vec<OfferedCode>| offered.iter().map(|one| one.standing).collect::<Vec<_>>();
    let text = link("ACME:maya", "");
    let preview = phone.core.preview_codes(&taken(&text)).unwrap();
    assert_eq!((preview[0].standing, shown(&phone.core)), (Standing::New, vec![]), "a preview keeps nothing");
    let first = add(&phone, &text).remove(0);
    let again = add(&phone, &link("ACME%20:%20maya", "&issuer=ACME&algorithm=SHA-1&image=x")).remove(0);
    assert_eq!((again.standing, again.id), (Standing::Known, first.id), "however its link is written");
    for (text, standing) in [
        (link("ACME:maya", "&digits=8"), Standing::SameNames),
        (link("ACME:maya", "").replace("3PXP", "3PXQ"), Standing::SameNames),
        (link("ACME:noor", ""), Standing::New),
        (link("maya", ""), Standing::New),
        (link("ACME:maya", ""), Standing::Known),
    ] {
        assert_eq!(standings(phone.core.preview_codes(&taken(&text)).unwrap()), [standing], "{text}");
        assert_eq!(standings(add(&phone, &text)), [standing], "{text}");
    }
    assert_eq!(phone.core.foreign_codes().unwrap().len(), 5);
    let twice = format!("{}\n{}", link("Twice:maya", ""), link("Twice:maya", ""));
    assert_eq!(standings(add(&phone, &twice)), [Standing::New, Standing::Known], "in one text too");
    assert_eq!(standings(add(&phone, &by_counter(3))), [Standing::New]);
    assert_eq!(standings(add(&phone, &by_counter(9))), [Standing::Known], "its counter stays where it is");
}

#[test]
fn a_counter_is_kept_before_its_code_is_given() {
    let phone = Phone::at(&ManualClock::new());
    let id = add(&phone, &by_counter(0)).remove(0).id;
    assert_eq!(phone.core.next_foreign_code(id).unwrap(), "755224");
    let other = Authenticator::open(phone.directory(), phone.platform().clone()).unwrap();
    assert_eq!(other.next_foreign_code(id).unwrap(), "287082", "another process on the same store");
    assert_eq!(phone.core.next_foreign_code(id).unwrap(), "359152");

    let database = rusqlite::Connection::open(phone.directory().join("authenticator.db")).unwrap();
    let full = "CREATE TRIGGER full BEFORE UPDATE ON foreign_code BEGIN SELECT RAISE(ABORT, 'full'); END";
    database.execute_batch(full).unwrap();
    assert!(matches!(phone.core.next_foreign_code(id), Err(Error::Store(_))), "no code when it cannot be kept");
    database.execute_batch("DROP TRIGGER full").unwrap();
    let phone = phone.restart();
    assert_eq!(phone.core.next_foreign_code(id).unwrap(), "969429", "and none was lost");
}

#[test]
fn a_code_is_renamed_and_removed() {
    let phone = Phone::at(&ManualClock::new());
    let id = add(&phone, &link("ACME:maya", "")).remove(0).id;
    let code = shown(&phone.core)[0].2.clone();
    let names = phone.core.rename_foreign_code(id, Some(" Bank\u{200b} "), "maya: private").unwrap();
    assert_eq!(names, (Some("Bank".into()), "maya: private".into()));
    let phone = phone.restart();
    assert_eq!(shown(&phone.core), [("Bank".into(), "maya: private".into(), code)], "its secret is the same");
    let unknown: ForeignCodeId = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    for refused in [
        phone.core.rename_foreign_code(unknown, None, "x").map(drop),
        phone.core.next_foreign_code(unknown).map(drop),
        phone.core.remove_foreign_code(unknown),
    ] {
        assert!(matches!(refused, Err(Error::UnknownAccount)), "{refused:?}");
    }
    phone.core.remove_foreign_code(id).unwrap();
    assert_eq!(shown(&phone.core), []);
    assert!(matches!(phone.core.remove_foreign_code(id), Err(Error::UnknownAccount)));
}

#[test]
fn what_cannot_be_taken_is_in_the_list_with_its_reason() {
    let phone = Phone::at(&ManualClock::new());
    let found = look(&format!("{}\n{}", link("ACME:maya", ""), link("Bank:maya", "&algorithm=MD5")));
    let offered = phone.core.add_codes(&found.taken).unwrap();
    assert_eq!(
        (offered.len(), found.not_taken[0].name.as_str(), found.not_taken[0].why.code()),
        (1, "Bank, maya", "old_algorithm")
    );
    let alone = look("https://example.org/");
    assert_eq!((alone.taken.len(), alone.not_taken[0].why.code()), (0, "web_page"));
    let short = add(&phone, "otpauth://totp/Forge:maya?secret=GEZDGNBV").remove(0);
    assert_eq!(short.warnings, [Warning::ShortSecret]);
}

#[test]
fn neither_secret_nor_name_lies_open_and_a_row_opens_nowhere_else() {
    let phone = Phone::at(&ManualClock::new());
    add(&phone, &link("Meridian:maya", ""));
    add(&phone, &link("Other:noor", "&digits=8"));
    let files = std::fs::read_dir(phone.directory()).unwrap();
    let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect::<Vec<u8>>();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"foreign_code"), "the store was looked at");
    for hidden in [SECRET.as_bytes(), b"Hello!\xde\xad\xbe\xef", b"Meridian", b"maya", b"otpauth"] {
        assert!(!holds(hidden), "{}", String::from_utf8_lossy(hidden));
    }
    let printed = format!("{:?}", phone.core.foreign_codes().unwrap());
    let code = shown(&phone.core)[0].2.clone();
    assert!(!printed.contains(&code) && !printed.contains(SECRET), "{printed}");

    let database = rusqlite::Connection::open(phone.directory().join("authenticator.db")).unwrap();
    let swap = "UPDATE foreign_code SET link = (SELECT link FROM foreign_code AS other WHERE other.rowid <> \
                foreign_code.rowid) WHERE rowid = 1";
    assert_eq!(database.execute(swap, []).unwrap(), 1);
    assert!(matches!(phone.core.foreign_codes(), Err(Error::Store(_))), "it is bound to its row");
}

/// A vault of a phone that is locked, after it was unlocked once.
pub struct Locked(pub Arc<dyn KeyVault>);

#[async_trait]
impl KeyVault for Locked {
    fn storage_key(&self, opens: Opens) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        match opens {
            Opens::AfterFirstUnlock => self.0.storage_key(opens),
            Opens::WhileUnlocked => Err(VaultError::Locked),
        }
    }
}

#[test]
fn a_locked_phone_shows_no_code_and_no_name() {
    let phone = Phone::at(&ManualClock::new());
    let id = add(&phone, &link("ACME:maya", "")).remove(0).id;
    let platform = phone.platform().clone();
    let vault = Arc::new(Locked(Arc::clone(&platform.vault)));
    let locked = Authenticator::open(phone.directory(), Platform { vault, ..platform }).unwrap();
    let refusals = [
        locked.foreign_codes().map(drop),
        locked.next_foreign_code(id).map(drop),
        locked.add_codes(&taken(&link("Bank:maya", ""))).map(drop),
        locked.preview_codes(&[]).map(drop),
    ];
    for refused in refusals {
        assert!(matches!(refused, Err(Error::Vault(VaultError::Locked))), "{refused:?}");
    }
    locked.remove_foreign_code(id).unwrap();
    assert_eq!(shown(&phone.core), [], "removing needs no secret");
}

#[test]
fn an_export_of_google_authenticator_is_kept_whole() {
    let phone = Phone::at(&ManualClock::new());
    let batch = "otpauth-migration://offline?data=Ci8KCjEyMzQ1Njc4OTASFUFDTUU6bWF5YUBleGFtcGxlLm9yZxoEQUNNRSAAKAAwAgot\
                 ChQxMjM0NTY3ODkwMTIzNDU2Nzg5MBIEbWF5YRoHQ291bnRlciABKAEwATgHEAEYASAA";
    let offered = add(&phone, batch);
    assert_eq!(offered.iter().map(|one| one.by_counter).collect::<Vec<_>>(), [false, true]);
    assert_eq!(phone.core.next_foreign_code(offered[1].id).unwrap(), "162583", "RFC 4226, appendix D, count 7");
}

//! The reader of modules on small trees that are made up: it finds what is wrong, and nothing where all is right.

use super::imports::{Floors, floors};
use super::modules::{Files, Modules, circles, way_round};
use super::words::words;
use std::collections::BTreeSet;

fn tree(files: &[(&str, &str)]) -> Modules {
    let files: Files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Modules::read(&files, "lib.rs")
}

/// Each arrow as `from to`.
fn arrows(files: &[(&str, &str)]) -> Vec<String> {
    tree(files).arrows().into_iter().map(|arrow| format!("{} {}", arrow.from, arrow.to)).collect()
}

/// A server in which each floor reaches for the one below.
const CLEAN: [(&str, &str); 6] = [
    ("lib.rs", "pub mod domain; mod store; mod doors;"),
    ("domain.rs", "pub struct Id; pub enum State { Open }"),
    ("store/mod.rs", "mod accounts; mod error; pub use accounts::Account; pub use error::StoreError;"),
    ("store/accounts.rs", "use super::error::StoreError; use crate::domain::{Id, State}; pub struct Account(Id);"),
    ("store/error.rs", "pub struct StoreError;"),
    ("doors.rs", "use crate::store::{Account, StoreError}; fn open() -> Result<Account, StoreError> { todo() }"),
];

/// The clean tree with other words in one file.
fn changed(name: &'static str, text: &'static str) -> Vec<(&'static str, &'static str)> {
    let unchanged = CLEAN.into_iter().filter(|(file, _)| *file != name);
    unchanged.chain([(name, text)]).collect()
}

#[test]
fn a_clean_tree_passes() {
    let modules = tree(&CLEAN);
    assert_eq!(circles(&modules.arrows()), []);
    assert_eq!(floors(&modules), Floors::default());
    // The table of contents in store/mod.rs is no arrow, and a re-export leads to where the thing stands.
    let expected = [
        "doors.rs store/accounts.rs",
        "doors.rs store/error.rs",
        "store/accounts.rs domain.rs",
        "store/accounts.rs store/error.rs",
    ];
    assert_eq!(arrows(&CLEAN), expected);
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    for back in [
        "use crate::store::Account; pub struct StoreError(Account);",
        "use super::accounts::Account; pub struct StoreError(Account);",
        "use super::Account; pub struct StoreError(Account);",
        "use super::*; pub struct StoreError(accounts::Account);",
        "pub struct StoreError(crate::store::accounts::Account);",
        "use crate::store; pub struct StoreError(store::Account);",
        "use crate::store as kept; pub struct StoreError(kept::accounts::Account);",
        "use crate::{domain::Id, store::{self, accounts::{Account as One}}}; pub struct StoreError(One);",
        "mod inside { use super::super::accounts::Account; } pub struct StoreError;",
    ] {
        let modules = tree(&changed("store/error.rs", back));
        let arrows = modules.arrows();
        let expected: BTreeSet<String> = ["store/accounts.rs".into(), "store/error.rs".into()].into();
        assert_eq!(circles(&arrows), std::slice::from_ref(&expected), "{back}");
        let told = ["store/accounts.rs:1 reaches for store/error.rs", "store/error.rs:1 reaches for store/accounts.rs"];
        assert_eq!(way_round(&arrows, &expected), told, "{back}");
    }
}

#[test]
fn a_folder_that_works_with_its_files_and_is_used_by_them_is_a_circle() {
    let folder =
        "mod accounts; mod error; use accounts::Account; pub use error::StoreError; pub struct Store(Account);";
    let files = changed("store/mod.rs", folder);
    assert_eq!(circles(&tree(&files).arrows()), [], "the folder may work with its files");
    let used: Vec<_> = files
        .into_iter()
        .map(|(name, text)| match name {
            "store/accounts.rs" => (name, "use super::Store; pub struct Account(Box<Store>);"),
            _ => (name, text),
        })
        .collect();
    let expected: BTreeSet<String> = ["store/accounts.rs".into(), "store/mod.rs".into()].into();
    assert_eq!(circles(&tree(&used).arrows()), [expected]);
}

#[test]
fn an_arrow_upwards_is_found() {
    let files = changed("domain.rs", "\npub struct Id; pub fn read(account: crate::store::Account) {}");
    let found = floors(&tree(&files));
    assert_eq!(found.upwards, ["domain.rs:2 on domain reaches up for store/accounts.rs on store and journal"]);
    // Though it is a circle as well here, an arrow upwards is found without one.
    let files = changed("doors.rs", "pub struct Door;");
    let files: Vec<_> = files
        .into_iter()
        .map(|(name, text)| if name == "store/error.rs" { (name, "use crate::doors::Door;") } else { (name, text) })
        .collect();
    let modules = tree(&files);
    assert_eq!(circles(&modules.arrows()), []);
    assert_eq!(floors(&modules).upwards, ["store/error.rs:1 on store and journal reaches up for doors.rs on doors"]);
}

#[test]
fn a_file_on_no_floor_is_found_and_so_is_an_arrow_to_it() {
    let mut files = changed("lib.rs", "pub mod domain; mod store; mod doors; mod loose;");
    files.push(("loose.rs", "pub fn stray() {}"));
    assert_eq!(floors(&tree(&files)).homeless, ["loose.rs"]);
    let upwards: Vec<_> = files
        .into_iter()
        .map(|(name, text)| if name == "domain.rs" { (name, "fn f() { crate::loose::stray() }") } else { (name, text) })
        .collect();
    assert_eq!(floors(&tree(&upwards)).upwards, ["domain.rs:1 on domain reaches up for loose.rs on no floor"]);
}

#[test]
fn tests_comments_strings_and_other_crates_are_no_arrows() {
    for harmless in [
        "#[cfg(test)] mod tests { use super::*; use crate::doors; fn f() { doors::open() } } pub struct Id;",
        "#[cfg(test)] mod tests; pub struct Id;",
        "#[cfg(test)] use crate::doors::{open}; pub struct Id;",
        "#[cfg(test)] #[derive(Debug)] struct A { b: crate::doors::B } pub struct Id;",
        "/// [`crate::doors::open`]\npub struct Id; // crate::doors::open",
        "/* crate::doors::open /* again */ crate::doors::open */ pub struct Id;",
        "pub const ID: &str = \"crate::doors::open\"; const RAW: &[u8] = br#\"\" crate::doors::open\"#;",
        "fn f<'a>(quote: char) -> &'a str { match quote { '\"' => \"crate::doors\", '\\'' => \"\", _ => r\"\\\" } }",
        "use std::doors::open; use serde::{doors, de::doors::*}; pub(in crate::doors) struct Id;",
        "pub struct Id { doors: u8 } fn doors() -> Id { Id { doors: u8::MAX } }",
    ] {
        let reached: Vec<String> = arrows(&changed("domain.rs", harmless));
        assert!(!reached.iter().any(|arrow| arrow.starts_with("domain.rs")), "{harmless}: {reached:?}");
    }
}

#[test]
fn lines_are_counted_through_what_is_left_out() {
    let found = words("/* one\ntwo */ \"three\nfour\" '\\n'\n  name::<'a>");
    let told: Vec<_> = found.iter().map(|word| (word.text.as_str(), word.line)).collect();
    assert_eq!(told, [("name", 4), ("::", 4), ("<", 4), ("'", 4), ("a", 4), (">", 4)]);
}

//! The example file is made of the settings themselves, so that none is missing there, and its defaults are the code's.

use super::settings::{SETTINGS, find};
use super::show::written;
use super::{Config, Loaded};
use crate::runtime::backup::key::recipient_text;
use countersign_protocol::sealing::SealingPublicKey;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// Set to anything, the file is written anew.
const RENEW: &str = "COUNTERSIGN_RENEW";

fn defaults() -> Value {
    serde_json::to_value(Config::load(None, std::iter::empty()).unwrap()).unwrap()
}

fn at<'a>(values: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(values, |value, key| value.get(key)).filter(|value| !value.is_null())
}

/// What stands above them.
const HEAD: &str = "\
# Every setting of Countersign, with its default; what has none is shown with an example. Made of the code,
# which a test compares. Take away the # of what you change: a section's line too. Paths that are not absolute
# begin in the folder of this file. Every setting can be overlaid from the environment:
# COUNTERSIGN_LIMITS__CONNECTIONS=5000. Try it: countersign check --config FILE
";

/// A setting a line: commented out, since the defaults need no saying.
fn example() -> String {
    let mut page = HEAD.to_owned();
    let defaults = defaults();
    let mut section = "";
    for setting in SETTINGS {
        let (of, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
        if of != section {
            section = of;
            write!(page, "\n# [{section}]\n").unwrap();
        }
        let (value, has) = match (at(&defaults, setting.key), setting.example) {
            (Some(value), None) => (written(value), ""),
            (None, Some(example)) => (example.to_owned(), "no default; "),
            (value, _) => panic!("{} has a default, or an example: {value:?}", setting.key),
        };
        writeln!(page, "# {name} = {value}  # {has}{}", setting.why).unwrap();
    }
    page
}

/// The keys of every value.
fn keys(values: &Value, section: &str, found: &mut BTreeSet<String>) {
    for (name, value) in values.as_object().unwrap() {
        let key = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
        match value {
            Value::Object(_) => keys(value, &key, found),
            _ => drop(found.insert(key)),
        }
    }
}

/// What the file says when its comments are taken away.
fn uncommented(example: &str) -> String {
    let is_setting =
        |line: &&str| line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    example
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(is_setting)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn the_example_has_every_setting_with_the_default_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/countersign.example.toml");
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&path, example()).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == example(),
        "docs/countersign.example.toml is not what the code says: {RENEW}=1 cargo test -p countersign-server example"
    );
}

#[test]
fn the_settings_are_those_of_the_code_and_no_other() {
    // Everything that the example names, so that no section is left out; one of the three ways to the master key.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("countersign.toml");
    let all = uncommented(&example());
    let one_master_key: String = all
        .lines()
        .filter(|line| !line.starts_with("env =") && !line.starts_with("command ="))
        .map(|line| format!("{line}\n"))
        .collect();
    let recipient = recipient_text(&SealingPublicKey::from_bytes([9; 32]));
    let one_master_key = one_master_key.replace("\"KEY\"", &format!("{recipient:?}"));
    std::fs::write(&file, one_master_key).unwrap();
    let loaded = Loaded::read(Some(file), &[]).unwrap();
    let mut found = BTreeSet::new();
    keys(&serde_json::to_value(&loaded.config).unwrap(), "", &mut found);
    found.extend(["master_key.env".to_owned(), "master_key.command".to_owned()]);
    let listed: BTreeSet<String> = SETTINGS.iter().map(|setting| setting.key.to_owned()).collect();
    assert_eq!(found, listed, "left: the fields of Config; right: settings.rs");
    let shown = loaded.show();
    shown.parse::<toml::Table>().unwrap_or_else(|error| panic!("{error}: {shown}"));
    for setting in SETTINGS {
        let name = setting.key.rsplit('.').next().unwrap();
        assert!(shown.contains(&format!("{name} ")), "{} is shown: {shown}", setting.key);
    }
}

#[test]
fn what_is_shown_says_where_it_comes_from_and_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("countersign.toml");
    let text = "data_dir = \"data\"\n[limits]\n  connections = 500\n[master_key]\ncommand = [\"echo\", \"hunter2\"]\n\
                [push.apns]\nbase_url = \"https://user:hunter2@relay.example\"\n[retention]\njournal = \"100d\"\n";
    std::fs::write(&file, text).unwrap();
    let environment = [("COUNTERSIGN_CODES__STRICT".to_owned(), "true".to_owned())];
    let shown = Loaded::read(Some(file.clone()), &environment).unwrap().show();
    let (file, data) = (file.display(), folder.path().join("data"));
    for line in [
        "listen = \"127.0.0.1:8080\"  # default".to_owned(),
        format!("data_dir = {:?}  # {file}:1:12", data.display().to_string()),
        format!("connections = 500  # {file}:3:17"),
        "strict = true  # environment variable COUNTERSIGN_CODES__STRICT".to_owned(),
        format!("command is set and not shown  # {file}:5:11"),
        format!("base_url = \"https://relay.example/\"  # {file}:7:12"),
        format!("journal = \"100d\"  # {file}:9:11"),
        "challenges = \"90d\"  # default".to_owned(),
        "# key_file is not set".to_owned(),
    ] {
        assert!(shown.contains(&line), "{line}: {shown}");
    }
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_wrong_value_is_named_with_file_line_found_and_expected() {
    for (text, parts) in [
        ("[limits]\nconnections = 0", [":2:15", "limits.connections: found 0", "expected a whole number from 10"]),
        ("[limits]\nconnections = -1", [":2:15", "found -1", "expected a whole number"]),
        ("[limits]\nconnections = \"many\"", [":2:15", "found \"many\"", "expected a whole number"]),
        (
            "[limits]\nconections = 5",
            [":2:1", "limits.conections: there is no such setting", "did you mean limits.connections?"],
        ),
        ("[limit]\nconnections = 5", [":1:2", "limit: there is no such setting", ""]),
        ("limits = 5", [":1:1", "found a value, expected a section", "[limits]"]),
        ("\npublic_url = \"https://login.example/\"", [":2:14", "found \"https://login.example/\"", "without a slash"]),
        ("public_url = \"https://a:b@login.example\"", [":1:14", "public_url", "without user"]),
        ("public_url = \"ftp://login.example\"", [":1:14", "public_url", "expected an https:// address"]),
        ("listen = 8080", [":1:10", "listen: found 8080", "such as \"127.0.0.1:8080\""]),
        ("listen = \"127.0.0.1\"", [":1:10", "found \"127.0.0.1\"", "socket address"]),
        ("trusted_proxies = [\"10.0.0.1/8\"]", [":1:19", "found [\"10.0.0.1/8\"]", "first address: \"10.0.0.0/8\""]),
        ("trusted_proxies = \"10.0.0.1\"", [":1:19", "found \"10.0.0.1\"", "expected a list"]),
        ("proxy_header = \"x-real-ip\"", [":1:16", "found \"x-real-ip\"", "x-forwarded-for"]),
        ("[log]\nformat = \"xml\"", [":2:10", "found \"xml\"", "expected \"text\" or \"json\""]),
        ("[codes]\nstrict = \"yes\"", [":2:10", "found \"yes\"", "true or false"]),
        ("[tls]\ncert = \"a.pem\"", [":2:8", "tls.key: found nothing", "[tls] needs it"]),
        ("[push.fcm]\nallow_private = true", [":2:17", "push.fcm.service_account: found nothing", "needs it"]),
        ("[retention]\njournal = \"2h\"", [":2:11", "retention.journal is \"2h\"", "expected at least \"2d\""]),
        (
            "[retention]\nlinks = \"90d\"\njournal = 365",
            [":3:11", "retention.journal is 365", "expected a number and a unit"],
        ),
        ("[backup]\nevery = \"24h\"", [":2:9", "backup.every", "backup.directory belong together"]),
        ("[backup]\njournal_kept = \"1h\"", [":2:16", "backup.journal_kept is shorter", "\"2d\""]),
        ("[backup]\nrecipient = \"age1xyz\"", [":2:13", "backup.recipient: ", "backup-key"]),
        (
            "[master_key]\ncommand = \"echo hunter2\"",
            [":2:11", "master_key.command: found something else", "a list of a program"],
        ),
        ("[master_key]\npassword = \"hunter2\"", [":2:1", "master_key.password: there is no such setting", ""]),
        ("listen = \"127.0.0.1:0", [":1:", "this is no TOML", ""]),
        ("listen = \"127.0.0.1:0\"\nlisten = \"127.0.0.1:1\"", [":2:1", "this is no TOML", "duplicate key"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("countersign.toml");
        std::fs::write(&file, text).unwrap();
        let wrong = Loaded::read(Some(file.clone()), &[]).expect_err(text);
        assert!(wrong.starts_with(file.to_str().unwrap()), "{text}: {wrong}");
        assert!(parts.iter().all(|part| wrong.contains(part)), "{text}: {parts:?}: {wrong}");
        assert!(!wrong.contains("hunter2"), "{text}: {wrong}");
    }
    assert!(find("limits.connections").is_some());
}

#[test]
fn every_command_finds_the_same_file_and_the_same_paths() {
    use super::source::locate;
    let folder = tempfile::tempdir().unwrap();
    let default = folder.path().join("default.toml");
    let named = Path::new("named.toml");
    let variable = [("COUNTERSIGN_CONFIG".to_owned(), "variable.toml".to_owned())];
    assert_eq!(locate(Some(named), &variable, &default).as_deref(), Some(named));
    assert_eq!(locate(None, &variable, &default).as_deref(), Some(Path::new("variable.toml")));
    assert_eq!(locate(None, &[], &default), None);
    let text = "data_dir = 'data'\n[tls]\ncert = '/a/cert.pem'\nkey = 'key.pem'\n\
                [push.webpush]\nextra_roots = ['r.pem']\n";
    std::fs::write(&default, text).unwrap();
    assert_eq!(locate(None, &[], &default).as_deref(), Some(&*default));
    let config = Loaded::read(Some(default), &variable).unwrap().config;
    let tls = config.tls.unwrap();
    assert_eq!(config.data_dir, folder.path().join("data"), "relative to the file, wherever a command is started");
    assert_eq!((tls.cert.as_path(), tls.key), (Path::new("/a/cert.pem"), folder.path().join("key.pem")));
    assert_eq!(config.push.webpush.extra_roots, [folder.path().join("r.pem")]);
}

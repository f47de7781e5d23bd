//! Which crate may stand on which. A crate is there only where somebody must be able not to depend on something; these
//! are those somebodies.

use super::words::words;
use super::{members, read, root, written_below};
use std::collections::{BTreeMap, BTreeSet};

/// A crate, what it does without, and for whose sake. Through its own workspace's crates it does not get it either.
const WITHOUT: [(&str, &[&str], &str); 7] = [
    (
        "countersign-protocol",
        &["countersign-private-file", "rusqlite", "tempfile", "tokio", "reqwest", "axum", "uniffi"],
        "a relay, or whoever verifies a receipt, needs the messages and no files, database or runtime",
    ),
    (
        "countersign-device",
        &["countersign-server", "reqwest", "tokio", "uniffi", "axum", "rustls"],
        "a phone brings its own sockets, and domain code knows nothing of the bindings",
    ),
    ("countersign-server", &["countersign-device", "countersign-demo", "uniffi"], "a server is no phone"),
    (
        "countersign-demo",
        &["countersign-server"],
        "the demo's site is what a relying party builds: it knows the server over HTTP only",
    ),
    ("countersign-desktop", &["countersign-server"], "a computer that is the phone is no server"),
    (
        "countersign-https-client",
        &["countersign-server", "countersign-device", "rusqlite"],
        "whoever calls out needs neither side with it",
    ),
    (
        "countersign-bindings",
        &["countersign-server", "reqwest", "axum", "rustls", "clap"],
        "an app carries no server, no second TLS and no command line",
    ),
];

/// Parts of the standard library that a crate leaves alone.
const WITHOUT_STD: [(&str, &[&str]); 2] =
    [("core/protocol", &["env", "fs", "net", "process"]), ("core/device", &["env", "net", "process"])];

/// Rules that are not kept yet. One that comes to be kept is taken off here.
const NOT_YET: [&str; 0] = [];

/// What each crate of the workspace depends on, without what only its tests need.
type Dependencies = BTreeMap<String, BTreeSet<String>>;

fn dependencies_of(manifest: &toml::Table) -> BTreeSet<String> {
    let sections = ["dependencies", "build-dependencies"];
    let named = |table: &toml::Table| -> Vec<String> {
        let tables = sections.iter().filter_map(|section| table.get(*section)?.as_table());
        // One that is renamed says in `package` what it is.
        let name = |(name, value): (&String, &toml::Value)| {
            value.get("package").and_then(toml::Value::as_str).unwrap_or(name).to_owned()
        };
        tables.flatten().map(name).collect()
    };
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let for_one_system = targets.into_iter().flatten().filter_map(|(_, table)| table.as_table()).flat_map(named);
    named(manifest).into_iter().chain(for_one_system).collect()
}

/// Every rule that is broken.
fn broken(rules: &[(&str, &[&str], &str)], crates: &Dependencies) -> Vec<String> {
    let mut found = Vec::new();
    for (name, without, reason) in rules {
        if !crates.contains_key(*name) {
            found.push(format!("there is no crate {name}"));
            continue;
        }
        // Each with the way that leads to it.
        let mut ways: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut next = vec![vec![*name]];
        while let Some(way) = next.pop() {
            for dependency in way.last().and_then(|last| crates.get(*last)).into_iter().flatten() {
                if !ways.contains_key(dependency.as_str()) {
                    ways.insert(dependency, way.clone());
                    next.push([way.as_slice(), &[dependency.as_str()]].concat());
                }
            }
        }
        for one in *without {
            if let Some(way) = ways.get(one) {
                let through = way[1..].iter().map(|part| format!(" through {part}")).collect::<String>();
                found.push(format!("{name} depends on {one}{through}, though {reason}"));
            }
        }
    }
    found
}

#[test]
fn each_crate_does_without_what_it_is_there_to_do_without() {
    let crates: Dependencies = members()
        .iter()
        .map(|member| {
            let manifest: toml::Table = read(&root().join(member).join("Cargo.toml")).parse().unwrap();
            (manifest["package"]["name"].as_str().unwrap().to_owned(), dependencies_of(&manifest))
        })
        .collect();
    assert_eq!(broken(&WITHOUT, &crates), NOT_YET, "left: what is broken; right: NOT_YET, what is known to be");
}

#[test]
fn the_core_leaves_files_and_sockets_to_others() {
    for (member, without) in WITHOUT_STD {
        let sources = written_below(&root().join(member).join("src"), "rs");
        assert!(sources.len() > 5, "{member}: its sources were found");
        for path in sources {
            let words = words(&read(&path));
            for three in words.windows(3) {
                let reached =
                    three[0].text == "std" && three[1].text == "::" && without.contains(&three[2].text.as_str());
                assert!(!reached, "{}:{} uses std::{}", path.display(), three[0].line, three[2].text);
            }
        }
    }
}

#[test]
fn a_broken_rule_is_found_also_through_another_crate() {
    let table = |text: &str| dependencies_of(&text.parse().unwrap());
    let crates: Dependencies = [
        ("phone".to_owned(), table("[dependencies]\nmessages.workspace = true\n[dev-dependencies]\ntokio = \"1\"")),
        ("messages".to_owned(), table("[dependencies]\nsockets = { package = \"reqwest\", version = \"1\" }")),
        (
            "tool".to_owned(),
            table("[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n[build-dependencies]\ncc = \"1\""),
        ),
    ]
    .into();
    let rules: [(&str, &[&str], &str); 3] =
        [("phone", &["reqwest", "tokio"], "it has none"), ("tool", &["libc", "cc"], "so"), ("gone", &[], "")];
    let expected = [
        "phone depends on reqwest through messages, though it has none",
        "tool depends on libc, though so",
        "tool depends on cc, though so",
        "there is no crate gone",
    ];
    assert_eq!(broken(&rules, &crates), expected);
    assert_eq!(broken(&[("phone", &["rusqlite", "tokio"], "")], &crates), Vec::<String>::new());
}

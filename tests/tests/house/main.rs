//! The rules of the house that no compiler checks: what is not built in, which crate and which module may reach for
//! which, how long a file and a line may be, what is left undone, and that a shipped migration stays what it was.

#![cfg(test)]

mod crates;
mod imports;
mod links;
mod made_up;
mod migrations;
mod modules;
mod sources;
mod width;
mod words;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A longer file is two ideas.
const MOST_LINES: usize = 500;
/// What people write by hand, by the ends of the files' names.
const WRITTEN: [&str; 7] = ["rs", "kt", "swift", "js", "css", "html", "sh"];
/// Folders that hold what was built or fetched.
const BUILT: [&str; 3] = ["target", "build", "node_modules"];
/// Folders that hold what `bindings/swift/generate` writes.
const GENERATED: [&str; 2] = ["bindings/swift/Sources/Countersign", "bindings/swift/Sources/CountersignFFI"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn table(name: &str) -> toml::Table {
    read(&root().join(name)).parse().unwrap()
}

/// The folders of the workspace's crates.
fn members() -> Vec<String> {
    let workspace = table("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members.iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

/// The files of a folder and those in it. Names that begin with a dot hold the tools' own things.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if !path.is_dir() {
                files.push(path);
            } else if !name.starts_with('.')
                && !BUILT.contains(&name)
                && !GENERATED.iter().any(|one| path.ends_with(one))
            {
                folders.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The files of a folder whose names end so.
fn written_below(folder: &Path, end: &str) -> Vec<PathBuf> {
    files_below(folder).into_iter().filter(|path| path.extension().is_some_and(|one| one == end)).collect()
}

/// Everything in the tree that is written by hand.
fn written() -> Vec<PathBuf> {
    let by_hand = |path: &PathBuf| path.extension().is_some_and(|end| WRITTEN.iter().any(|one| end == *one));
    let files: Vec<PathBuf> = files_below(root()).into_iter().filter(by_hand).collect();
    assert!(files.len() > 50 && files.contains(&root().join("tests/tests/house/main.rs")), "the files were found");
    files
}

#[test]
fn one_library_does_tls_and_signatures() {
    let lock = table("Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    let built: HashSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let banned = table("deny.toml")["bans"]["deny"].as_array().unwrap().clone();
    assert!(banned.len() >= 5, "{banned:?}");
    for ban in &banned {
        let name = ban["crate"].as_str().unwrap();
        assert!(!built.contains(name), "{name} is built in, though deny.toml bans it: {}", ban["reason"]);
    }
    for wanted in ["ring", "rustls"] {
        assert!(built.contains(wanted), "{wanted} is missing");
    }
}

#[test]
fn no_file_is_two_ideas() {
    let too_long: Vec<String> = written()
        .into_iter()
        .map(|path| (read(&path).lines().count(), path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(too_long.is_empty(), "longer than {MOST_LINES} lines: {too_long:#?}");
}

#[test]
fn nothing_is_left_undone_or_skipped() {
    // Written in two pieces, so that this file does not name them.
    let undone = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")];
    for path in written().into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        let text = read(&path);
        for mark in undone {
            assert!(!text.contains(mark), "{} holds {mark}", path.display());
        }
    }
}

//! No circle between modules, and no arrow upwards between the floors of the server.

use super::modules::{Arrow, Files, Modules, circles, way_round};
use super::{members, read, root};
use std::path::Path;

/// The floors of the server, from the ground up. What stands on one floor may reach for its own floor and those below.
pub const FLOORS: [&[&str]; 7] =
    [&["domain"], &["store", "journal"], &["keys"], &["service"], &["delivery"], &["doors"], &["runtime"]];
/// The crate that has them.
const IN_FLOORS: &str = "server";

/// What is wrong between the floors of one crate.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Floors {
    /// Arrows that point upwards.
    pub upwards: Vec<String>,
    /// Files that stand on no floor.
    pub homeless: Vec<String>,
}

fn floor_of(path: &[String]) -> Option<usize> {
    FLOORS.iter().position(|floor| path.first().is_some_and(|first| floor.contains(&first.as_str())))
}

/// Looks at one crate's floors. Its first file lists them and stands on none.
pub fn floors(modules: &Modules) -> Floors {
    let place = |file: &str| modules.files().find(|(name, _)| *name == file).and_then(|(_, path)| floor_of(path));
    let mut found = Floors::default();
    for (file, path) in modules.files() {
        if !path.is_empty() && floor_of(path).is_none() {
            found.homeless.push(file.to_owned());
        }
    }
    for Arrow { from, line, to } in modules.arrows() {
        // To the first file is upwards too: it stands above them all.
        if let Some(low) = place(&from)
            && place(&to).is_none_or(|high| high > low)
        {
            let name = |floor: usize| FLOORS[floor].join(" and ");
            let above = place(&to).map_or("no floor".into(), name);
            found.upwards.push(format!("{from}:{line} on {} reaches up for {to} on {above}", name(low)));
        }
    }
    found
}

fn collect(folder: &Path, below: &str, files: &mut Files) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else if name.ends_with(".rs") {
            files.insert(name, read(&path));
        }
    }
}

/// The crates of a folder: its library and its programs, each with its own modules.
fn crates_in(member: &str) -> Vec<(String, Modules)> {
    let mut files = Files::new();
    collect(&root().join(member).join("src"), "", &mut files);
    let is_first = |name: &&String| {
        let program = name.strip_prefix("bin/").is_some_and(|rest| !rest.contains('/') || rest.ends_with("/main.rs"));
        ["lib.rs", "main.rs"].contains(&name.as_str()) || program
    };
    let firsts = files.keys().filter(is_first);
    firsts.map(|first| (format!("{member}/src/{first}"), Modules::read(&files, first))).collect()
}

#[test]
fn no_modules_need_each_other_in_a_circle() {
    let (mut modules_read, mut told) = (0, Vec::new());
    for member in members().iter().filter(|member| !member.starts_with("tests")) {
        for (name, modules) in crates_in(member) {
            let arrows = modules.arrows();
            modules_read += modules.files().count();
            for circle in circles(&arrows) {
                told.push((name.clone(), way_round(&arrows, &circle)));
            }
        }
    }
    assert!(modules_read > 100, "the modules were found");
    assert!(
        told.is_empty(),
        "some modules need each other in a circle; of each group the shortest way round is told. Move what both need \
         into a file of its own, below them: {told:#?}"
    );
}

#[test]
fn the_servers_floors_only_reach_downwards() {
    let crates = crates_in(IN_FLOORS);
    let (_, library) = crates.iter().find(|(name, _)| name.ends_with("lib.rs")).expect("the server is a library");
    let found = floors(library);
    assert!(
        found.upwards.is_empty(),
        "some arrows point upwards. Move what is needed down, or let the floor above pass it in. The floors, from the \
         ground up, are {FLOORS:?}: {:#?}",
        found.upwards
    );
    assert!(found.homeless.is_empty(), "some files of the server stand on no floor: {:#?}", found.homeless);
}

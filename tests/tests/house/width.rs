//! A line that does not fit beside another file on a screen is read by nobody.

use super::{files_below, root};
use std::path::Path;

/// Characters of the widest line.
const WIDEST: usize = 120;
/// How many lines are wider still. Neither number may grow, and both are to be 0; whoever breaks some writes the new
/// number.
const STILL_TOO_WIDE_IN_RUST: usize = 0;
const STILL_TOO_WIDE_ELSEWHERE: usize = 53;

/// The numbers of the lines that are too wide. In Markdown a row of a table, a picture and an example cannot be broken.
fn too_wide(name: &str, text: &str) -> Vec<usize> {
    let is_prose = name.ends_with(".md");
    let mut example = false;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        example ^= is_prose && line.trim_start().starts_with("```");
        let unbreakable =
            line.starts_with('|') || line.starts_with("    ") || line.trim_start().starts_with("![") || example;
        if line.chars().count() > WIDEST && !(is_prose && unbreakable) {
            found.push(number);
        }
    }
    found
}

/// What is read by people line by line: sources, prose, and scripts, which begin with their interpreter.
fn is_read(path: &Path, text: &str) -> bool {
    let ends = ["rs", "kt", "swift", "sh", "md"];
    path.extension().map_or(text.starts_with("#!"), |end| ends.iter().any(|one| end == *one))
}

#[test]
fn no_line_is_too_wide() {
    let (mut in_rust, mut elsewhere) = (Vec::new(), Vec::new());
    for path in files_below(root()) {
        // Pictures are not text, and not read.
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        if is_read(&path, &text) {
            let list = if name.ends_with(".rs") { &mut in_rust } else { &mut elsewhere };
            list.extend(too_wide(&name, &text).into_iter().map(|number| format!("{name}:{number}")));
        }
    }
    println!("{} lines in Rust and {} elsewhere are too wide", in_rust.len(), elsewhere.len());
    for (list, most) in [(in_rust, STILL_TOO_WIDE_IN_RUST), (elsewhere, STILL_TOO_WIDE_ELSEWHERE)] {
        let count = list.len();
        assert!(count <= most, "{count} lines are wider than {WIDEST} characters, where {most} were: {list:#?}");
    }
}

#[test]
fn a_wide_line_is_found_and_what_cannot_be_broken_is_not() {
    let wide = "é".repeat(WIDEST + 1);
    assert_eq!(too_wide("a.rs", &format!("short\n{wide}\n")), [2]);
    assert_eq!(too_wide("a.rs", &"é".repeat(WIDEST)), [0; 0]);
    let prose = format!("| {wide} |\n```\n{wide}\n```\n![{wide}](x.png)\n    {wide}\n{wide}\n");
    assert_eq!(too_wide("a.md", &prose), [7]);
}

//! No document leads to a file that is not there.

use super::{read, root, written_below};

/// Where the links and pictures of a document lead, without those to other sites and to places in itself.
fn targets(text: &str) -> Vec<&str> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let paths = ends.map(|(target, _)| target.split_once('#').map_or(target, |(path, _)| path));
    paths.filter(|path| !path.is_empty() && !path.contains(':') && !path.contains(' ')).collect()
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let (mut followed, mut broken) = (0, Vec::new());
    for document in written_below(root(), "md") {
        for target in targets(&read(&document)) {
            followed += 1;
            if !document.with_file_name(target).exists() {
                broken.push(format!("{} leads to {target}", document.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(followed > 20, "the links were found");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn links_are_found_and_addresses_left_out() {
    let text = "[a](a.md), ![b](b/c.svg) [d](e.md#f) [g](#h) [i](https://example.com/j) [Type](k l)";
    assert_eq!(targets(text), ["a.md", "b/c.svg", "e.md"]);
}

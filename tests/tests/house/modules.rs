//! Which module reaches for which. A module is a file, and an arrow goes from the file that names something to the file
//! in which that stands, also when it is named through a re-export. `mod child;` and `pub use child::…` are a table of
//! contents and no arrow.

use super::sources::{Import, Named, Source};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A crate's sources: path below `src`, text.
pub type Files = BTreeMap<String, String>;

/// From one module to another, with the line that says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    pub line: usize,
    pub to: String,
}

#[derive(Debug)]
struct Module {
    path: Vec<String>,
    source: Source,
}

/// The modules of one crate, by file.
#[derive(Debug, Default)]
pub struct Modules {
    files: BTreeMap<String, Module>,
    /// Also the modules that stand inside a file.
    by_path: BTreeMap<Vec<String>, String>,
}

/// A re-export of a re-export is followed so often.
const MOST_STEPS: usize = 16;

impl Modules {
    /// Follows `mod …;` from the crate's first file, such as `lib.rs`. Files that only tests declare are left out.
    ///
    /// # Panics
    /// Where a declared module has no file: then this reader does not understand the crate.
    pub fn read(files: &Files, first: &str) -> Self {
        let mut modules = Self::default();
        let folder = first.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let mut next = vec![(first.to_owned(), folder, Vec::new())];
        while let Some((file, folder, path)) = next.pop() {
            let source = Source::read(&files[&file]);
            for child in &source.children {
                let tried = [format!("{folder}{child}.rs"), format!("{folder}{child}/mod.rs")];
                let found = tried.iter().find(|name| files.contains_key(*name));
                let found = found.unwrap_or_else(|| panic!("{file} declares {child}, which is at none of {tried:?}"));
                let below = [path.as_slice(), std::slice::from_ref(child)].concat();
                next.push((found.clone(), format!("{folder}{child}/"), below));
            }
            for inner in &source.inner {
                modules.by_path.insert([path.as_slice(), inner].concat(), file.clone());
            }
            modules.by_path.insert(path.clone(), file.clone());
            modules.files.insert(file, Module { path, source });
        }
        modules
    }

    /// The files, each with its path in the crate.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.files.iter().map(|(file, module)| (file.as_str(), module.path.as_slice()))
    }

    /// Every arrow, one for each pair of files.
    pub fn arrows(&self) -> Vec<Arrow> {
        let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (file, module) in &self.files {
            let imports = module.source.imports.iter().flat_map(|import| self.brought(module, import));
            let paths = module.source.paths.iter().filter_map(|path| Some((path.line, self.reached(module, path)?)));
            for (line, to) in imports.chain(paths).filter(|(_, to)| to != file) {
                let first = found.entry((file.clone(), to)).or_insert(line);
                *first = line.min(*first);
            }
        }
        found.into_iter().map(|((from, to), line)| Arrow { from, line, to }).collect()
    }

    /// The files to which a `use` goes, each with its line: none where it only lists what stands below.
    fn brought(&self, module: &Module, import: &Import) -> Vec<(usize, String)> {
        let line = import.what.line;
        let below = |to: &String| self.files[to].path.starts_with(&module.path) && *to != self.by_path[&module.path];
        let mut all: Vec<String> = self.reached(module, &import.what).into_iter().collect();
        if import.name == "*"
            && let Some(target) = self.absolute(module, &import.what, true)
            && let Some((list, true)) = self.resolve(&target, MOST_STEPS)
        {
            // Everything that stands in the list there may be meant.
            let passed_on = self.files[&list].source.imports.iter();
            all.extend(passed_on.filter_map(|import| self.reached(&self.files[&list], &import.what)));
            all.push(list);
        }
        all.into_iter().filter(|to| !(import.public && below(to))).map(|to| (line, to)).collect()
    }

    /// The file to which this goes. None where it leaves the crate, and where it is a module itself, which is reached
    /// where something of it is used.
    fn reached(&self, module: &Module, named: &Named) -> Option<String> {
        let (to, is_module) = self.resolve(&self.absolute(module, named, true)?, MOST_STEPS)?;
        (!is_module).then_some(to)
    }

    /// From the crate's root; none for what is another crate's.
    fn absolute(&self, module: &Module, named: &Named, through_imports: bool) -> Option<Vec<String>> {
        let mut base = [module.path.as_slice(), &named.within].concat();
        let mut rest = named.segments.as_slice();
        match rest.first()?.as_str() {
            "crate" => (base, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            first => {
                let is_module_of = |base: &[String]| self.by_path.contains_key(&[base, &[first.to_owned()]].concat());
                if !is_module_of(&base) {
                    let others = module.source.imports.iter().filter(|import| import.what != *named && through_imports);
                    let target = |import: &Import| self.absolute(module, &import.what, false);
                    let all = || others.clone().filter(|import| import.name == "*").filter_map(target);
                    if let Some(import) = others.clone().find(|import| import.name == first) {
                        base = target(import)?;
                        rest = &rest[1..];
                    } else {
                        base = all().find(|target| is_module_of(target))?;
                    }
                }
            }
        }
        Some([base.as_slice(), rest].concat())
    }

    /// The file in which something stands, and whether it is a module itself.
    fn resolve(&self, absolute: &[String], steps: usize) -> Option<(String, bool)> {
        let length = (0..=absolute.len()).rev().find(|length| self.by_path.contains_key(&absolute[..*length]))?;
        let (path, rest) = absolute.split_at(length);
        let file = &self.by_path[path];
        let Some((name, further)) = rest.split_first() else { return Some((file.clone(), true)) };
        let module = &self.files[file];
        if steps > 0 && !module.source.items.contains(name) {
            for import in &module.source.imports {
                let Some(target) = self.absolute(module, &import.what, true) else { continue };
                let onward = if import.name == *name {
                    [target.as_slice(), further].concat()
                } else if import.name == "*" {
                    [target.as_slice(), rest].concat()
                } else {
                    continue;
                };
                if let Some((found, is_module)) = self.resolve(&onward, steps - 1)
                    && (is_module || import.name == *name || self.files[&found].source.items.contains(name))
                {
                    return Some((found, is_module));
                }
            }
        }
        Some((file.clone(), false))
    }
}

/// From each module to those that it reaches in one step, with the arrow that says so.
fn steps(arrows: &[Arrow]) -> BTreeMap<&str, Vec<&Arrow>> {
    let mut steps: BTreeMap<&str, Vec<&Arrow>> = BTreeMap::new();
    for arrow in arrows {
        steps.entry(&arrow.from).or_default().push(arrow);
    }
    steps
}

/// Everything that can be reached from `start`, each with the last arrow of a shortest way there.
fn reached_from<'a>(start: &'a str, steps: &BTreeMap<&'a str, Vec<&'a Arrow>>) -> BTreeMap<&'a str, &'a Arrow> {
    let (mut reached, mut next) = (BTreeMap::new(), VecDeque::from([start]));
    while let Some(from) = next.pop_front() {
        for arrow in steps.get(from).into_iter().flatten() {
            if let Entry::Vacant(place) = reached.entry(arrow.to.as_str()) {
                place.insert(*arrow);
                next.push_back(&arrow.to);
            }
        }
    }
    reached
}

/// The groups of modules in which each reaches every other; a module alone is none.
pub fn circles(arrows: &[Arrow]) -> Vec<BTreeSet<String>> {
    let steps = steps(arrows);
    let reached: BTreeMap<&str, _> = steps.keys().map(|start| (*start, reached_from(start, &steps))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for (start, onward) in &reached {
        let back = |other: &&&str| reached.get(**other).is_some_and(|from_there| from_there.contains_key(start));
        let circle: BTreeSet<String> = onward.keys().filter(back).map(|name| (*name).to_owned()).collect();
        if !circle.is_empty() && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

/// The shortest way round in a circle, arrow by arrow, to be read.
pub fn way_round(arrows: &[Arrow], circle: &BTreeSet<String>) -> Vec<String> {
    let steps = steps(arrows);
    let ways = circle.iter().map(|start| {
        let reached = reached_from(start, &steps);
        let mut way = vec![reached[start.as_str()]];
        while way[0].from != *start {
            way.insert(0, reached[way[0].from.as_str()]);
        }
        way
    });
    let shortest = ways.min_by_key(Vec::len).unwrap_or_default();
    shortest.iter().map(|arrow| format!("{}:{} reaches for {}", arrow.from, arrow.line, arrow.to)).collect()
}

//! What lies in a folder, and in those below it: to say that nothing was changed there, or to copy it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every file in a folder and below it, by its path from there; none where there is no folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(below) = left.pop() {
        for entry in std::fs::read_dir(folder.join(&below)).into_iter().flatten().map(Result::unwrap) {
            let path = below.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Every file in a folder and below it, and what is in it.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().map(|path| (path.clone(), std::fs::read(folder.join(path)).unwrap())).collect()
}

/// Copies a folder to a new one, with all that is below it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for path in files(from) {
        std::fs::create_dir_all(to.join(&path).parent().unwrap()).unwrap();
        std::fs::copy(from.join(&path), to.join(&path)).unwrap();
    }
}

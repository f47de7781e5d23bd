//! Who else may read a file that holds a key.

use std::path::Path;

/// Refuses a key file that others than the server's user can read or write. A group may read it where the file is
/// root's: so secrets come from Kubernetes (`fsGroup`) and from other keepers of secrets, and a user of the group
/// cannot widen it. A file that is not there is nobody's to read.
///
/// # Errors
/// A sentence with the command that mends it.
#[cfg(unix)]
pub fn check(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let Ok(file) = std::fs::metadata(path) else { return Ok(()) };
    if is_only_for_us(file.uid(), file.mode()) {
        return Ok(());
    }
    Err(format!(
        "{0} can be used by others than the user that runs this server (its mode is {1:04o}): chmod 600 {0}. A secret \
         that is mounted into a container needs mode 0400, or 0440 with root as its owner",
        path.display(),
        file.mode() & 0o7777
    ))
}

#[cfg(unix)]
const fn is_only_for_us(owner: u32, mode: u32) -> bool {
    const ROOT: u32 = 0;
    let group_may = if owner == ROOT { 0o040 } else { 0 };
    mode & 0o077 & !group_may == 0
}

/// Other systems tell who may read a file in other ways, which are not looked at.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn check(_: &Path) -> Result<(), String> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_for_the_servers_user_or_for_a_group_that_root_chose() {
        for (owner, mode, right) in [
            (1000, 0o600, true),
            (1000, 0o400, true),
            (1000, 0o640, false),
            (1000, 0o604, false),
            (0, 0o440, true),
            (0, 0o640, true),
            (0, 0o460, false),
            (0, 0o444, false),
            (0, 0o644, false),
        ] {
            assert_eq!(is_only_for_us(owner, mode), right, "{owner} {mode:o}");
        }
    }
}

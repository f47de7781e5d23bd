//! The Debian package, made of the binary that is tested.

use countersign_tests::program::{binary, run};
use std::path::{Path, PathBuf};
use tokio::process::Command;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What has to be there, by path.
const FILES: [&str; 11] = [
    "lib/systemd/system/countersign.service",
    "usr/bin/countersign",
    "usr/share/bash-completion/completions/countersign",
    "usr/share/doc/countersign/README.md",
    "usr/share/doc/countersign/changelog.gz",
    "usr/share/doc/countersign/copyright",
    "usr/share/fish/vendor_completions.d/countersign.fish",
    "usr/share/man/man1/countersign.1.gz",
    "usr/share/man/man1/countersign-admin-key-rotate.1.gz",
    "usr/share/man/man1/countersign-serve.1.gz",
    "usr/share/zsh/vendor-completions/_countersign",
];

/// Runs a program that has to succeed, and gives what it prints.
async fn output(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    // Packing well takes most of the time, and shows nothing.
    command.args(arguments).env("DPKG_DEB_COMPRESSOR_TYPE", "none").env("LC_ALL", "C");
    run(command).await.expect(0).out
}

#[tokio::test]
async fn the_debian_package_has_all_that_a_server_needs_and_its_scripts_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let (out, root) = (folder.path().join("out"), folder.path().join("root"));
    let (out, root_text) = (out.to_str().unwrap(), root.to_str().unwrap());
    let built = binary();
    let made = output(source().join("packaging/deb"), &["--binary", built.to_str().unwrap(), "--out", out]).await;
    let package = made.lines().last().unwrap();
    output("dpkg-deb", &["--raw-extract", package, root_text]).await;
    for file in FILES {
        assert!(root.join(file).is_file(), "{file} is in the package");
    }

    let unit = std::fs::read_to_string(root.join(FILES[0])).unwrap();
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/")).expect("the unit starts something");
    let mut words = start.split(' ');
    assert_eq!(words.next(), Some("usr/bin/countersign"));
    let version = output(root.join("usr/bin/countersign"), &["--version"]).await;
    let control = std::fs::read_to_string(root.join("DEBIAN/control")).unwrap();
    let packaged = control.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap();
    assert_eq!(version.trim(), format!("countersign {packaged}"));
    assert!(control.contains("libc6 (>="), "{control}");
    for script in ["postinst", "prerm", "postrm"] {
        output("sh", &["-n", root.join("DEBIAN").join(script).to_str().unwrap()]).await;
    }
    // What the package does not know is made by `init`: no key lies in a package.
    let listed = output("dpkg-deb", &["--contents", package]).await;
    assert!(!listed.contains(".key") && !listed.contains("./etc/"), "{listed}");
    let owned_by_others: Vec<&str> = listed.lines().filter(|line| !line.contains(" root/root ")).collect();
    assert!(owned_by_others.is_empty(), "{owned_by_others:?}");
}

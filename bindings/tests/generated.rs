//! The generator writes both languages from the library that this test was built with.

#![cfg(test)]

use std::process::Command;

#[test]
fn kotlin_and_swift_have_the_authenticator() {
    let this_test = std::env::current_exe().unwrap();
    let library = this_test.with_file_name(format!("libcountersign_bindings{}", std::env::consts::DLL_SUFFIX));
    let directory = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_uniffi-bindgen"))
        .arg("generate")
        .arg(&library)
        .args(["--config", concat!(env!("CARGO_MANIFEST_DIR"), "/uniffi.toml")])
        .args(["--language", "kotlin", "--language", "swift", "--no-format", "--out-dir"])
        .arg(directory.path())
        .status()
        .unwrap();
    assert!(status.success(), "from {}", library.display());

    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    for (file, parts) in [
        (
            "io/github/countersign/countersign.kt",
            [
                "package io.github.countersign\n",
                "open class Authenticator",
                "suspend fun `enrol`(`link`: kotlin.String, `deviceName`: kotlin.String): Account",
                "suspend fun `code`(`accountId`: kotlin.String): OneTimeCode",
                "suspend fun `receive`(`push`: kotlin.ByteArray): Received",
                "fun `openPush`(`push`: kotlin.ByteArray): OpenedPush",
                "interface Transport",
                "QUESTION_THIS_WAS_NOT_ME,",
            ],
        ),
        (
            "Countersign.swift",
            [
                "import CountersignFFI",
                "open class Authenticator",
                "func enrol(link: String, deviceName: String) async throws  -> Account",
                "func code(accountId: String) async throws  -> OneTimeCode",
                "func receive(push: Data) async throws  -> Received",
                "func openPush(push: Data) throws  -> OpenedPush",
                "protocol Transport",
                "case questionThisWasNotMe\n",
            ],
        ),
    ] {
        let source = read(file);
        for part in parts {
            assert!(source.contains(part), "{file} has {part:?}");
        }
    }
    assert!(read("CountersignFFI.modulemap").contains("CountersignFFI.h"));
}

//! The simulator as a program: it says how to configure a server for it, and prints a line for each push.

use crate::scene::registration;
use countersign_tests::phone::Phone;
use countersign_tests::program::{self, Program};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let next = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await;
    next.expect("a line comes").unwrap().expect("it goes on")
}

#[tokio::test]
async fn a_server_with_the_configuration_that_it_prints_pushes_to_it() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_push-simulator"));
    command.args(["apns", "--port", "0"]).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut simulator = command.spawn().unwrap();
    let mut lines = BufReader::new(simulator.stdout.take().unwrap()).lines();
    assert!(line(&mut lines).await.starts_with("Listening on https://127.0.0.1:"));
    assert!(line(&mut lines).await.starts_with("Certificate authority: /"));
    let mut section = String::new();
    while !section.ends_with("allow_private = true\n") {
        section = format!("{section}{}\n", line(&mut lines).await);
    }
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("countersign.toml");
    std::fs::write(&file, section).unwrap();
    program::init(data.path()).await;
    let mut serve = program::serve_command(data.path());
    serve.arg("--config").arg(&file);
    let server = Program::start(serve).await;
    let site = program::relying_party(data.path(), &server.url).await;
    let user = site.user("maya").await;
    let phone = Phone::new();
    let id = phone.enrol(&site, &user).await;
    phone.core.register_push(id, &[registration()]).await.unwrap();
    site.ask(&user).await;
    assert_eq!(line(&mut lines).await, "");
    let taken = line(&mut lines).await;
    assert!(taken.starts_with("200 alert 3707 bytes, connection 1, device 00fc13ad"), "{taken}");
}

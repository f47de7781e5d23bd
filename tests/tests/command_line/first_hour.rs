//! README's six commands, from the binary to the first login behind TLS, run as they stand there.

use countersign_tests::program::{binary, command, run, terminate};
use countersign_tests::tls::Authority;
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The commands of the README, each on one line.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let (_, rest) = readme.split_once("**Six commands**").expect("the README has them");
    let block = rest.lines().skip_while(|line| !line.starts_with("    ")).take_while(|line| line.starts_with("    "));
    let block: Vec<&str> = block.map(str::trim).collect();
    block.join("\n").replace("\\\n", "").lines().map(str::to_owned).collect()
}

/// A shell in a folder of its own, in which a certificate for this address lies.
struct Shell {
    folder: TempDir,
    address: String,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        authority.write(folder.path());
        let (chain, key) = authority.issue(&["localhost"], false);
        std::fs::write(folder.path().join("fullchain.pem"), chain).unwrap();
        std::fs::write(folder.path().join("privkey.pem"), key).unwrap();
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        Self { folder, address: format!("localhost:{}", free.local_addr().unwrap().port()) }
    }

    fn prepare(&self, mut command: Command) -> Command {
        command.current_dir(self.folder.path()).env("HOME", self.folder.path());
        command.env("SSL_CERT_FILE", self.folder.path().join("authority.pem"));
        command.env("COUNTERSIGN_LISTEN", self.address.replace("localhost", "127.0.0.1"));
        command
    }

    /// A line as somebody types it, with what was printed before put in its places.
    fn typed(&self, line: &str, places: &[(&str, &str)]) -> Command {
        let line = places.iter().fold(line.to_owned(), |line, (place, value)| line.replace(place, value));
        let line = line.replace("login.example", &self.address);
        assert!(!line.contains('…'), "{line}: everything is filled in");
        let mut shell = Command::new("bash");
        let path = format!("{}:/usr/bin:/bin", binary().parent().unwrap().display());
        // What is started is the shell itself from then on, so that a signal reaches it.
        let words = line.split_once("countersign ").unwrap();
        shell.args(["-c", &format!("{}exec countersign {}", words.0, words.1)]).env_clear().env("PATH", path);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        self.prepare(shell)
    }
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>, holds: &str) -> String {
    loop {
        let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("nothing that holds {holds}"));
        if line.contains(holds) {
            return line;
        }
    }
}

fn lines(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

fn word(text: &str, starts: &str) -> String {
    let word = text.split_whitespace().find(|word| word.trim_matches('\'').starts_with(starts));
    word.unwrap_or_else(|| panic!("{text}: {starts}")).trim_matches('\'').to_owned()
}

async fn printed(mut child: Child) -> String {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).await.unwrap();
    assert!(child.wait().await.unwrap().success(), "{text}");
    text
}

#[tokio::test]
async fn six_commands_lead_from_the_binary_to_the_first_login_behind_tls() {
    let commands = commands();
    let [init, serve, try_enrol, phone_enrol, try_login, approve] = &commands[..] else {
        panic!("six commands: {commands:?}");
    };
    let shell = Shell::new();
    let made = printed(shell.typed(init, &[]).spawn().unwrap()).await;
    let api_key = word(&made, "csk_");

    let mut server = shell.typed(serve, &[]).spawn().unwrap();
    let mut server_lines = lines(&mut server);
    line(&mut server_lines, "Listening on https://").await;

    let mut enrolling = shell.typed(try_enrol, &[("csk_…", &api_key)]).spawn().unwrap();
    let mut enrolling_lines = lines(&mut enrolling);
    let link = word(&line(&mut enrolling_lines, "#t=").await, "https://");
    let (_, fragment) = link.split_once("#").unwrap();
    let phone = printed(shell.typed(phone_enrol, &[("t=…&k=…", fragment)]).spawn().unwrap()).await;
    let digits: String = phone.rsplit(':').next().unwrap().chars().filter(char::is_ascii_digit).collect();
    enrolling.stdin.take().unwrap().write_all(format!("{digits}\n").as_bytes()).await.unwrap();
    line(&mut enrolling_lines, "answers for maya").await;
    assert!(enrolling.wait().await.unwrap().success());

    let mut login = shell.typed(try_login, &[("csk_…", &api_key)]).spawn().unwrap();
    let mut login_lines = lines(&mut login);
    line(&mut login_lines, "maya is asked").await;
    let listed = run(shell.prepare(command(&["phone", "list", "--json"]))).await.expect(0).json();
    let id = listed["pending"][0]["id"].as_str().unwrap_or_else(|| panic!("{listed}"));
    let answered = printed(shell.typed(approve, &[("ID", id)]).spawn().unwrap()).await;
    assert!(answered.contains("Approved"), "{answered}");
    line(&mut login_lines, "maya said YES").await;
    assert!(login.wait().await.unwrap().success());
    assert!(Path::new(&shell.folder.path().join("countersign.toml")).is_file());
    terminate(server.id().unwrap());
    assert!(server.wait().await.unwrap().success());
}

//! How honest people fare while somebody floods the server: a server of its own, logins and enrolments in quiet, and
//! then beside each flood. The flood is a process of its own too, with the lowest priority, so that what is measured is
//! the server's share and not the machine's.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made is to stop with the reason")]
#![expect(clippy::print_stdout, reason = "it is a program, and this is how it speaks")]

mod honest;
mod kinds;
mod picture;
mod report;

use clap::Parser;
use countersign_tests::http::RelyingParty;
use countersign_tests::program::{self, Program};
use honest::{People, Times};
use kinds::{Kind, Target};
use report::{Measured, Stage};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// How much memory a server may take beside what it had, for what no connection explains.
const SLACK_KB: u64 = 128 * 1024;
/// How much memory one connection may take: a whole head, a whole body, and what answers it.
const CONNECTION_KB: u64 = 192;
/// How often the server's memory is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// Floods a server of its own, and measures honest logins and enrolments beside each flood
///
/// Prints p50 and p99 of both in quiet and beside each flood, how many times the quiet figure of the same run that is,
/// and the server's memory. Both figures of a line come from one machine in one minute: compare them with each other,
/// and not with another machine's. The exit code is 1 when a login failed or the memory grew past what the connections
/// explain; speed alone fails nothing.
///
/// It starts the `countersign` that lies beside it: build that first, and measure with `--release`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example: cargo run --release -p countersign-tests --bin flood -- --seconds 10 --picture floods.svg"
)]
struct Arguments {
    /// Only these floods; without any, all
    #[arg(value_enum)]
    floods: Vec<Kind>,
    /// How long each stage lasts
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// How many connections each flood has
    #[arg(long, default_value_t = 400)]
    connections: usize,
    /// How many honest people sign in beside it, over and over with a short rest
    #[arg(long, default_value_t = 4)]
    people: usize,
    /// A setting of the server, as in its environment: COUNTERSIGN_LIMITS__TURNS_PER_RELYING_PARTY=1000
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Draw the result into this SVG file
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Be the flood: how this program starts itself
    #[arg(long, hide = true)]
    generate: bool,
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch is what a measurement is")]
/// The present of a stopwatch.
pub fn stopwatch() -> Instant {
    Instant::now()
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.generate {
        return kinds::generate().await;
    }
    let measured = measure(&arguments).await;
    if arguments.json {
        println!("{:#}", measured.json());
    } else {
        println!("{measured}");
    }
    if let Some(path) = &arguments.picture {
        std::fs::write(path, picture::draw(&measured)).unwrap();
    }
    if measured.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn measure(arguments: &Arguments) -> Measured {
    let data = tempfile::tempdir().unwrap();
    program::init(data.path()).await;
    let mut serve = program::serve_command(data.path());
    serve.envs(arguments.set.iter().map(|setting| setting.split_once('=').unwrap_or((setting, ""))));
    let server = Program::start(serve).await;
    let site = program::relying_party(data.path(), &server.url).await;
    let mut people = People::enrol(&site, arguments.people).await;
    let target = target(data.path(), &server.url).await;
    let duration = Duration::from_secs(arguments.seconds);

    // What is done for the first time, such as a statement that is prepared, is nobody's flood.
    people.sign_in(duration / 4).await;
    let quiet = stage("quiet", &mut people, &server, duration, 0).await;
    let mut stages = Vec::new();
    let floods = if arguments.floods.is_empty() { Kind::ALL.to_vec() } else { arguments.floods.clone() };
    for kind in floods {
        let flood = Flood::start(kind, &target, arguments.connections).await;
        let mut measured = stage(kind.name(), &mut people, &server, duration, arguments.connections).await;
        measured.answers = flood.stop().await;
        stages.push(measured);
    }
    assert!(server.stop().await.success(), "the server stops as it should");
    Measured { connections: arguments.connections, seconds: arguments.seconds, quiet, stages }
}

/// What floods aim at: another relying party of the same organisation, with people of its own.
async fn target(data: &Path, url: &str) -> Target {
    let made = program::admin(data, &["relying-party", "create", "--organisation", "Meridian", "Careless"]).await;
    let api_key = made["api_key"].as_str().unwrap().to_owned();
    let careless = RelyingParty::new(url, &api_key);
    let mut users = Vec::new();
    for number in 0..40 {
        let user = careless.user(&format!("customer {number}")).await;
        countersign_tests::handmade::HandmadeDevice::enrol(&careless, &user).await;
        users.push(user);
    }
    let asked = careless.ask_for(&users[0], json!({ "expires_in": 600 })).await;
    let challenge = asked.body["id"].as_str().unwrap().to_owned();
    Target { url: url.to_owned(), api_key, users, challenge }
}

/// Lets the people sign in for so long, and looks at the server's memory meanwhile.
async fn stage(
    name: &'static str,
    people: &mut People,
    server: &Program,
    length: Duration,
    connections: usize,
) -> Stage {
    let before = resident_kb(server.id());
    let mut most = before;
    let times: Times = {
        let signing_in = people.sign_in(length);
        tokio::pin!(signing_in);
        loop {
            tokio::select! {
                times = &mut signing_in => break times,
                () = tokio::time::sleep(GLANCE) => most = most.max(resident_kb(server.id())),
            }
        }
    };
    let after = resident_kb(server.id());
    let allowed = SLACK_KB + CONNECTION_KB * connections as u64;
    Stage { name, times, before, most: most.max(after), after, allowed, answers: serde_json::Value::Null }
}

/// The memory of a process that is its own, in KB; 0 where the system does not say.
fn resident_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// A flood that runs.
struct Flood {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Flood {
    async fn start(kind: Kind, target: &Target, connections: usize) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(this).args([
            "--generate",
            "--connections",
            &connections.to_string(),
            kind.name(),
        ]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut said = serde_json::to_vec(&target).unwrap();
        said.push(b'\n');
        child.stdin.as_mut().unwrap().write_all(&said).await.unwrap();
        let mut says = BufReader::new(child.stdout.take().unwrap());
        let mut begun = String::new();
        says.read_line(&mut begun).await.unwrap();
        assert_eq!(begun, "begun\n", "the flood begins");
        Self { child, says }
    }

    /// Ends it, and gives how often it was answered what.
    async fn stop(mut self) -> serde_json::Value {
        // It ends when nobody speaks to it any more.
        drop(self.child.stdin.take());
        let mut said = Vec::new();
        self.says.read_to_end(&mut said).await.unwrap();
        self.child.wait().await.unwrap();
        serde_json::from_slice(&said).unwrap()
    }
}

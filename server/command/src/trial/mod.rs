//! `countersign try`: a relying party in this terminal, which knows the server over its HTTP API as anybody's does.

mod site;

use crate::failure::Failure;
use crate::serve::{API_KEY_VARIABLE, ConfigFile};
use crate::terminal::{self, visible};
use clap::{Args, Subcommand};
use countersign_protocol::relying_party_api::{
    Challenge, ChallengeRequest, ChallengeState, ConfirmationRequest, Enrolment, EnrolmentStage, Method, NewEnrolment,
    PolicyMode, PolicyRequest, User, UserRequest,
};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde_json::{Value, json};
use site::{Call, Site};
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

/// How long one request waits, in seconds. Proxies cut a request that is answered later, commonly after 30, 50 or 60.
const WAIT: u32 = 25;

/// Be a relying party in this terminal.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    configuration: ConfigFile,
    /// The address of the server, such as https://login.example [default: public_url of the configuration]
    #[arg(long, value_name = "URL", global = true)]
    server: Option<String>,
    /// The relying party's API key, as `init` and `admin relying-party create` print it. Better in the environment than
    /// here, where other users of this machine see it
    #[arg(long, value_name = "KEY", global = true, env = API_KEY_VARIABLE, hide_env_values = true)]
    api_key: Option<String>,
    /// A PEM file with one more certificate authority to trust
    #[arg(long, value_name = "FILE", global = true)]
    root: Vec<PathBuf>,
    /// Print JSON: one object at the end
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Enrol a person's phone: show the link, wait for the phone, and take the six digits that it shows
    #[command(alias = "enroll")]
    Enrol {
        /// The name under which the person signs in
        name: String,
    },
    /// Sign a person in: ask the phone, and take the answer
    Login {
        /// The name under which the person signs in
        name: String,
        /// Show a number that is typed on the phone
        #[arg(long)]
        number: bool,
        /// A sentence that the phone shows, such as what is being paid
        #[arg(long, value_name = "TEXT")]
        message: Option<String>,
    },
}

/// Runs one command.
///
/// # Errors
/// What to tell the person, with the exit code: 3 when the answer is not YES.
pub async fn run(options: Options) -> Result<(), Failure> {
    let usage = |message: &str| Failure { exit_code: 2, message: message.into() };
    let api_key = options.api_key.as_deref().ok_or_else(|| {
        usage(&format!(
            "the API key is missing. Say it in {API_KEY_VARIABLE}; a lost one is replaced with: {}",
            options.configuration.command("admin relying-party rotate ID")
        ))
    })?;
    let server = match &options.server {
        Some(server) => server.clone(),
        None => {
            let config = options.configuration.load()?;
            config.public_url_at(config.listen)?
        }
    };
    let site = Site::new(server.trim_end_matches('/'), api_key, &options.root)?;
    let shown = Shown { json: options.json };
    match options.command {
        Command::Enrol { name } => enrol(&site, shown, name).await,
        Command::Login { name, number, message } => login(&site, shown, name, number, message).await,
    }
}

/// What the person sees meanwhile, and at the end.
#[derive(Debug, Clone, Copy)]
struct Shown {
    json: bool,
}

impl Shown {
    /// For people on standard output; beside JSON, which is alone there, on standard error.
    fn line(self, text: &str) -> Result<(), Failure> {
        let printed =
            if self.json { terminal::print(std::io::stderr(), text) } else { terminal::print(std::io::stdout(), text) };
        Ok(printed?)
    }

    fn end(self, text: &str, value: &Value) -> Result<(), Failure> {
        let text = if self.json { terminal::pretty_json(value) } else { text.to_owned() };
        Ok(terminal::print(std::io::stdout(), &text)?)
    }
}

async fn enrol(site: &Site<'_>, shown: Shown, name: String) -> Result<(), Failure> {
    let user = person(site, name).await?;
    let new: NewEnrolment = site.call(Call::post(format!("/v1/users/{}/enrolments", user.id))).await?;
    if std::io::stdout().is_terminal() && !shown.json {
        shown.line(&qr_code(&new.link))?;
    }
    shown.line(&format!("Scan the code, or paste the link into the app or: countersign phone enrol '{}'", new.link))?;
    let mut enrolment = enrolment(site, &new).await?;
    while enrolment.state == EnrolmentStage::Open {
        enrolment = self::enrolment(site, &new).await?;
    }
    if enrolment.state == EnrolmentStage::Proposed {
        let device = visible(enrolment.device_name.as_deref().unwrap_or("A phone"));
        shown.line(&format!("{device} is there. Type the six digits that it shows:"))?;
        let code = typed_line()?;
        let path = format!("/v1/enrolments/{}/confirm", new.id);
        enrolment = site.call(Call::post(path).body(&ConfirmationRequest { code })).await?;
    }
    if enrolment.state != EnrolmentStage::Confirmed {
        return Err(refused("the link is not used any more. Begin again with the same command"));
    }
    let told = format!("The phone answers for {} from now on. Ask it with: countersign try login", visible(&user.name));
    shown.end(&told, &json!({ "user_id": user.id, "enrolment_id": enrolment.id, "state": enrolment.state }))
}

async fn login(
    site: &Site<'_>,
    shown: Shown,
    name: String,
    number: bool,
    message: Option<String>,
) -> Result<(), Failure> {
    let user = person(site, name).await?;
    let request = ChallengeRequest {
        user_id: user.id,
        policy: number.then_some(PolicyRequest { mode: PolicyMode::Number, digits: None }),
        binding_message: message,
        details: None,
        context: None,
        methods: Some(vec![Method::Push]),
        attempt: None,
        expires_in: None,
    };
    let mut asked: Challenge = site.call(Call::post("/v1/challenges".into()).body(&request).once()).await?;
    let mut told = None;
    while asked.state == ChallengeState::Pending {
        if told.as_ref() != Some(&asked.number) {
            let what = match &asked.number {
                Some(number) => format!("{} is asked. The number to type there: {number}", visible(&user.name)),
                None => format!("{} is asked: YES or NO?", visible(&user.name)),
            };
            shown.line(&what)?;
            told = Some(asked.number.clone());
        }
        let form = if asked.number.is_some() { "number" } else { "tap" };
        asked = site.call(Call::get(format!("/v1/challenges/{}?wait={WAIT}&shown={form}", asked.id))).await?;
    }
    if asked.state == ChallengeState::Approved {
        asked = site.call(Call::post(format!("/v1/challenges/{}/claim", asked.id)).once()).await?;
    }
    if asked.state == ChallengeState::Claimed {
        let told = format!("{} said YES, and is signed in.", visible(&user.name));
        return shown.end(&told, &json!({ "state": asked.state, "amr": asked.amr, "receipt": asked.receipt }));
    }
    if shown.json {
        shown.end("", &json!({ "state": asked.state }))?;
    }
    Err(refused(match asked.state {
        ChallengeState::Denied => "the answer is NO: nobody is signed in",
        ChallengeState::Reported => "the answer is: this was not me. Nobody is signed in",
        ChallengeState::Expired => "no answer came in time. Nobody is signed in; ask again with the same command",
        _ => "the question was taken back: nobody is signed in",
    }))
}

fn refused(message: &str) -> Failure {
    Failure { exit_code: 3, message: message.into() }
}

async fn person(site: &Site<'_>, name: String) -> Result<User, Failure> {
    site.call(Call::post("/v1/users".into()).body(&UserRequest { name })).await
}

async fn enrolment(site: &Site<'_>, new: &NewEnrolment) -> Result<Enrolment, Failure> {
    site.call(Call::get(format!("/v1/enrolments/{}?wait={WAIT}", new.id))).await
}

fn typed_line() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// The code in half blocks; nothing where the link does not fit into one, since it stands below in words.
fn qr_code(link: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(link, EcLevel::L) else { return String::new() };
    // Terminals are dark more often than not: the light modules are the ones that are drawn.
    code.render::<Dense1x2>().dark_color(Dense1x2::Dark).light_color(Dense1x2::Light).build()
}

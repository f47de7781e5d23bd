//! A phone of a scenario: the core, and the platform that the table scripts.

use crate::platform::{KeysBehave, ScriptedRegistrar, ScriptedVault, VaultBehaves, WrongClock};
use crate::shown;
use countersign_desktop::ReqwestTransport;
use countersign_device::{Authenticator, Error, Keyring, Platform};
use countersign_protocol::Refusal;
use countersign_protocol::key::KeyError;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::Clock;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a process is told that receives a push and waits for its end: the folder, and the push in base64url.
const RECEIVES: [&str; 2] = ["SCENARIO_STORE", "SCENARIO_PUSH"];

/// A phone.
pub struct Phone {
    folder: PathBuf,
    vault: Arc<ScriptedVault>,
    clock: Arc<WrongClock>,
    registrar: Arc<ScriptedRegistrar>,
    open: Option<Authenticator>,
}

impl Phone {
    /// A phone whose store is `folder/name`.
    pub fn new(folder: &Path, name: &str) -> Self {
        Self::of_store(folder.join(name))
    }

    fn of_store(folder: PathBuf) -> Self {
        let vault = Arc::new(ScriptedVault::new(&folder.with_extension("vault")));
        Self { folder, vault, clock: Arc::default(), registrar: Arc::default(), open: None }
    }

    fn opened(&self) -> Result<Authenticator, Error> {
        let platform = Platform {
            vault: self.vault.clone(),
            transport: Arc::new(ReqwestTransport::new().unwrap()),
            clock: self.clock.clone(),
            randomness: Arc::new(SystemRandomness::new()),
            push: Some(self.registrar.clone()),
        };
        Authenticator::open(&self.folder, platform)
    }

    /// Does one step.
    pub async fn act(&mut self, step: &Value) -> Value {
        match self.done(step).await {
            Ok(gave) => gave,
            Err(error) => shown::error(&error),
        }
    }

    async fn done(&mut self, step: &Value) -> Result<Value, Error> {
        let verb = step["does"].as_str().unwrap();
        match verb {
            "open" => {
                *self.vault.hardware.lock().unwrap() = step["keys"] == "hardware";
                self.open = Some(self.opened()?);
            }
            "close" => drop(self.open.take()),
            "vault" => *self.vault.vault.lock().unwrap() = vault_behaviour(&step["behaves"]),
            "keys" => *self.vault.keys.lock().unwrap() = key_behaviour(&step["behave"]),
            "clock" => self.clock.0.store(step["ahead"].as_i64().unwrap(), Ordering::SeqCst),
            "registrar" => {
                *self.registrar.0.lock().unwrap() = serde_json::from_value(step["registrations"].clone()).unwrap();
            }
            "receive_and_die" => return Ok(self.receive_in_another_process(step)),
            "notification" => {
                let opened = Keyring::open(&self.folder, &*self.vault)?.open_push(&push(step)?, self.clock.now())?;
                return Ok(shown::notification(&opened));
            }
            _ => return self.asked(verb, step).await,
        }
        Ok(json!({}))
    }

    /// What the core does.
    async fn asked(&self, verb: &str, step: &Value) -> Result<Value, Error> {
        let core = self.open.as_ref().expect("the phone is open");
        let text = |name: &str| step[name].as_str().unwrap_or_else(|| panic!("{name} is missing in {step}"));
        let list = |values: Vec<Value>| Ok(Value::Array(values));
        match verb {
            "enrol" => Ok(shown::account(&core.enrol(text("link"), text("device_name")).await?)),
            "accounts" => list(core.accounts()?.iter().map(shown::account).collect()),
            "pull" => {
                let wait = step["wait"].as_u64().unwrap_or(0).try_into().unwrap();
                Ok(shown::pulled(&core.pull(id(text("account"))?, wait).await?))
            }
            "receive" => Ok(shown::received(core.receive(&push(step)?)?)),
            "pending" => list(core.pending()?.iter().map(shown::prompt).collect()),
            "approve" => {
                let outcome = core.approve(id(text("challenge"))?, step["number"].as_str()).await?;
                Ok(outcome.as_str().into())
            }
            "deny" => Ok(core.deny(id(text("challenge"))?).await?.as_str().into()),
            "report" => Ok(core.report(id(text("challenge"))?).await?.as_str().into()),
            "history" => list(core.history(100)?.iter().map(shown::past).collect()),
            "code" => {
                let code = core.code(id(text("account"))?)?;
                Ok(json!({ "code": code.code, "seconds_left": code.seconds_left, "next": code.next }))
            }
            "open_link" => Ok(json!(core.open_link(text("link")).await?)),
            "devices" => {
                let devices = core.devices(id(text("account"))?).await?.devices;
                let device = |device: &countersign_protocol::device_api::Device| {
                    json!({
                        "id": device.id, "name": device.name, "state": shown::enrolment_state(device.state),
                        "this_device": device.this_device,
                    })
                };
                list(devices.iter().map(device).collect())
            }
            "register_push" => {
                let registrations: Vec<_> = serde_json::from_value(step["registrations"].clone()).unwrap();
                core.register_push(id(text("account"))?, &registrations).await?;
                Ok(json!({}))
            }
            "remove" => core.remove(id(text("account"))?).await.map(|()| json!({})),
            "forget" => core.forget(id(text("account"))?).map(|()| json!({})),
            other => panic!("a phone does not {other}"),
        }
    }

    fn receive_in_another_process(&self, step: &Value) -> Value {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(RECEIVES[0], &self.folder).env(RECEIVES[1], step["push"].as_str().unwrap());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }
}

/// In a process that was told to: receives a push, says what came of it, and waits to be killed.
pub fn receive_when_told() -> Option<ExitCode> {
    let [store, push] = RECEIVES.map(|name| std::env::var(name).ok());
    let (phone, push) = (Phone::of_store(store?.into()), push?);
    let message = BASE64URL_NOPAD.decode(push.as_bytes()).unwrap();
    let received = phone.opened().and_then(|core| core.receive(&message));
    #[expect(clippy::print_stdout, reason = "this is how it tells the process that kills it")]
    {
        println!("{}", received.map_or_else(|error| shown::error(&error), shown::received));
    }
    // Its end comes from outside.
    std::io::stdin().lines().for_each(drop);
    Some(ExitCode::FAILURE)
}

fn id<T: FromStr<Err = Refusal>>(text: &str) -> Result<T, Error> {
    Ok(text.parse()?)
}

fn push(step: &Value) -> Result<Vec<u8>, Error> {
    let push = step["push"].as_str().unwrap_or_else(|| panic!("push is missing in {step}"));
    Ok(BASE64URL_NOPAD.decode(push.as_bytes()).unwrap())
}

fn vault_behaviour(word: &Value) -> VaultBehaves {
    match word.as_str().unwrap() {
        "well" => VaultBehaves::Well,
        "locked" => VaultBehaves::Locked,
        "unreadable" => VaultBehaves::Unreadable,
        "another" => VaultBehaves::Another,
        other => panic!("a vault does not behave {other}"),
    }
}

fn key_behaviour(word: &Value) -> KeysBehave {
    match word.as_str().unwrap() {
        "well" => KeysBehave::Well,
        "not_confirmed" => KeysBehave::Fail(KeyError::NotConfirmed),
        "invalidated" => KeysBehave::Fail(KeyError::Invalidated),
        "unavailable" => KeysBehave::Fail(KeyError::Unavailable),
        other => panic!("keys do not behave {other}"),
    }
}

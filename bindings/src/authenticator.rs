//! The one object: a device that answers for its owner.

use crate::convert::{self, into_list};
use crate::error::AuthenticatorError;
use crate::foreign_codes::{CodeFile, ForeignCode, FoundCodes};
use crate::platform::{Clock, KeyVault, PushRegistrar, Transport};
use crate::records::{Account, Device, OneTimeCode, Outcome, Past, Prompt, Pulled, PushRegistration, Received};
use crate::worker;
use countersign_device::{look, look_at_key};
use countersign_protocol::device_api;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

type Result<T> = std::result::Result<T, AuthenticatorError>;

/// A device's accounts, the requests it received, and the answers it gave.
///
/// Open it once for a directory and keep it. Every call may be made from the thread that draws: the work, and every
/// call of the app's own parts, is done on a thread of the library. A call that is cancelled loses no answer.
#[derive(uniffi::Object)]
pub struct Authenticator(Arc<countersign_device::Authenticator>);

impl Authenticator {
    /// Does this on the library's own thread.
    async fn run<T, Work>(&self, work: impl FnOnce(Arc<countersign_device::Authenticator>) -> Work) -> Result<T>
    where
        T: Send + 'static,
        Work: Future<Output = Result<T>> + Send + 'static,
    {
        worker::run(work(Arc::clone(&self.0))).await
    }
}

#[uniffi::export]
impl Authenticator {
    /// Opens the authenticator whose store is in `directory`, which is made when it is missing. Keep the directory out
    /// of backups. A store that cannot be opened is left as it is. `push` says where pushes reach this device; without
    /// it the device only pulls, unless the app registers by itself.
    #[uniffi::constructor]
    pub async fn open(
        directory: String,
        vault: Arc<dyn KeyVault>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        push: Option<Arc<dyn PushRegistrar>>,
    ) -> Result<Self> {
        let platform = convert::platform(vault, transport, clock, push);
        let open = async move { Ok(countersign_device::Authenticator::open(Path::new(&directory), platform)?) };
        Ok(Self(Arc::new(worker::run(open).await?)))
    }

    /// Enrols this device for the account that the link belongs to. The account is *proposed* until its confirmation
    /// code has been typed on the signed-in page; `pull` hears that. When the answer is lost, the same call with the
    /// same link goes on where it stopped. Pass the link as it was pasted and the name as the platform has it: both are
    /// cleaned here.
    pub async fn enrol(&self, link: String, device_name: String) -> Result<Account> {
        self.run(|core| async move { Ok(core.enrol(&link, &device_name).await?.into()) }).await
    }

    /// The accounts on this device, oldest first.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        self.run(|core| async move { Ok(into_list(core.accounts()?)) }).await
    }

    /// The account's one-time code of this moment. It uses no network, and the server's time as far as this device
    /// knows it. The vault must be unlocked. Call again when `seconds_left` are over.
    pub async fn code(&self, account_id: String) -> Result<OneTimeCode> {
        self.run(|core| async move { Ok(core.code(account_id.parse()?)?.into()) }).await
    }

    /// Says what would come of adding the codes of other services in what was scanned, pasted or typed, and keeps
    /// nothing: show it before `add_codes`. What cannot be taken is in the answer, with its sentence.
    pub async fn preview_codes(&self, text: String) -> Result<FoundCodes> {
        let found = look(&text);
        self.run(|core| async move { Ok(FoundCodes::of(core.preview_codes(&found.taken)?, &found)) }).await
    }

    /// Keeps the codes of other services in what was scanned, pasted or typed, but for those that are kept already. The
    /// vault must be unlocked.
    pub async fn add_codes(&self, text: String) -> Result<FoundCodes> {
        let found = look(&text);
        self.run(|core| async move { Ok(FoundCodes::of(core.add_codes(&found.taken)?, &found)) }).await
    }

    /// Keeps the codes of a key that was typed, under these names.
    pub async fn add_key(&self, key: String, issuer: Option<String>, account: String) -> Result<FoundCodes> {
        let found = look_at_key(&key, issuer.as_deref(), &account);
        self.run(|core| async move { Ok(FoundCodes::of(core.add_codes(&found.taken)?, &found)) }).await
    }

    /// As `preview_codes`, of a file.
    pub async fn preview_code_file(&self, file: Arc<CodeFile>) -> Result<FoundCodes> {
        self.run(|core| async move { Ok(FoundCodes::of(core.preview_codes(&file.0.taken)?, &file.0)) }).await
    }

    /// As `add_codes`, of a file.
    pub async fn add_code_file(&self, file: Arc<CodeFile>) -> Result<FoundCodes> {
        self.run(|core| async move { Ok(FoundCodes::of(core.add_codes(&file.0.taken)?, &file.0)) }).await
    }

    /// The text of a file with the codes of other services, which this password opens, of 15 characters or more
    /// (`ShortPassword`). It takes about a second, and the password is not kept. The vault must be unlocked.
    pub async fn export_codes(&self, password: String) -> Result<String> {
        let password = Zeroizing::new(password);
        self.run(|core| async move { Ok(core.export_codes(&password)?) }).await
    }

    /// The same codes as links, one a line, which **nothing protects**: only for a person who asked for just this, and
    /// was warned. The vault must be unlocked.
    pub async fn export_codes_unencrypted(&self) -> Result<String> {
        self.run(|core| async move { Ok(core.export_codes_unencrypted()?.to_string()) }).await
    }

    /// Those codes of other services of whose service, account or group each word of a search is a part.
    pub async fn find_foreign_codes(&self, search: String) -> Result<Vec<ForeignCode>> {
        self.run(|core| async move { Ok(into_list(core.find_foreign_codes(&search)?)) }).await
    }

    /// Puts the codes of other services into this order, by their ids. Those that it does not name follow.
    pub async fn arrange_foreign_codes(&self, code_ids: Vec<String>) -> Result<()> {
        self.run(|core| async move {
            let order: std::result::Result<Vec<_>, _> = code_ids.iter().map(|id| id.parse()).collect();
            Ok(core.arrange_foreign_codes(&order?)?)
        })
        .await
    }

    /// Puts the code of another service into the group of this name, or into none. Gives the name as it is kept.
    pub async fn group_foreign_code(&self, code_id: String, group: Option<String>) -> Result<Option<String>> {
        self.run(|core| async move { Ok(core.group_foreign_code(code_id.parse()?, group.as_deref())?) }).await
    }

    /// The codes of other services at this moment, by this device's clock, in the person's order. The vault must be
    /// unlocked.
    pub async fn foreign_codes(&self) -> Result<Vec<ForeignCode>> {
        self.run(|core| async move { Ok(into_list(core.foreign_codes()?)) }).await
    }

    /// The next code by counter of another service. Each serves once, so call this when the person asks for it.
    pub async fn next_foreign_code(&self, code_id: String) -> Result<String> {
        self.run(|core| async move { Ok(core.next_foreign_code(code_id.parse()?)?) }).await
    }

    /// Gives the code of another service other names.
    pub async fn rename_foreign_code(&self, code_id: String, issuer: Option<String>, account: String) -> Result<()> {
        self.run(|core| async move {
            core.rename_foreign_code(code_id.parse()?, issuer.as_deref(), &account)?;
            Ok(())
        })
        .await
    }

    /// Removes the code of another service from this device. The service still asks for it: warn the person.
    pub async fn remove_foreign_code(&self, code_id: String) -> Result<()> {
        self.run(|core| async move { Ok(core.remove_foreign_code(code_id.parse()?)?) }).await
    }

    /// Takes in a message that came by push: its bytes as the server made them, after the push service's own encryption
    /// is taken off. `UnknownKey` may mean that the server has a new signing key: a pull then learns it and brings the
    /// same request. Nothing of a refused message is kept.
    pub async fn receive(&self, push: Vec<u8>) -> Result<Received> {
        self.run(|core| async move { Ok(core.receive(&push)?.into()) }).await
    }

    /// Asks an account's server for what this device does not know yet: requests that wait, and those that wait no
    /// longer. Parks up to `wait_seconds` (60 at most) while there is nothing to say. Works when no push comes. Answers
    /// that could not be delivered before are delivered first, and a push registration that the server lacks is
    /// repaired.
    pub async fn pull(&self, account_id: String, wait_seconds: u32) -> Result<Pulled> {
        self.run(|core| async move { Ok(core.pull(account_id.parse()?, wait_seconds).await?.into()) }).await
    }

    /// Finds the request that a link on a page of this same phone opens, and gives its id; asks the server when it is
    /// not here yet. The answer, and the number where one is asked for, are still the person's to give.
    pub async fn open_link(&self, link: String) -> Result<String> {
        self.run(|core| async move { Ok(core.open_link(&link).await?.to_string()) }).await
    }

    /// The requests that wait for the person, oldest first. Those whose time is over move to the history.
    pub async fn pending(&self) -> Result<Vec<Prompt>> {
        self.run(|core| async move { Ok(into_list(core.pending()?)) }).await
    }

    /// Answers YES, with the number that the page shows where the request asks for one. Signed by the approval key,
    /// which may ask the person first. When the network fails, the signed answer is kept and the same call, or the next
    /// pull, delivers it.
    pub async fn approve(&self, challenge_id: String, number: Option<String>) -> Result<Outcome> {
        self.run(|core| async move { Ok(core.approve(challenge_id.parse()?, number.as_deref()).await?.into()) }).await
    }

    /// Answers NO. Signed by the request key, so that nothing stands between the person and a refusal. Kept and
    /// delivered as `approve` is.
    pub async fn deny(&self, challenge_id: String) -> Result<Outcome> {
        self.run(|core| async move { Ok(core.deny(challenge_id.parse()?).await?.into()) }).await
    }

    /// Says "this was not me", also of a request that is over: an approval that nobody took is taken back, and nothing
    /// more is pushed for this account until its owner allows it again. Kept and delivered as `approve` is.
    pub async fn report(&self, challenge_id: String) -> Result<Outcome> {
        self.run(|core| async move { Ok(core.report(challenge_id.parse()?).await?.into()) }).await
    }

    /// The latest requests that are over, newest first, `most` at most.
    pub async fn history(&self, most: u32) -> Result<Vec<Past>> {
        self.run(|core| async move { Ok(into_list(core.history(most)?)) }).await
    }

    /// Removes an account: the server forgets this device first, then the device forgets the account. When the server
    /// cannot be reached, nothing is removed.
    pub async fn remove(&self, account_id: String) -> Result<()> {
        self.run(|core| async move { Ok(core.remove(account_id.parse()?).await?) }).await
    }

    /// Removes an account from this device alone. The server keeps asking a device that no longer answers, so this is
    /// for a server that is gone.
    pub async fn forget(&self, account_id: String) -> Result<()> {
        self.run(|core| async move { Ok(core.forget(account_id.parse()?)?) }).await
    }

    /// The devices of an account, as the server knows them.
    pub async fn devices(&self, account_id: String) -> Result<Vec<Device>> {
        self.run(|core| async move { Ok(into_list(core.devices(account_id.parse()?).await?.devices)) }).await
    }

    /// Tells an account's server all places to which to send pushes, 1 to 4, for an app that learns them by itself.
    /// They replace those that the server knew. Each gets the same pushes, and the person sees one prompt.
    pub async fn register_push(&self, account_id: String, registrations: Vec<PushRegistration>) -> Result<()> {
        let registrations: Vec<device_api::PushRegistration> = into_list(registrations);
        self.run(|core| async move { Ok(core.register_push(account_id.parse()?, &registrations).await?) }).await
    }

    /// The key with which the account's server wants Web Push subscriptions to be made (`applicationServerKey`), in
    /// base64url. None from a server that sends no Web Push.
    pub async fn webpush_public_key(&self, account_id: String) -> Result<Option<String>> {
        self.run(|core| async move { Ok(core.webpush_public_key(account_id.parse()?).await?) }).await
    }
}

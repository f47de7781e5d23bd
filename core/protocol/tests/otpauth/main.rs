//! Links of one-time codes as the world writes them: what each means is here, a row a link, and what is refused is
//! refused for its own reason.

#![cfg(test)]

mod batch;
mod field;
mod names;
mod properties;
mod refused;
mod text;
mod values;

use countersign_protocol::one_time_code::{Secret, Shown};
use countersign_protocol::otpauth::{self, Found, Generator, LinkRefusal, OtpauthLink, Taken};
use countersign_protocol::time::Timestamp;

/// The secret of most links here.
const SECRET: &str = "JBSWY3DPEHPK3PXP";

/// The one link of a text.
fn one(text: &str) -> Result<Taken, LinkRefusal> {
    let Found { mut taken, not_taken, part } = otpauth::read(text)?;
    assert!(taken.len() == 1 && not_taken.is_empty() && part.is_none(), "one and no more: {taken:?} {not_taken:?}");
    Ok(taken.remove(0))
}

fn link(text: &str) -> OtpauthLink {
    one(text).unwrap_or_else(|why| panic!("{why}: {text}")).link
}

/// Why a text is refused.
fn why(text: &str) -> LinkRefusal {
    match otpauth::read(text) {
        Err(why) => why,
        Ok(found) => panic!("{found:?}: {text}"),
    }
}

/// The code of the step 1 and the seconds of a step, by time.
fn first_code(link: &OtpauthLink) -> (String, u64) {
    let at = |seconds| match link.generator() {
        Generator::Totp(totp) => totp.now(Timestamp::from_seconds(seconds)),
        Generator::Steam(steam) => steam.now(Timestamp::from_seconds(seconds)),
        Generator::Hotp(_) => panic!("by counter"),
    };
    let period = at(0).seconds_left;
    let Shown { code, .. } = at(period.try_into().unwrap());
    (code, period)
}

fn secret() -> Secret {
    Secret::from_base32(SECRET).unwrap()
}

//! Which addresses a relying party may be told its events at.

use super::address_guard::AddressGuard;
use url::Url;

/// The longest address, in bytes.
const MAX_URL_LENGTH: usize = 2048;

/// Checks what can be told of an address before its name is resolved; where that leads is checked at each connection.
///
/// # Errors
/// The reason, as a part of a sentence.
pub fn check(text: &str, guard: AddressGuard) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not an address")?;
    if text.len() > MAX_URL_LENGTH || !matches!(url.scheme(), "https" | "http") {
        return Err("it is not an https address of at most 2048 bytes");
    }
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if !plain || url.port() == Some(0) {
        return Err("it holds a user name, a password, a fragment or port 0");
    }
    guard.check_url(&url)?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_public_addresses_are_sent_to() {
        let check_public = |text: &str| check(text, AddressGuard { allow_private: false });
        assert!(check_public("https://site.example/hooks?of=countersign").is_ok());
        for wrong in [
            "http://site.example/hooks",
            "ftp://site.example/hooks",
            "https://me:secret@site.example/hooks",
            "https://site.example/hooks#here",
            "https://site.example:0/hooks",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/hooks",
            "site.example/hooks",
        ] {
            assert!(check_public(wrong).is_err(), "{wrong}");
        }
        let long = format!("https://site.example/{}", "a".repeat(MAX_URL_LENGTH));
        assert!(check_public(&long).is_err());
        assert!(check("http://127.0.0.1:9/", AddressGuard { allow_private: true }).is_ok());
    }
}

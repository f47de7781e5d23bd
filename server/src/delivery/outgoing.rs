//! Requests that leave the server: no redirects, no proxies by surprise, and no way into the private network through an
//! address that a stranger chose.

use crate::delivery::SetupError;
use crate::domain::address_guard::AddressGuard;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::path::PathBuf;

/// Resolves names and leaves out the addresses that may not be connected to; asked at every new connection.
impl Resolve for AddressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found.filter(|address| guard.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err("the name resolves to private addresses only".into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// A client that trusts the system's certificate authorities and those in `extra_roots`.
///
/// # Errors
/// [`SetupError::Configuration`] for a root that cannot be read.
pub fn client(guard: AddressGuard, extra_roots: &[PathBuf]) -> Result<reqwest::Client, SetupError> {
    let builder = https_client::builder(https_client::roots(extra_roots)?)?.dns_resolver(guard);
    Ok(https_client::build(https_client::with_timeouts(builder))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_for_this_machine_resolves_to_nothing() {
        let resolve = |guard: AddressGuard| guard.resolve("localhost".parse().unwrap());
        assert!(resolve(AddressGuard { allow_private: false }).await.is_err());
        assert!(resolve(AddressGuard { allow_private: true }).await.unwrap().count() > 0);
    }
}

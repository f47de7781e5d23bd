//! Who acts: the "who" and "from where" of everything that is written down.

use countersign_protocol::handle::EnrolmentId;
use std::net::IpAddr;

/// What kind of actor it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A relying party, with its API key.
    RelyingParty,
    /// A device, with a key of its own.
    Device,
    /// Whoever works on the server's database: `countersign admin`.
    Operator,
    /// The server by itself: time was over, or a network said that something is gone.
    Server,
}

/// Who acts, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    kind: ActorKind,
    handle: Option<String>,
    address: Option<IpAddr>,
}

impl Actor {
    /// The server by itself.
    pub const SERVER: Self = Self { kind: ActorKind::Server, handle: None, address: None };
    /// The operator, at this machine.
    pub const OPERATOR: Self = Self { kind: ActorKind::Operator, handle: None, address: None };

    /// The relying party of this handle, calling from this address.
    pub(crate) fn relying_party(handle: impl Into<String>, address: Option<IpAddr>) -> Self {
        Self { kind: ActorKind::RelyingParty, handle: Some(handle.into()), address }
    }

    /// The device of this enrolment, calling from this address.
    pub(crate) fn device(enrolment: EnrolmentId, address: Option<IpAddr>) -> Self {
        Self { kind: ActorKind::Device, handle: Some(enrolment.to_string()), address }
    }

    /// What kind of actor it is.
    pub const fn kind(&self) -> ActorKind {
        self.kind
    }

    /// Its external handle; none for the operator and the server.
    pub fn handle(&self) -> Option<&str> {
        self.handle.as_deref()
    }

    /// The other end of the connection, as far as there is one. Behind a proxy that is the proxy.
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

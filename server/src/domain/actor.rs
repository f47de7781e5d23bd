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
    reason: Option<String>,
}

impl Actor {
    /// The server by itself.
    pub const SERVER: Self = Self { kind: ActorKind::Server, handle: None, address: None, reason: None };
    /// The operator, at this machine, who says no name: the demo's help desk, the benchmark, and tests.
    pub const OPERATOR: Self = Self { kind: ActorKind::Operator, handle: None, address: None, reason: None };

    /// The operator of this name. It is what the operating system calls them, and proves nothing: whoever opens the
    /// database could write any.
    pub fn operator(name: impl Into<String>) -> Self {
        Self { handle: Some(name.into()), ..Self::OPERATOR }
    }

    /// The same actor, who gives a reason for what is done.
    #[must_use]
    pub fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }

    /// The relying party of this handle, calling from this address.
    pub(crate) fn relying_party(handle: impl Into<String>, address: Option<IpAddr>) -> Self {
        Self { kind: ActorKind::RelyingParty, handle: Some(handle.into()), address, reason: None }
    }

    /// The device of this enrolment, calling from this address.
    pub(crate) fn device(enrolment: EnrolmentId, address: Option<IpAddr>) -> Self {
        Self { kind: ActorKind::Device, handle: Some(enrolment.to_string()), address, reason: None }
    }

    /// What kind of actor it is.
    pub const fn kind(&self) -> ActorKind {
        self.kind
    }

    /// Its external handle, and an operator's name; none for the server.
    pub fn handle(&self) -> Option<&str> {
        self.handle.as_deref()
    }

    /// Why it acts, where it has said so.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The other end of the connection, as far as there is one. Behind a proxy that is the proxy.
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

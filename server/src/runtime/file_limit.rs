//! How many files and sockets this process may have open, beside what the settings want.

use super::startup::StartupError;
use crate::service::limits::Limits;

/// What a server has open beside its connections: database, readers, log, connections of its own to push networks and
/// receivers.
const BESIDE: u64 = 256;
/// The fewest connections with which a server starts.
pub const LEAST: usize = 16;
/// What to do.
const ADVICE: &str = "Raise the limit (systemd: LimitNOFILE=, a shell: ulimit -Hn), or lower the setting";

/// Raises the limit to the most that this process may take, and says how many connections fit beneath it.
///
/// # Errors
/// [`StartupError::Configuration`], where so few fit that nothing could be served.
pub fn raise(limits: &Limits) -> Result<usize, StartupError> {
    let Some(most) = raised() else { return Ok(limits.connections) };
    let fit = usize::try_from(most.saturating_sub(BESIDE)).unwrap_or(usize::MAX);
    if fit >= limits.connections {
        return Ok(limits.connections);
    }
    if fit < LEAST {
        return Err(StartupError::Configuration(format!(
            "the system lets this process have {most} files open, of which a server needs {BESIDE} beside its \
             connections. {ADVICE}"
        )));
    }
    tracing::warn!(
        file_limit = most,
        connections = fit,
        "limits.connections is {}, and the system lets this process have {most} files open: {fit} connections are \
         served. {ADVICE}",
        limits.connections
    );
    Ok(fit)
}

/// How many connections fit beneath what the limit is raised to at the start, and that in words.
pub fn look(connections: usize) -> (usize, String) {
    let Some(most) = hard() else { return (usize::MAX, "the system has none".into()) };
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(BESIDE);
    let fit = most.saturating_sub(BESIDE);
    let says = format!("{most} files, of which limits.connections = {connections} needs {wanted}");
    let says = if wanted <= most { says } else { format!("{says}: {fit} connections are served. {ADVICE}") };
    (usize::try_from(fit).unwrap_or(usize::MAX), says)
}

#[cfg(unix)]
fn raised() -> Option<u64> {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(most) => Some(most),
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            rlimit::Resource::NOFILE.get().ok().map(|(soft, _)| soft)
        }
    }
}

#[cfg(unix)]
fn hard() -> Option<u64> {
    rlimit::Resource::NOFILE.get().ok().map(|(_, hard)| hard)
}

#[cfg(not(unix))]
fn raised() -> Option<u64> {
    None
}

#[cfg(not(unix))]
fn hard() -> Option<u64> {
    None
}

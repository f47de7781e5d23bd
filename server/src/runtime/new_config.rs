//! The configuration file that a new server begins with.

use super::config::Config;
use super::startup::StartupError;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What every server is told; the rest has defaults.
#[derive(Debug, Clone)]
pub struct Basics {
    /// Under which address phones reach it.
    pub public_url: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The files of its certificate and of that certificate's key, as absolute paths, where it speaks TLS itself.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where its data is, as an absolute path: the file says the same wherever the server is started.
    pub data_dir: PathBuf,
}

/// Writes a new configuration file that says this.
///
/// # Errors
/// [`StartupError::Configuration`], when a value does not fit or the file cannot be written; one that is there stays as
/// it is.
pub fn write(path: &Path, basics: &Basics) -> Result<(), StartupError> {
    let text = text(basics);
    let wrong = |reason: String| StartupError::Configuration(reason);
    let config: Config = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    config.check().map_err(wrong)?;
    private_file::write_new(path, text.as_bytes())
        .map_err(|error| wrong(format!("{} cannot be written: {error}", path.display())))
}

fn text(Basics { public_url, listen, tls, data_dir }: &Basics) -> String {
    let quoted = |text: String| toml::Value::String(text).to_string();
    let path = |path: &Path| quoted(path.display().to_string());
    let (listens, tls) = match tls {
        Some((cert, key)) => {
            let files = format!("cert = {}\nkey = {}\n", path(cert), path(key));
            (
                "Where it listens.",
                format!("\n# After a renewal of these files: kill -HUP, or systemctl reload.\n[tls]\n{files}"),
            )
        }
        None => ("Where it listens, behind a proxy that speaks TLS.", String::new()),
    };
    let (public_url, listen) = (quoted(public_url.clone()), quoted(listen.to_string()));
    let data_dir = path(data_dir);
    format!(
        r#"# How this server runs. Every value can also come from the environment, as COUNTERSIGN_LISTEN or
# COUNTERSIGN_PUSH__WEBPUSH__ALLOW_PRIVATE. README.md, "Configure it", has all of them.

# Under which address phones reach this server: https, without a slash at its end.
public_url = {public_url}

# {listens}
listen = {listen}

# Its database and its keys. Only `countersign init` makes a server there.
data_dir = {data_dir}
{tls}
# What seals the secrets in the database. Without this section it is the file master.key in data_dir; backups of the
# two belong apart from each other.
# [master_key]
# file = "/etc/countersign/master.key"       # or: env = "NAME OF A VARIABLE", command = ["program", "that prints it"]

# The ways to the phones. Web Push and UnifiedPush need nothing.
# [push.apns]                                # iOS
# key_file = "/etc/countersign/AuthKey_ABC123DEFG.p8"
# key_id = "ABC123DEFG"
# team_id = "DEF123GHIJ"
# topic = "com.example.app"
# [push.fcm]                                 # Android
# service_account = "/etc/countersign/firebase.json"

# [log]
# format = "text"                            # or "json"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basics(public_url: &str, data_dir: &str) -> Basics {
        let listen = ([127, 0, 0, 1], 8443).into();
        Basics { public_url: public_url.into(), listen, tls: None, data_dir: data_dir.into() }
    }

    #[test]
    fn the_file_says_what_was_asked_whatever_is_in_it() {
        for data_dir in ["/var/lib/countersign", "/srv/a \"quoted\" folder\n[log]", r"C:\data"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("countersign.toml");
            write(&path, &basics("https://login.example", data_dir)).unwrap();
            let config = Config::load(Some(&path), std::iter::empty()).unwrap();
            assert_eq!(config.public_url.as_deref(), Some("https://login.example"));
            assert_eq!((config.listen.port(), config.data_dir.as_path()), (8443, Path::new(data_dir)));
            assert!(write(&path, &basics("https://other.example", data_dir)).is_err(), "it is never overwritten");
        }
    }

    #[test]
    fn what_comments_leave_out_can_be_uncommented() {
        let text = text(&basics("https://login.example", "/data"));
        let setting = |line: &str| line.contains(" = ") || line.starts_with('[');
        let lines = text.lines().map(|line| line.strip_prefix("# ").filter(|rest| setting(rest)).unwrap_or(line));
        let config: Config = toml::from_str(&lines.collect::<Vec<_>>().join("\n")).unwrap();
        assert!(config.push.apns.is_configured() && config.push.fcm.is_some());
    }

    #[test]
    fn an_address_that_phones_would_not_trust_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("countersign.toml");
        for public_url in ["http://login.example", "login.example", "https://login.example/"] {
            let refused = write(&path, &basics(public_url, "/data")).unwrap_err();
            assert!(refused.to_string().contains("public_url"), "{refused}");
            assert!(!path.exists());
        }
    }
}

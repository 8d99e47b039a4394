//! Locates errors in the file that show only when a server is asked.

use super::{BACKENDS, Config};
use crate::document::error::{ConfigError, Problem, SettingLocation};
use crate::error::Phase;
use crate::identity::BackendId;

impl Config {
    /// Locates a misconfiguration that a backend reported, by phase and text.
    ///
    /// Both are those of a [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured), or of
    /// a step in a trace. `None` if no entry has this id.
    pub fn locate_error(&self, backend: &BackendId, phase: Phase, detail: &str) -> Option<ConfigError> {
        let mut entries = self.entries.iter().zip(&self.origins);
        let (_, origin) = entries.find(|(entry, _)| entry.id == *backend)?;
        // The part after the semicolon says what to do.
        let (found, hint) = match detail.split_once("; ") {
            Some((found, hint)) => (found, Some(hint.to_owned())),
            None => (detail, None),
        };
        let entry = SettingLocation::entry(BACKENDS, origin.index);
        let (place, expected) = match phase {
            Phase::Resolve if origin.is_positional => (entry.field("arguments").element(0), HOST),
            Phase::Resolve => (entry.field("host"), HOST),
            _ => (entry, "settings that this server can be used with"),
        };
        let problem = Problem::new(format!("that {found}"), expected).hints(hint);
        Some(self.error_at(origin, place, problem))
    }
}

const HOST: &str = "the name or the address of a server";

#[cfg(test)]
#[cfg(all(feature = "config-toml", feature = "imap", feature = "ftp"))]
mod tests {
    use super::*;
    use crate::config::Format;

    const TEXT: &str = r#"
[[user_backends]]
id = "files"
class = "ftp"
host = "files.example.com"

[[user_backends]]
class = "imap"
id = "mail"
arguments = ["{mail.nowhere.invalid:993/imap/ssl}"]
"#;

    fn locate_error(id: &str, phase: Phase, detail: &str) -> Option<String> {
        let config = Config::parse(TEXT, Format::Toml, "user-backend.toml").unwrap();
        let id = BackendId::parse(id).unwrap();
        config.locate_error(&id, phase, detail).map(|error| error.to_string())
    }

    #[test]
    fn error_seen_at_a_server_is_located_in_the_file() {
        let detail = "host \"mail.nowhere.invalid\" does not exist; is it spelled right?";
        assert_eq!(
            locate_error("mail", Phase::Resolve, detail).unwrap(),
            "user-backend.toml:10:14: user_backends[1].arguments[0]: found that host \"mail.nowhere.invalid\" does not \
             exist, expected the name or the address of a server\n  hint: is it spelled right?"
        );
        assert!(
            locate_error("files", Phase::Resolve, detail)
                .unwrap()
                .contains("user_backends[0].host: found that host")
        );
        assert_eq!(
            locate_error("files", Phase::Greeting, "TLS is refused").unwrap(),
            "user-backend.toml:2:1: user_backends[0]: found that TLS is refused, expected settings that this server can be \
             used with"
        );
        assert_eq!(locate_error("office", Phase::Resolve, detail), None);
    }
}

//! What turns out to be wrong with a configuration only when a server is asked, in the same words as everything else.

use super::{BACKENDS, Config};
use crate::document::error::{ConfigError, Place, Problem};
use crate::error::Phase;
use crate::identity::BackendId;

impl Config {
    /// The place in the file of what a backend found wrong with its settings when it was asked: the phase and the text of a
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured), or of a step in a trace. `None` when no entry has
    /// this id.
    pub fn complaint(&self, backend: &BackendId, phase: Phase, detail: &str) -> Option<ConfigError> {
        let mut entries = self.entries.iter().zip(&self.origins);
        let (_, origin) = entries.find(|(entry, _)| entry.id == *backend)?;
        // What comes behind the semicolon says what to do.
        let (found, hint) = match detail.split_once("; ") {
            Some((found, hint)) => (found, Some(hint.to_owned())),
            None => (detail, None),
        };
        let entry = Place::entry(BACKENDS, origin.index);
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

    fn complaint(id: &str, phase: Phase, detail: &str) -> Option<String> {
        let config = Config::parse(TEXT, Format::Toml, "user-backend.toml").unwrap();
        let id = BackendId::parse(id).unwrap();
        config.complaint(&id, phase, detail).map(|error| error.to_string())
    }

    #[test]
    fn what_a_server_shows_to_be_wrong_has_a_place_in_the_file() {
        let detail = "host \"mail.nowhere.invalid\" does not exist; is it spelled right?";
        assert_eq!(
            complaint("mail", Phase::Resolve, detail).unwrap(),
            "user-backend.toml:7:1: user_backends[1].arguments[0]: found that host \"mail.nowhere.invalid\" does not \
             exist, expected the name or the address of a server\n  hint: is it spelled right?"
        );
        assert!(
            complaint("files", Phase::Resolve, detail)
                .unwrap()
                .contains("user_backends[0].host: found that host")
        );
        assert_eq!(
            complaint("files", Phase::Greeting, "TLS is refused").unwrap(),
            "user-backend.toml:2:1: user_backends[0]: found that TLS is refused, expected settings that this server can be \
             used with"
        );
        assert_eq!(complaint("office", Phase::Resolve, detail), None);
    }
}

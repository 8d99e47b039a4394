//! Where the database of an installation is, as its `config.php` says it.

use std::path::{Path, PathBuf};

use user_backend::ClassRegistry;
use user_backend::config::{Config, Loader};

use crate::config_file;
use crate::exit::CliError;
use crate::output::eprintln_line;

/// The settings of a `config.php` that locate the database.
const SETTINGS: [&str; 10] = [
    "datadirectory",
    "dbhost",
    "dbname",
    "dbpassword",
    "dbport",
    "dbtableprefix",
    "dbtype",
    "dbuser",
    "passwordsalt",
    "version",
];

/// Options of PHP's driver: arrays of numbers, for which a file may have names too.
const OPTIONS: &str = "dbdriveroptions";

/// The default socket of a MySQL server.
const SOCKETS: [&str; 4] = [
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
];

/// The settings of an installation.
#[derive(Debug)]
pub(super) struct SourceLocation {
    config: Config,
    pub(super) file: PathBuf,
    pub(super) prefix: String,
}

/// How a database server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Tcp { name: String, port: Option<u16> },
    Socket(PathBuf),
}

/// What the options of PHP's driver say about TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) ca: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    /// Whether the server's certificate is verified: as in PHP, unless disabled.
    pub(super) verify: bool,
}

impl SourceLocation {
    /// Reads the `config.php` of an installation.
    pub(super) fn read(file: PathBuf, registry: &ClassRegistry) -> Result<Self, CliError> {
        if file.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("php")) {
            return Err(CliError::new(format!(
                "{} is no config.php; name that of the installation with --from",
                file.display()
            )));
        }
        let loader = Loader::new().with_registry(registry.clone()).allow_no_backends();
        let loader = SETTINGS.into_iter().fold(loader, Loader::setting);
        let config = match loader.clone().setting(OPTIONS).load(&file) {
            Ok(config) => config,
            Err(with_options) => {
                let config = loader.load(&file).map_err(config_file::wrong)?;
                eprintln_line(&format!("warning: {OPTIONS} is not used: it cannot be read\n{with_options}"));
                config
            }
        };
        let mut place = Self { config, file, prefix: String::new() };
        place.prefix = place.text("dbtableprefix")?.unwrap_or_else(|| "oc_".to_owned());
        if !place.prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(place.wrong("dbtableprefix", "another character", "letters, digits and _"));
        }
        Ok(place)
    }

    /// A setting that is a text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, CliError> {
        self.config.section(name).map_err(config_file::wrong)
    }

    /// The version of the installation, if it says one.
    pub(super) fn version(&self) -> Option<String> {
        // Nothing depends on it, so a value of another type is no error.
        self.text("version").ok().flatten()
    }

    /// An error of a setting, with its position in the file.
    pub(super) fn wrong(&self, name: &str, found: &str, expected: &str) -> CliError {
        config_file::wrong(self.config.section_error(name, &[], found, expected))
    }

    /// The file of a SQLite database.
    pub(super) fn sqlite(&self) -> Result<PathBuf, CliError> {
        let Some(data) = self.text("datadirectory")? else {
            return Err(self.wrong("datadirectory", "nothing", "the folder in which the database is"));
        };
        let folder = self.file.parent().unwrap_or_else(|| Path::new("")).join(data);
        let path = folder.join(format!("{}.db", self.text("dbname")?.as_deref().unwrap_or("owncloud")));
        if path.is_file() {
            Ok(path)
        } else {
            Err(CliError::new(format!("there is no database {}", path.display())))
        }
    }

    /// Host and port, or a socket; `None` when the file sets none.
    pub(super) fn host(&self) -> Result<Option<Host>, CliError> {
        let Some(text) = self.text("dbhost")?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let wrong = || self.wrong("dbhost", "another form", "host, host:port or host:/path/to/socket");
        let mut host = Host::parse(&text).ok_or_else(wrong)?;
        if let Host::Tcp { port: port @ None, .. } = &mut host {
            // Written as a text by some installers, as a number by others; empty by most.
            let number = self.config.section::<u16>("dbport").ok().flatten();
            let written = || self.text("dbport").ok().flatten().and_then(|port| port.parse().ok());
            *port = number.or_else(written);
        }
        Ok(Some(host))
    }

    /// The options of PHP's driver for MySQL.
    ///
    /// Those that are not about TLS are reported and ignored.
    pub(super) fn tls(&self) -> Tls {
        let mut tls = Tls { verify: true, ..Tls::default() };
        for (name, value) in self.config.section_members(OPTIONS) {
            let path = value.clone().filter(|value| !value.is_empty()).map(PathBuf::from);
            // The names in PHP to 8.3, those since, and the numbers into which the installation
            // turns both.
            match name.rsplit("::").next().unwrap_or_default().trim_start_matches("MYSQL_") {
                "1007" | "ATTR_SSL_KEY" => tls.key = path,
                "1008" | "ATTR_SSL_CERT" => tls.certificate = path,
                "1009" | "ATTR_SSL_CA" => tls.ca = path,
                "1014" | "ATTR_SSL_VERIFY_SERVER_CERT" => {
                    tls.verify = value.is_none_or(|value| !matches!(value.as_str(), "false" | "0" | ""));
                }
                _ => eprintln_line(&format!("warning: {OPTIONS}: {name} is not used")),
            }
        }
        tls
    }
}

impl Host {
    /// Parses a host as the installation does: after the last colon, a port or socket path.
    fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return Some(Self::Socket(text.into()));
        }
        let (name, rest) = match text.rsplit_once(':') {
            // An address of IPv6 without a port.
            Some((_, rest)) if rest.ends_with(']') => (text, None),
            Some((name, _)) if name.contains(':') && !name.ends_with(']') => (text, None),
            Some((name, rest)) => (name, Some(rest)),
            None => (text, None),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let name = if name.is_empty() { "localhost" } else { name }.to_owned();
        match rest.filter(|rest| !rest.is_empty()) {
            None => Some(Self::Tcp { name, port: None }),
            Some(path) if path.starts_with('/') => Some(Self::Socket(path.into())),
            Some(port) => Some(Self::Tcp { name, port: Some(port.parse().ok()?) }),
        }
    }

    /// `localhost` means the socket for every MySQL client, unless there is a port.
    pub(super) fn of_mysql(host: Option<Self>) -> Self {
        let host = host.unwrap_or_else(|| Self::Tcp { name: "localhost".to_owned(), port: None });
        match &host {
            Self::Tcp { name, port: None } if name == "localhost" => {
                let socket = SOCKETS.into_iter().map(PathBuf::from).find(|path| path.exists());
                socket.map_or(host, Self::Socket)
            }
            _ => host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mysql_on_this_machine_has_a_socket_and_others_have_none() {
        for (name, port) in [("localhost", Some(3306)), ("127.0.0.1", None), ("db.example.com", None)] {
            let host = Host::Tcp { name: name.to_owned(), port };
            assert_eq!(Host::of_mysql(Some(host.clone())), host);
        }
        assert!(!matches!(Host::of_mysql(None), Host::Tcp { port: Some(_), .. }));
    }

    #[test]
    fn host_has_many_forms() {
        let tcp = |name: &str, port| Some(Host::Tcp { name: name.to_owned(), port });
        let socket = |path: &str| Some(Host::Socket(path.into()));
        for (text, host) in [
            ("localhost", tcp("localhost", None)),
            ("db.example.com", tcp("db.example.com", None)),
            ("db.example.com:3307", tcp("db.example.com", Some(3307))),
            ("db.example.com:", tcp("db.example.com", None)),
            ("127.0.0.1:3306", tcp("127.0.0.1", Some(3306))),
            ("::1", tcp("::1", None)),
            ("[::1]", tcp("::1", None)),
            ("[::1]:3306", tcp("::1", Some(3306))),
            ("localhost:/run/mysqld/mysqld.sock", socket("/run/mysqld/mysqld.sock")),
            (":/run/mysqld/mysqld.sock", socket("/run/mysqld/mysqld.sock")),
            ("/run/postgresql", socket("/run/postgresql")),
            ("localhost:no port", None),
            ("localhost:65536", None),
        ] {
            assert_eq!(Host::parse(text), host, "{text}");
        }
    }
}

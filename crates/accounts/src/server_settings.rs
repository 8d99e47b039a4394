//! The configuration of an installation, except for its backends.
//!
//! It consists of `[server]`, `[store]`, `[mail]`, `[reset]`, `[frontends]`, `[pages]`, `[valkey]`
//! and `lost_password_link`. In a `config.php` a section's name begins with `user_backends_`.
//!
//! The server and the command line read it here, so both accept the same files and report the same
//! errors.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use user_backend::config::{ClassRegistry, Config, ConfigError, Entry, InvalidConfig, Loader};

use crate::domain::{LOCAL_BACKEND, LOCAL_BACKEND_IN_API, PhoneRegion, Quota, UserId};
use crate::frontend_settings::{self, FrontendSettings, HostName};
use crate::page_settings::{self, PageSettings};
use crate::service::local_password::change::AppPasswordPolicy;
use crate::service::local_password::settings::HashSettings;
use crate::service::mail::settings::MailSettings;
use crate::service::password_reset::link::{self, BaseUrl, LostPassword};
use crate::service::password_reset::settings::ResetSettings;
use crate::store::settings::StoreSettings;
use crate::valkey_settings::{self, ValkeySettings};

/// How many connections one source may have, if the settings do not say.
const PER_SOURCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(255);

/// The settings of an installation, except for its backends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Listening address (default `127.0.0.1:8080`).
    pub listen: SocketAddr,
    /// The address of `/metrics` and the details of `/readyz`, over plain HTTP.
    ///
    /// Everyone who reaches the address may read them. Default: at `listen`, for requests from this
    /// machine that no proxy forwarded.
    pub metrics_listen: Option<SocketAddr>,
    /// The certificate chain in PEM; with it and the key the server speaks HTTPS.
    pub tls_cert: Option<PathBuf>,
    /// The key in PEM.
    pub tls_key: Option<PathBuf>,
    /// The maximum of open connections.
    ///
    /// Default: what the limit of open files leaves, at most 8192.
    pub max_connections: Option<NonZeroU32>,
    /// The maximum of open connections per IPv4 address or IPv6 /64.
    ///
    /// Default 256, at most half of all. Trusted proxies may have more.
    pub max_connections_per_source: NonZeroU32,
    /// Accepts passwords over plain HTTP from other machines too (default: false).
    ///
    /// Anyone on the network path can read them.
    pub allow_plaintext: bool,
    /// The store: from the section `[store]`, which all programs share.
    #[serde(skip)]
    pub store: Option<StoreSettings>,
    /// The public URL of the server, such as `https://cloud.example.com`; shown to clients.
    #[serde(deserialize_with = "public_url")]
    pub public_url: Option<String>,
    /// Host names of the server, beside those of `public_url` and `listen` (default: none).
    ///
    /// `"*"` is every name.
    #[serde(deserialize_with = "trusted_hosts")]
    pub trusted_hosts: Vec<String>,
    /// Refuses calls with a password in the query (default: false).
    ///
    /// Every proxy writes the query into its log.
    pub refuse_passwords_in_query: bool,
    /// Name of the service (default `user-backend`).
    pub name: String,
    /// Reported location of a user's files (default `/var/lib/user-backend/data`).
    ///
    /// Nothing is stored there.
    pub data_directory: String,
    /// The quota of users without their own (default `none`: unlimited).
    #[serde(deserialize_with = "quota")]
    pub default_quota: Quota,
    /// The language of users who chose none (default `en`).
    pub default_language: String,
    /// The country of phone numbers that do not name theirs, such as `DE` (default none).
    pub default_phone_region: Option<PhoneRegion>,
    /// The version of the PHP system whose codes the API uses: `25` (default) or `31`.
    pub compat: CompatLevel,
    /// Whom sub-admins may add to groups: `accessible` users (default) or `anybody`.
    ///
    /// `anybody` is as in the PHP system.
    pub sub_admins_may_add: SubAdminScope,
    /// Names that sub-admins may give new users: `local-names` (default) or `any-name`.
    ///
    /// `local-names` are those that no external backend may own. A backend without `domain` may own
    /// every name.
    pub sub_admins_may_create: SubAdminNames,
    /// Whether users may change their own display name and mail address (default true).
    pub allow_user_to_change_display_name: bool,
    /// Whether users may sign in with a mail address that belongs to exactly one local user.
    ///
    /// Default: only where no other backend is configured, because there the address may be another
    /// user's login name.
    pub login_by_email: Option<bool>,
    /// Folder of installed apps, one folder each with `appinfo/info.xml`.
    pub apps_directory: Option<PathBuf>,
    /// How long requests under way may go on when the server ends, in seconds (default 30).
    pub shutdown_grace_seconds: u64,
    /// The minimum time of a refused sign-in, in milliseconds (default 250).
    ///
    /// 0: no longer than it must; `auto`: as long as the slowest backend usually takes, and at
    /// least 250. Up to a third more is added at random, so that response times do not reveal
    /// which accounts exist.
    pub refusal_milliseconds: RefusalTime,
    /// The file with the key of proven credentials, the same for all servers of a site.
    ///
    /// Default: `proven.key` beside the SQLite file, or in the state directory of the unit. It is
    /// created if it is missing.
    pub proven_key_file: Option<PathBuf>,
    /// How expensive password hashes are.
    pub passwords: HashSettings,
    /// Whether app passwords end when their owner sets a new password.
    ///
    /// `revoke` (default) or `keep`. A password that someone else sets, or that is set through a
    /// reset link, always revokes them.
    pub app_passwords_on_new_password: AppPasswordPolicy,
    /// Lost passwords, from `[reset]` and `lost_password_link`.
    ///
    /// The latter may also stand at the top of the file.
    #[serde(skip)]
    pub reset: ResetSettings,
    /// The mail server, from the section `[mail]`; without one no mail is sent.
    #[serde(skip)]
    pub mail: Option<MailSettings>,
    /// How other programs use this server for sign-ins, from the section `[frontends]`.
    #[serde(skip)]
    pub frontends: FrontendSettings,
    /// What the pages look like, from the section `[pages]`.
    #[serde(skip)]
    pub pages: PageSettings,
    /// Where failed logins at backends are counted as well, from the section `[valkey]`.
    #[serde(skip)]
    pub valkey: Option<ValkeySettings>,
    /// Digests of the sections that are not comparable values here.
    #[serde(skip)]
    pub section_digests: SectionDigests,
}

/// Digests of other sections, to detect changes on a reload.
///
/// They may hold passwords, so not even the digests are shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SectionDigests(Vec<(&'static str, Option<blake3::Hash>)>);

impl SectionDigests {
    fn of(config: &Config) -> Self {
        let digest = |name: &str| {
            let section = config.section::<serde_json::Value>(name).ok().flatten();
            section.map(|section| blake3::hash(section.to_string().as_bytes()))
        };
        let names = [
            ("[store]", "store"),
            ("[mail]", "mail"),
            ("[reset]", "reset"),
            ("[valkey]", valkey_settings::SECTION),
            (LOST, LOST),
        ];
        Self(names.map(|(shown, name)| (shown, digest(name))).to_vec())
    }

    /// The sections that say something else than before.
    pub fn other_than(&self, before: &Self) -> Vec<&'static str> {
        let others = self.0.iter().filter(|section| !before.0.contains(section));
        others.map(|(name, _)| *name).collect()
    }
}

impl std::fmt::Debug for SectionDigests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// The version of the PHP system that the API follows in codes and fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CompatLevel {
    /// Version 25, of which there are recordings.
    ///
    /// The default.
    #[default]
    V25,
    /// Version 31.
    V31,
}

impl CompatLevel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::V25, Self::V31];

    /// The version that clients and scripts read to know what to expect: major, minor and patch.
    pub const fn version(self) -> (u32, u32, u32) {
        match self {
            Self::V25 => (25, 0, 2),
            Self::V31 => (31, 0, 0),
        }
    }
}

impl<'de> Deserialize<'de> for CompatLevel {
    /// `"25"` or `25`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected \"25\" or \"31\"")]
        enum Written {
            Number(u32),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        match text.as_str() {
            "25" => Ok(Self::V25),
            "31" => Ok(Self::V31),
            _ => {
                let wrong = format!("invalid value: string {text:?}, expected \"25\" or \"31\"");
                Err(serde::de::Error::custom(wrong))
            }
        }
    }
}

/// Whom a sub-admin may take into a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubAdminScope {
    /// Every user.
    ///
    /// `anybody` is the older word for it.
    #[serde(alias = "anybody")]
    All,
    /// Users whom the sub-admin administers already.
    ///
    /// The default.
    #[default]
    Accessible,
}

/// Which names a sub-admin may give to the users they create.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubAdminNames {
    /// Names that no configured backend may own: their owners might not have signed in yet.
    ///
    /// The default.
    #[default]
    LocalNames,
    /// Any name that is free.
    AnyName,
}

/// How long a refused sign-in takes at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RefusalTimeText")]
pub enum RefusalTime {
    /// A number of milliseconds.
    Milliseconds(u64),
    /// As long as the slowest backend usually takes.
    Auto,
}

impl Default for RefusalTime {
    fn default() -> Self {
        Self::Milliseconds(250)
    }
}

/// As it is written.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number of milliseconds, or \"auto\"")]
enum RefusalTimeText {
    Milliseconds(u64),
    Word(String),
}

impl TryFrom<RefusalTimeText> for RefusalTime {
    type Error = String;

    fn try_from(text: RefusalTimeText) -> Result<Self, String> {
        match text {
            RefusalTimeText::Milliseconds(number) => Ok(Self::Milliseconds(number)),
            RefusalTimeText::Word(word) if word == "auto" => Ok(Self::Auto),
            RefusalTimeText::Word(word) => {
                Err(format!("{word:?}, expected a number of milliseconds, or \"auto\""))
            }
        }
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 8080),
            metrics_listen: None,
            tls_cert: None,
            tls_key: None,
            max_connections: None,
            max_connections_per_source: PER_SOURCE,
            allow_plaintext: false,
            store: None,
            public_url: None,
            trusted_hosts: Vec::new(),
            refuse_passwords_in_query: false,
            name: "user-backend".to_owned(),
            data_directory: "/var/lib/user-backend/data".to_owned(),
            default_quota: Quota::Unlimited,
            default_language: "en".to_owned(),
            default_phone_region: None,
            compat: CompatLevel::default(),
            sub_admins_may_add: SubAdminScope::default(),
            sub_admins_may_create: SubAdminNames::default(),
            allow_user_to_change_display_name: true,
            login_by_email: None,
            apps_directory: None,
            shutdown_grace_seconds: 30,
            refusal_milliseconds: RefusalTime::default(),
            proven_key_file: None,
            passwords: HashSettings::default(),
            app_passwords_on_new_password: AppPasswordPolicy::default(),
            reset: ResetSettings::default(),
            mail: None,
            frontends: FrontendSettings::default(),
            pages: PageSettings::default(),
            valkey: None,
            section_digests: SectionDigests::default(),
        }
    }
}

impl ServerSettings {
    /// Reads a file: these settings, the backends of these classes, and the resolver.
    ///
    /// # Errors
    /// [`InvalidConfig`]: everything that is wrong with it.
    pub fn load(path: &Path, classes: &ClassRegistry) -> Result<(Self, Config), InvalidConfig> {
        Self::load_with(Loader::new().with_registry(classes.clone()).allow_no_backends(), path)
    }

    /// The same with a loader of yours.
    ///
    /// # Errors
    /// As [`ServerSettings::load`].
    pub fn load_with(loader: Loader, path: &Path) -> Result<(Self, Config), InvalidConfig> {
        let loader = loader.section("server").section("mail").section("reset").setting(LOST);
        let loader = loader.section(frontend_settings::SECTION).section(page_settings::SECTION);
        let loader = loader.section(valkey_settings::SECTION);
        let (mut config, errors) = StoreSettings::section_of(loader).load_partly(path)?;
        let mut errors = Errors(errors);
        // What is said about two values counts only where both could be read.
        let server: Option<Self> = errors.take(config.section("server")).map(Option::unwrap_or_default);
        if let Some(server) = &server {
            errors.take(server.check(&config));
        }
        let public_url = server.as_ref().map(Self::public_url);
        let mut settings = server.unwrap_or_default();
        settings.store = errors.take(StoreSettings::from_config(&config, path));
        settings.mail = errors.take(config.section("mail")).flatten();
        settings.frontends =
            errors.take(FrontendSettings::from_config(&config, public_url.as_deref())).unwrap_or_default();
        settings.pages = errors.take(config.section(page_settings::SECTION)).flatten().unwrap_or_default();
        settings.valkey =
            errors.take(ValkeySettings::from_config(&config, settings.store.as_ref())).flatten();
        settings.section_digests = SectionDigests::of(&config);
        settings.reset = errors.take(reset_settings(&config)).unwrap_or_default();
        if let (true, Some(url)) = (settings.mail.is_some(), &public_url)
            && let Err(error) = BaseUrl::parse(url)
        {
            let expected = "the https address that links in mails begin with";
            let error = config.section_error("server", &["public_url"], error.to_string(), expected);
            errors.take::<()>(Err(error));
        }
        for entry in config.entries() {
            errors.take(check_backend(&config, entry));
        }
        errors.none()?;
        for (setting, text) in settings.without_effect(&config) {
            config.add_warning(setting, text);
        }
        settings.relative_to(path.parent().unwrap_or_else(|| Path::new("")));
        Ok((settings, config))
    }

    /// Checks settings against each other.
    fn check(&self, config: &Config) -> Result<(), InvalidConfig> {
        let (present, missing) = match (&self.tls_cert, &self.tls_key) {
            (Some(_), None) => ("tls_cert", "tls_key"),
            (None, Some(_)) => ("tls_key", "tls_cert"),
            _ => ("", ""),
        };
        let mut errors = Errors::default();
        if !present.is_empty() {
            let found = format!("it without {missing}");
            let expected = "both tls_cert and tls_key, or neither";
            errors.take::<()>(Err(config.section_error("server", &[present], found, expected)));
        }
        if self.metrics_listen.is_some_and(|metrics| metrics == self.listen && metrics.port() != 0) {
            let found = format!("{:?}", self.listen.to_string());
            let expected = "another port than that of listen";
            errors.take::<()>(Err(config.section_error("server", &["metrics_listen"], found, expected)));
        }
        errors.none()
    }

    /// Settings of this configuration that do nothing in their place, with the reason.
    fn without_effect(&self, config: &Config) -> Vec<(&'static str, String)> {
        let written = |name: &str| config.section::<serde_json::Value>(name).ok().flatten();
        let mut found = Vec::new();
        let hosts = &self.trusted_hosts;
        let is_every_host = hosts.iter().any(|host| host == "*");
        for (nth, host) in hosts.iter().enumerate() {
            let is_again = hosts.iter().take(nth).any(|other| other.eq_ignore_ascii_case(host));
            if is_again {
                found.push(("server.trusted_hosts", format!("{host:?} is listed more than once")));
            } else if is_every_host && host != "*" {
                let text = format!("no effect for {host:?}: \"*\" in the list is every host");
                found.push(("server.trusted_hosts", text));
            }
        }
        if let Some(all) = self.max_connections {
            let most = all.get().div_ceil(2);
            let is_set =
                written("server").is_some_and(|server| server.get("max_connections_per_source").is_some());
            if is_set && self.max_connections_per_source.get() > most {
                let text = format!("no effect above {most}: one source gets at most half of max_connections");
                found.push(("server.max_connections_per_source", text));
            }
        }
        match (&self.mail, written("mail")) {
            (Some(mail), Some(written)) => found.extend(mail.without_effect(&written)),
            _ => {
                let reset = written("reset").unwrap_or_default();
                let settings = ["reset.minutes", "reset.welcome_days", "reset.confirmation_hours"];
                let set = settings.into_iter().filter(|name| {
                    let field = name.trim_start_matches("reset.");
                    reset.get(field).is_some_and(|value| !value.is_null())
                });
                found.extend(set.map(|name| (name, "no effect without [mail]: no link is sent".to_owned())));
            }
        }
        found
    }

    /// Reported location of a user's files.
    pub fn home_of(&self, id: &UserId) -> String {
        format!("{}/{id}", self.data_directory.trim_end_matches('/'))
    }

    /// The federated id of a user.
    pub fn cloud_id(&self, id: &UserId) -> String {
        format!("{id}@{}", self.public_host())
    }

    /// The public URL of the server, without a trailing slash.
    pub fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => {
                let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
                format!("{scheme}://{}", self.listen)
            }
        }
    }

    /// Path of the pages below the public URL: empty, or such as `/cloud`.
    pub fn public_path(&self) -> String {
        let url = self.public_url();
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default().to_owned()
    }

    /// Host and port of the public address.
    pub fn public_host(&self) -> String {
        let url = self.public_url();
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
        host.split('/').next().unwrap_or_default().to_owned()
    }

    fn relative_to(&mut self, folder: &Path) {
        let files =
            [&mut self.tls_cert, &mut self.tls_key, &mut self.apps_directory, &mut self.proven_key_file];
        for path in files.into_iter().flatten() {
            *path = folder.join(&path);
        }
        if let Some(mail) = &mut self.mail {
            mail.relative_to(folder);
        }
        if let Some(valkey) = &mut self.valkey {
            valkey.relative_to(folder);
        }
        self.frontends.relative_to(folder);
        self.pages.relative_to(folder);
    }
}

/// The setting of the PHP system, by its own name.
const LOST: &str = "lost_password_link";

/// Everything that is wrong with a configuration.
#[derive(Default)]
struct Errors(Vec<ConfigError>);

impl Errors {
    /// What was read; `None` if that failed.
    fn take<T>(&mut self, read: Result<T, InvalidConfig>) -> Option<T> {
        read.map_err(|errors| self.0.extend(errors)).ok()
    }

    fn none(self) -> Result<(), InvalidConfig> {
        InvalidConfig::of(self.0).map_or(Ok(()), Err)
    }
}

fn reset_settings(config: &Config) -> Result<ResetSettings, InvalidConfig> {
    let mut errors = Errors::default();
    let settings: Option<ResetSettings> = errors.take(config.section("reset")).map(Option::unwrap_or_default);
    let link = errors.take(config.section::<LostPassword>(LOST)).flatten();
    let (Some(settings), Some(link)) = (&settings, link) else {
        return errors.none().map(|()| settings.unwrap_or_default());
    };
    let inner = settings.lost_password_link();
    if !inner.is_mail() && *inner != link {
        let found = "another one than at the top";
        return Err(config.section_error("reset", &[LOST], found, "one of them"));
    }
    Ok(settings.clone().with_lost_password_link(link))
}

/// Refuses ids that mean something else here.
///
/// The store would take the accounts of such a backend for local or for banned ones.
fn check_backend(config: &Config, entry: &Entry) -> Result<(), InvalidConfig> {
    let id = entry.id().as_str();
    let is_reserved = [LOCAL_BACKEND, LOCAL_BACKEND_IN_API].iter().any(|word| word.eq_ignore_ascii_case(id))
        || id.contains(['(', ')']);
    if !is_reserved {
        return Ok(());
    }
    let expected = format!(
        "an id other than \"{LOCAL_BACKEND}\" and \"{LOCAL_BACKEND_IN_API}\", without parentheses: these mean \
         accounts of this server"
    );
    Err(config.entry_error(entry.id(), "id", format!("{id:?}"), expected))
}

fn quota<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quota, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom("expected none, or a size such as \"5 GB\""))
}

fn public_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    match link::public_address(&text) {
        Ok(_) => Ok(Some(text)),
        Err(error) => {
            let expected = "an address such as \"https://cloud.example.com\"";
            Err(serde::de::Error::custom(format!("{error}, expected {expected}")))
        }
    }
}

fn trusted_hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let hosts = Vec::<TrustedHost>::deserialize(deserializer)?;
    Ok(hosts.into_iter().map(|host| host.0).collect())
}

/// A host as it stands in `Host`: a name or an address, with or without a port, or `*`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct TrustedHost(String);

impl TryFrom<String> for TrustedHost {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
        let is_host = |host: &str| match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => HostName::parse(host).is_some(),
        };
        let is_host_and_port =
            || text.rsplit_once(':').is_some_and(|(host, port)| is_host(host) && is_port(port));
        if text == "*" || is_host(&text) || text.parse::<Ipv6Addr>().is_ok() || is_host_and_port() {
            return Ok(Self(text));
        }
        Err(format!("{text:?}, expected a host such as \"cloud.example.com\", or \"*\" for every host"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use user_backend::transport::ServerTrust;

    use super::*;
    use crate::shown_config::tests::fields;

    fn ca_file_of(address: &crate::ValkeyAddress) -> PathBuf {
        match address {
            crate::ValkeyAddress::Tcp { endpoint, .. } => match endpoint.trust() {
                ServerTrust::CaFile(file) => file.clone(),
                trust => panic!("{trust:?}"),
            },
            address => panic!("{address:?}"),
        }
    }

    #[test]
    fn every_path_is_relative_to_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("user-backend.toml");
        let text = r#"
            [server]
            listen = "127.0.0.1:8443"
            tls_cert = "x.pem"
            tls_key = "x.key"
            apps_directory = "apps"
            proven_key_file = "proven.key"
            [pages]
            logo = "logo.svg"
            [mail]
            host = "mail.example.com"
            from = "cloud@example.com"
            ca_file = "ca.pem"
            [store]
            url = "postgres://db/users"
            [valkey]
            url = "valkeys://counts.example.com"
            ca_file = "valkey.pem"
            [frontends.saslauthd]
            path = "mux"
            [frontends.dovecot_auth]
            path = "auth"
            [frontends.occ]
            path = "occ.sock"
        "#;
        fs::write(&file, text).unwrap();
        let (settings, _) = ServerSettings::load(&file, &ClassRegistry::standard()).unwrap();
        let ServerSettings {
            tls_cert,
            tls_key,
            apps_directory,
            proven_key_file,
            pages,
            mail,
            valkey,
            frontends,
            ..
        } = settings;
        let mail = mail.unwrap();
        let ServerTrust::CaFile(ca_file) = mail.endpoint().trust() else { panic!("{:?}", mail.endpoint()) };
        let sockets = [
            frontends.saslauthd.unwrap().path,
            frontends.dovecot_auth.unwrap().path,
            frontends.occ.unwrap().path,
        ];
        let ca_files = [ca_file.clone(), ca_file_of(valkey.unwrap().address())];
        let files = [tls_cert, tls_key, apps_directory, proven_key_file, pages.logo];
        for path in files.into_iter().map(Option::unwrap).chain(sockets).chain(ca_files) {
            assert!(path.starts_with(folder.path()), "{path:?}");
        }
        // There is no other.
        let mut all = Vec::new();
        fields(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        let mut paths: Vec<_> = all
            .iter()
            .filter(|(_, _, kind)| kind.contains("PathBuf"))
            .map(|(_, name, _)| name.as_str())
            .collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            [
                "apps_directory",
                "ca_file",
                "ca_file",
                "logo",
                "path",
                "path",
                "path",
                "proven_key_file",
                "tls_cert",
                "tls_key"
            ]
        );
    }
}

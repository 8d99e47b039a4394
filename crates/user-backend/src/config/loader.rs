//! From a file or a text to a [`Config`].
//!
//! Reading, then every check across entries.

use std::path::Path;
use std::sync::Arc;

use super::endpoint::Remark;
use super::more_files;
use super::raw::RawSection;
use super::read::{self, Document, TopLevelKeys};
use super::settings::{self, ResolverSettings};
use super::warning::Warning;
use super::{BACKENDS, Config, Origin, entry_reader};
use crate::class::{ClassRegistry, Entry};
use crate::document::duration;
use crate::document::error::{ConfigError, Files, InvalidConfig, Problem, SettingLocation};
use crate::document::section::{Diagnostics, TableReader};
use crate::document::source::{self, Access, Format, Source};
use crate::document::tree::{Member, Node, Position, Value};
use crate::resolver::names::check_collisions;
use crate::resolver::policy::{BackendPolicy, OnReject, OnUnavailable};

/// The subject of warnings about other files of a PHP configuration.
const MORE_FILES: &str = "*.config.php";

/// The key under which `occ config:list` of the PHP system prints its settings.
const SYSTEM: &str = "system";

/// What it prints in the place of a secret, and of the arguments of a backend.
const HIDDEN: &str = "***REMOVED SENSITIVE VALUE***";

/// How to read a configuration: backend classes, and sections of other programs.
///
/// # Example
/// ```
/// use user_backend::config::{Format, Loader};
///
/// let text = "[server]\nlisten = \"127.0.0.1:8080\"\n[[user_backends]]\nclass = \"ftp\"\nhost = \"files.example.com\"";
/// assert!(Loader::new().parse(text, Format::Toml, "server.toml").is_err());
/// assert!(Loader::new().allow_section("server").parse(text, Format::Toml, "server.toml").is_ok());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Loader {
    registry: ClassRegistry,
    sections: Vec<String>,
    read: Vec<ExtraSection>,
    without_backends: bool,
}

/// A top-level key that the embedding program reads.
#[derive(Clone, Debug)]
struct ExtraSection {
    name: String,
    /// Whether a `config.php` uses the same name.
    shared: bool,
}

impl ExtraSection {
    fn key(&self, format: Format) -> String {
        match format {
            Format::Php if !self.shared => format!("{BACKENDS}_{}", self.name),
            Format::Php | Format::Toml | Format::Json => self.name.clone(),
        }
    }
}

impl Loader {
    /// A loader with the classes of this crate, and no additional sections.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads with these classes, which also create the backends later.
    ///
    /// Default: the classes of this crate.
    pub fn with_registry(mut self, registry: ClassRegistry) -> Self {
        self.registry = registry;
        self
    }

    /// Leaves a top-level key to the caller: it is neither read nor an error.
    ///
    /// This is for TOML and JSON files. In a `config.php`, every key but those of this library is
    /// left alone anyway.
    pub fn allow_section(mut self, name: impl Into<String>) -> Self {
        self.sections.push(name.into());
        self
    }

    /// Reads a top-level key for you, to be had from [`Config::section`].
    ///
    /// In a `config.php` its name begins with `user_backends_`.
    pub fn section(mut self, name: impl Into<String>) -> Self {
        self.read.push(ExtraSection { name: name.into(), shared: false });
        self
    }

    /// Like a section, for a setting of the PHP system, such as `lost_password_link`.
    ///
    /// Its name is the same in all formats.
    pub fn setting(mut self, name: impl Into<String>) -> Self {
        self.read.push(ExtraSection { name: name.into(), shared: true });
        self
    }

    /// Allows a file without `user_backends`, or with an empty array.
    ///
    /// For programs with their own backend.
    pub fn allow_no_backends(mut self) -> Self {
        self.without_backends = true;
        self
    }

    /// Reads a file of at most 1 MiB.
    ///
    /// Its name gives the format: `.toml`, `.json` or `.php`. A relative `ca_file` is relative to
    /// the file's directory. With `config.php`, every `*.config.php` beside it is read too, as the
    /// PHP system does.
    ///
    /// # Errors
    /// [`InvalidConfig`]: everything that is wrong with it.
    ///
    /// # Security
    /// On Unix, a file that others may change is refused ([`crate::file_permissions`]); so is one
    /// that others may read, if it holds a secret (such as `dbpassword` in a `config.php`).
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Config, InvalidConfig> {
        let (config, errors) = self.load_partly(path)?;
        InvalidConfig::of(errors).map_or(Ok(config), Err)
    }

    /// As [`Self::load`], with what can be read of a file that has errors.
    ///
    /// For a program with sections of its own: it adds its errors, so that an operator sees all at
    /// once. Entries of `user_backends` with errors are left out.
    ///
    /// # Errors
    /// [`InvalidConfig`], when nothing of it can be read.
    pub fn load_partly(&self, path: impl AsRef<Path>) -> Result<(Config, Vec<ConfigError>), InvalidConfig> {
        let path = path.as_ref();
        let file: Arc<str> = path.display().to_string().into();
        let failed = |problem| {
            InvalidConfig::from(ConfigError::new(
                Arc::clone(&file),
                None,
                SettingLocation::default(),
                problem,
            ))
        };
        let Some(format) = Format::of(path) else {
            let problem =
                Problem::new("a file name that does not tell the format", ".toml, .json or .php at its end");
            return Err(failed(problem));
        };
        let source = source::read(path).map_err(failed)?;
        let mut diagnostics = Diagnostics::new(Arc::clone(&file), format);
        let mut sources = vec![source];
        if format == Format::Php {
            let more = more_files::beside(path).map_err(|error| {
                failed(Problem::new(
                    format!("a folder that cannot be listed: {error}"),
                    "one with the other files",
                ))
            })?;
            for path in more {
                let name: Arc<str> = path.display().to_string().into();
                let failed = |problem| {
                    InvalidConfig::from(ConfigError::new(
                        Arc::clone(&name),
                        None,
                        SettingLocation::default(),
                        problem,
                    ))
                };
                sources.push(source::read(&path).map_err(failed)?);
                diagnostics.files.add(name);
            }
        }
        self.read(sources, diagnostics, path.parent())
    }

    /// Reads a text of at most 1 MiB.
    ///
    /// `name` is what errors call it; a relative `ca_file` is relative to its directory.
    ///
    /// # Errors
    /// [`InvalidConfig`]: everything that is wrong with it.
    pub fn parse(&self, text: &str, format: Format, name: &str) -> Result<Config, InvalidConfig> {
        let source = Source { text: text.to_owned(), access: Access::default() };
        let diagnostics = Diagnostics::new(name.into(), format);
        let (config, errors) = self.read(vec![source], diagnostics, Path::new(name).parent())?;
        InvalidConfig::of(errors).map_or(Ok(config), Err)
    }

    fn read(
        &self,
        sources: Vec<Source>,
        diagnostics: Diagnostics,
        base: Option<&Path>,
    ) -> Result<(Config, Vec<ConfigError>), InvalidConfig> {
        let config = self.read_into(sources, &diagnostics, base);
        let errors = diagnostics.into_errors();
        let Some(config) = config else {
            // Every failure pushes an error; if that is ever missing, the configuration is still
            // refused.
            return Err(InvalidConfig::of(errors).unwrap_or_else(|| {
                InvalidConfig::from(ConfigError::new(
                    "".into(),
                    None,
                    SettingLocation::default(),
                    Problem::new("something that cannot be read", "a configuration"),
                ))
            }));
        };
        Ok((config, errors))
    }

    fn read_into(
        &self,
        sources: Vec<Source>,
        diagnostics: &Diagnostics,
        base: Option<&Path>,
    ) -> Option<Config> {
        let whole = |problem| diagnostics.push(None, &SettingLocation::default(), problem);
        let size = sources.iter().map(|source| source.text.len()).sum();
        if let Err(problem) = source::check_size(size) {
            whole(problem);
            return None;
        }
        let is_empty = sources.iter().all(|source| source.text.trim().is_empty());
        if is_empty && !self.without_backends {
            whole(
                Problem::new("an empty file", "`user_backends`")
                    .hint("without a backend, no user can sign in"),
            );
            return None;
        }
        let mut left_out = Vec::new();
        let document = self.documents(sources, diagnostics, &mut left_out)?;
        let Document { dialect, .. } = document;
        if dialect == diagnostics.format {
            self.check_sections(&document, diagnostics);
        }
        if !self.is_whole(&document, diagnostics) {
            return None;
        }
        let mut warnings = left_out;
        let resolver = self.resolver(&document, diagnostics, &mut warnings);
        let read = self.entries(&document, diagnostics, base, &resolver);
        let (mut entries, mut origins) = (Vec::new(), Vec::new());
        for (entry, origin, remarks) in read {
            warnings.extend(remarks);
            entries.push(entry);
            origins.push(origin);
        }
        check_together(&entries, &origins, diagnostics);
        warnings.extend(without_cache(&document, &entries, &diagnostics.files));
        let extra = self.read.iter().map(|extra| (extra.name.as_str(), extra.key(dialect)));
        let own = [(BACKENDS, BACKENDS), ("resolver", resolver_key(dialect))]
            .map(|(name, key)| (name, key.to_owned()));
        let sections = extra.chain(own).filter_map(|(name, key)| {
            let is_read = |node: &&Node| !matches!(node.value, Value::Null | Value::Broken);
            let node = find(&document, &key).filter(is_read)?;
            Some(RawSection { name: name.to_owned(), key, node: node.clone() })
        });
        let sections = sections.collect();
        let registry = self.registry.clone();
        Some(Config {
            files: diagnostics.files.clone(),
            registry,
            entries,
            origins,
            resolver,
            sections,
            warnings,
        })
    }

    /// Reads all files as one: a key of a later file takes the place of an earlier one.
    fn documents(
        &self,
        sources: Vec<Source>,
        diagnostics: &Diagnostics,
        left_out: &mut Vec<Warning>,
    ) -> Option<Document> {
        let keys = self.keys(diagnostics.format);
        let mut whole: Option<Document> = None;
        for (number, Source { text, access }) in sources.into_iter().enumerate() {
            let start = Position { source: number, ..Position::START };
            let before = diagnostics.count();
            let read = match number {
                0 => read::read(&text, &keys, diagnostics),
                _ => read::read_more(&text, number, &keys, diagnostics),
            };
            let Some(document) = read else {
                // What cannot be read and is not meant for us may be left out.
                if number == 0 || read::mentions(&text, &keys) {
                    return None;
                }
                for error in diagnostics.take_after(before) {
                    left_out.push(Warning::new(None, MORE_FILES, format!("left out: {error}")));
                }
                continue;
            };
            let file = diagnostics.files.name(Some(start));
            for problem in access.check(document.secret.as_deref(), &file) {
                diagnostics.push(Some(start).filter(|_| number > 0), &SettingLocation::default(), problem);
            }
            match &mut whole {
                Some(whole) => {
                    for member in document.members {
                        whole.members.retain(|earlier| earlier.key != member.key);
                        whole.members.push(member);
                    }
                }
                None => whole = Some(document),
            }
        }
        let document = whole?;
        Some(if diagnostics.format == Format::Json { self.of_system(document) } else { document })
    }

    /// The settings in the output of `occ config:list` of the PHP system: `{"system": {…}}`.
    ///
    /// They have the names of a `config.php`.
    fn of_system(&self, document: Document) -> Document {
        let system = document.members.iter().find(|member| member.key.is(SYSTEM));
        let Some(settings) = system.and_then(|member| member.node.value.members()) else { return document };
        if find(&document, BACKENDS).is_some() {
            return document;
        }
        let TopLevelKeys { ours, shared } = self.keys(Format::Php);
        let is_read = |member: &&Member| ours.iter().chain(&shared).any(|key| member.key.is(key));
        let members = settings.iter().filter(is_read).cloned().collect();
        Document { members, secret: document.secret, dialect: Format::Php }
    }

    /// Reports values that `occ config:list` of the PHP system hides.
    fn is_whole(&self, document: &Document, diagnostics: &Diagnostics) -> bool {
        let hidden = document.members.iter().find_map(|member| Some((member, hidden_in(&member.node)?)));
        let Some((member, at)) = hidden else { return true };
        let problem = Problem::new("a value that is hidden", "the value");
        diagnostics.push(
            Some(at),
            &SettingLocation::section(member.key.text()),
            problem.hint("`occ config:list --private` of the PHP system prints it"),
        );
        false
    }

    /// Reports unknown top-level keys.
    fn check_sections(&self, document: &Document, diagnostics: &Diagnostics) {
        let top = TableReader::over(diagnostics, SettingLocation::default(), &document.members);
        let mut known = vec![BACKENDS, resolver_key(diagnostics.format)];
        known.extend(self.sections.iter().map(String::as_str));
        let read: Vec<String> = self.read.iter().map(|extra| extra.key(diagnostics.format)).collect();
        known.extend(read.iter().map(String::as_str));
        top.only(&known, |_| None);
    }

    fn keys(&self, format: Format) -> TopLevelKeys {
        let (shared, own): (Vec<_>, Vec<_>) = self.read.iter().partition(|extra| extra.shared);
        let own = own.into_iter().map(|extra| extra.key(format));
        let ours = [BACKENDS.to_owned(), resolver_key(format).to_owned()].into_iter().chain(own);
        let shared = shared.into_iter().map(|extra| extra.key(format));
        TopLevelKeys { ours: ours.collect(), shared: shared.collect() }
    }

    fn resolver(
        &self,
        document: &Document,
        diagnostics: &Diagnostics,
        warnings: &mut Vec<Warning>,
    ) -> ResolverSettings {
        let key = resolver_key(document.dialect);
        let section = find(document, key).filter(|node| node.value != Value::Null).and_then(|node| {
            TableReader::open(diagnostics, SettingLocation::section(key), node, "an array with named fields")
        });
        let Some(section) = section else { return ResolverSettings::default() };
        let mut remarks = Vec::new();
        let settings = settings::read(&section, &mut remarks);
        warnings.extend(remarks.into_iter().map(|(setting, text)| {
            let at = section.field(setting).map_or(section.at, |field| field.node.at);
            Warning::new(None, setting, text).at(&diagnostics.files, at)
        }));
        settings
    }

    fn entries(
        &self,
        document: &Document,
        diagnostics: &Diagnostics,
        base: Option<&Path>,
        resolver: &ResolverSettings,
    ) -> Vec<(Entry, Origin, Vec<Warning>)> {
        let place = SettingLocation::section(BACKENDS);
        let Some(node) = find(document, BACKENDS) else {
            if self.without_backends {
                return Vec::new();
            }
            diagnostics.push(
                None,
                &place,
                Problem::new("nothing", "an array of backends").hint(example(diagnostics.format)),
            );
            return Vec::new();
        };
        if node.value == Value::Broken {
            return Vec::new();
        }
        let Some(nodes) = node.value.elements() else {
            diagnostics.push(
                Some(node.at),
                &place,
                Problem::new(node.value.shown(), "an array of backends").hint(example(diagnostics.format)),
            );
            return Vec::new();
        };
        if nodes.is_empty() && !self.without_backends {
            let problem = Problem::new("an empty array", "at least one backend");
            diagnostics.push(Some(node.at), &place, problem.hint("without a backend, no user can sign in"));
            return Vec::new();
        }
        let mut entries = Vec::new();
        let count = nodes.len();
        for (index, node) in nodes.into_iter().enumerate() {
            let place = SettingLocation::entry(BACKENDS, index);
            let Some(section) =
                TableReader::open(diagnostics, place, node, "an array with `class` and its settings")
            else {
                continue;
            };
            if let Some((entry, mut warnings)) = entry_reader::read(&section, &self.registry, base) {
                let is_last = index + 1 == count;
                let among_others = too_patient(&entry, resolver).into_iter();
                let among_others =
                    among_others.chain(is_last.then(|| without_successor(&entry)).into_iter().flatten());
                warnings.extend(among_others.map(|(setting, text)| {
                    let at = section.field(setting).map_or(section.at, |field| field.node.at);
                    Warning::new(Some(entry.id.clone()), setting, text).at(&diagnostics.files, at)
                }));
                let is_positional = section.field("arguments").is_some();
                entries.push((entry, Origin { index, at: node.at, is_positional }, warnings));
            }
        }
        entries
    }
}

/// The first value of a tree that replaces a hidden one.
fn hidden_in(node: &Node) -> Option<Position> {
    match &node.value {
        Value::Text(text) => (text == HIDDEN).then_some(node.at),
        Value::List(nodes) => nodes.iter().find_map(hidden_in),
        Value::Table(members) => members.iter().find_map(|member| hidden_in(&member.node)),
        _ => None,
    }
}

fn find<'d>(document: &'d Document, key: &str) -> Option<&'d Node> {
    document.members.iter().find(|Member { key: name, .. }| name.is(key)).map(|member| &member.node)
}

fn resolver_key(format: Format) -> &'static str {
    match format {
        Format::Php => read::PHP_RESOLVER_KEY,
        Format::Toml | Format::Json => "resolver",
    }
}

fn example(format: Format) -> &'static str {
    match format {
        Format::Toml => {
            "[[user_backends]] in double brackets, then class = \"imap\" and host = \"mail.example.com\""
        }
        Format::Json => r#"{"user_backends": [{"class": "imap", "host": "mail.example.com"}]}"#,
        Format::Php => "'user_backends' => [['class' => 'imap', 'host' => 'mail.example.com']],",
    }
}

/// Reports what is wrong between entries, each of which is fine by itself.
fn check_together(entries: &[Entry], origins: &[Origin], diagnostics: &Diagnostics) {
    for (nth, (entry, origin)) in entries.iter().zip(origins).enumerate() {
        let earlier = entries.iter().zip(origins).take(nth).find(|(earlier, _)| earlier.id == entry.id);
        if let Some((_, first)) = earlier {
            let problem = Problem::new(
                format!(
                    "the id \"{}\" again, which is that of {BACKENDS}[{}] in line {}",
                    entry.id, first.index, first.at.line
                ),
                "an id of its own",
            );
            let line = diagnostics.format.line("id", &diagnostics.format.text(&format!("{}-2", entry.class)));
            let place = SettingLocation::entry(BACKENDS, origin.index).field("id");
            diagnostics.push(Some(origin.at), &place, problem.hint(format!("set one: {line}")));
        }
    }
    let rules = entries.iter().map(|entry| (entry.id(), entry.names.domain()));
    if let Err(collision) = check_collisions(rules) {
        // By id and domain: two entries may have one id, which is another error.
        let second = entries.iter().zip(origins).find(|(entry, _)| {
            entry.id == collision.second && entry.names.domain().strips(&collision.second_domain)
        });
        let (at, place) = match second {
            Some((_, origin)) => {
                (Some(origin.at), SettingLocation::entry(BACKENDS, origin.index).field("strip_domain"))
            }
            None => (None, SettingLocation::section(BACKENDS)),
        };
        let problem = Problem::new(
            format!(
                "{} stripped, where \"{}\" strips {}",
                collision.second_domain, collision.first, collision.first_domain
            ),
            "one domain at most that is stripped",
        );
        diagnostics.push(
            at,
            &place,
            problem.hint(format!(
                "user@{} and user@{} would be one user; keep the domain at one of them: {}",
                collision.first_domain,
                collision.second_domain,
                diagnostics.format.line("strip_domain", "false")
            )),
        );
    }
}

/// Bounds of the cache, where no backend has its outcomes kept.
fn without_cache<'d>(
    document: &'d Document,
    entries: &[Entry],
    files: &'d Files,
) -> impl Iterator<Item = Warning> + 'd {
    let keeps = |entry: &Entry| {
        let BackendPolicy { cache_accepted, cache_rejected, max_stale, .. } = &entry.policy;
        !cache_accepted.is_zero() || !cache_rejected.is_zero() || max_stale.is_some()
    };
    let is_unused = !entries.is_empty() && !entries.iter().any(keeps);
    let section = find(document, resolver_key(document.dialect)).and_then(|node| node.value.members());
    let members = section.unwrap_or_default().iter().filter(move |_| is_unused);
    members.filter_map(move |member| {
        let setting = ["cache_entries", "cache_bytes"].into_iter().find(|name| member.key.is(name))?;
        let text = "no effect for these backends: all have cache_accepted, cache_rejected and max_stale off";
        Some(Warning::new(None, setting, text).at(files, member.node.at))
    })
}

/// Settings of the last backend about later ones.
fn without_successor(last: &Entry) -> impl Iterator<Item = Remark> {
    let stops = last.policy.on_reject == OnReject::Stop;
    let goes_on = last.policy.on_unavailable == OnUnavailable::Continue;
    let set = [("on_reject", stops), ("on_unavailable", goes_on)].into_iter().filter(|(_, is_set)| *is_set);
    set.map(|(setting, _)| (setting, "no effect: no backend comes after this one".to_owned()))
}

/// A backend that may take longer than the whole chain.
fn too_patient(entry: &Entry, resolver: &ResolverSettings) -> Option<Remark> {
    let timeout = entry.endpoint.as_ref()?.timeout();
    (timeout > resolver.deadline).then(|| {
        let (timeout, deadline) = (duration::shown(timeout), duration::shown(resolver.deadline));
        let text = format!(
            "{timeout} is never reached: the resolver's deadline for all backends together is {deadline}"
        );
        ("timeout", text)
    })
}

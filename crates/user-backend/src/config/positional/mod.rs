//! The positional `arguments` of the PHP app, of both its generations, with PHP's loose types.
//!
//! | class | arguments |
//! |---|---|
//! | imap | mailbox string, domain = "" |
//! | imap | host, port = 143, sslmode = null, domain = "", stripDomain = true, groupDomain = false |
//! | ftp | host or host:port, secure = false |
//! | smb | host |
//!
//! The class name does not tell the generations of `imap` apart: `OC_User_IMAP` has meant both. A first argument that
//! begins with `{` does. A `null` is an argument that was not given.

mod loose;

use super::class::Kind;
use super::mailbox::{self, MailboxTls};
use crate::document::error::Problem;
use crate::document::host;
use crate::document::section::{Field, nearest};
use crate::document::source::Format;
use crate::document::tree::{Key, Node, Value};
use crate::transport::TlsMode;

/// What arguments say. What they leave unsaid may be said by name beside them.
#[derive(Clone, Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) host: Option<Spot<'a, String>>,
    pub(super) port: Option<Spot<'a, u16>>,
    pub(super) tls: SaidTls<'a>,
    pub(super) any_certificate: Option<Field<'a>>,
    pub(super) domain: Option<Spot<'a, &'a str>>,
    pub(super) strip: Option<Spot<'a, bool>>,
    pub(super) group: Option<Spot<'a, bool>>,
}

/// A value and the argument that says it.
#[derive(Clone, Debug)]
pub(super) struct Spot<'a, T> {
    pub(super) value: T,
    pub(super) field: Field<'a>,
}

/// What arguments say about encryption.
#[derive(Clone, Debug, Default)]
pub(super) enum SaidTls<'a> {
    /// Nothing: the defaults of named fields hold.
    #[default]
    Unsaid,
    /// Nothing, which in the PHP app meant clear text.
    ImpliesPlaintext(Field<'a>),
    /// Nothing, which in the PHP app meant STARTTLS if the server offers it, and clear text if not.
    Opportunistic,
    /// This, by this argument.
    Mode(TlsMode, Field<'a>),
    /// Clear text in so many words; with the line to write instead.
    Plaintext { field: Field<'a>, instead: String },
}

const MAILBOX: [&str; 2] = ["mailbox", "domain"];
const IMAP: [&str; 6] = ["host", "port", "sslmode", "domain", "stripDomain", "groupDomain"];
const FTP: [&str; 2] = ["host", "secure"];
const SMB: [&str; 1] = ["host"];

/// Reads the arguments of a class. Reports what is wrong; `None` when the host is not among what is right.
pub(super) fn read<'a>(kind: &Kind, arguments: &Field<'a>) -> Option<Said<'a>> {
    let given = Given::new(arguments)?;
    match kind {
        Kind::Imap if given.is_mailbox() => mailbox(&given.named(&MAILBOX)?, arguments),
        Kind::Imap => imap(&given.named(&IMAP)?),
        Kind::Ftp => ftp(&given.named(&FTP)?, arguments),
        Kind::Smb => smb(&given.named(&SMB)?),
        Kind::Custom(_) => arguments
            .fail(Problem::new("positional arguments", "named fields, which is all that this class knows")),
    }
}

fn mailbox<'a>(named: &Named<'a>, arguments: &Field<'a>) -> Option<Said<'a>> {
    let first = named.required("a mailbox string")?;
    let text = first.text("a mailbox string")?;
    let read = first.parsed(mailbox::parse(text))?;
    let domain = named.domain();
    let tls = match read.tls {
        MailboxTls::Implicit => SaidTls::Mode(TlsMode::Implicit, first.clone()),
        MailboxTls::Explicit => SaidTls::Mode(TlsMode::Explicit, first.clone()),
        MailboxTls::Unsaid => SaidTls::Opportunistic,
        MailboxTls::Never => {
            let encrypted = first.sink.format.text(&mailbox::encrypted(text));
            SaidTls::Plaintext { instead: line(arguments, &first, &encrypted), field: first.clone() }
        }
    };
    Some(Said {
        host: Some(Spot { value: read.host, field: first.clone() }),
        port: read.port.map(|value| Spot { value, field: first.clone() }),
        tls,
        any_certificate: read.any_certificate.then(|| first.clone()),
        // The old class stripped the domain always and knew no groups. That is the default for a domain from an argument;
        // the arguments do not say it, so a field may say otherwise.
        strip: None,
        group: None,
        domain,
    })
}

fn imap<'a>(named: &Named<'a>) -> Option<Said<'a>> {
    let host = named.host();
    let port = named.get(1).and_then(|field| Some(Spot { value: loose::port(&field)?, field }));
    let tls = match named.get(2) {
        None => named.get(0).map_or(SaidTls::Unsaid, SaidTls::ImpliesPlaintext),
        Some(field) => loose::sslmode(&field).map_or(SaidTls::Unsaid, |mode| SaidTls::Mode(mode, field)),
    };
    let domain = named.domain();
    let boolean = |nth: usize| {
        let field = named.get(nth)?;
        Some(Spot { value: loose::boolean(&field)?, field })
    };
    let (strip, group) = (boolean(4), boolean(5));
    Some(Said { host: Some(host?), port, tls, any_certificate: None, domain, strip, group })
}

fn ftp<'a>(named: &Named<'a>, arguments: &Field<'a>) -> Option<Said<'a>> {
    let first = named.required("a host")?;
    let address = first.text("a host").and_then(|text| first.parsed(host::parse_with_port(text)));
    let tls = match named.get(1) {
        None => SaidTls::ImpliesPlaintext(first.clone()),
        Some(field) => match loose::boolean(&field) {
            Some(true) => SaidTls::Mode(TlsMode::Explicit, field),
            Some(false) => SaidTls::Plaintext { instead: line(arguments, &field, "true"), field },
            None => SaidTls::Unsaid,
        },
    };
    let (value, port) = address?;
    let port = port.map(|value| Spot { value, field: first.clone() });
    Some(Said { host: Some(Spot { value, field: first }), port, tls, ..Said::default() })
}

fn smb<'a>(named: &Named<'a>) -> Option<Said<'a>> {
    let field = named.required("a host")?;
    let text = field.text("a host")?;
    let problem = match host::parse(text) {
        Ok(value) => return Some(Said { host: Some(Spot { value, field }), ..Said::default() }),
        Err(problem) => problem,
    };
    let problem = match text.trim_start_matches(['/', '\\']).split_once(['/', '\\']) {
        Some((_, share)) if !text.contains("://") => problem.hint(format!(
            "a share has a field of its own: {}",
            field.sink.format.line("share", &field.sink.format.text(share.trim_end_matches(['/', '\\'])))
        )),
        _ => problem,
    };
    field.fail(problem)
}

/// Arguments as they were given, each with its key.
struct Given<'a> {
    arguments: Field<'a>,
    fields: Vec<(Key, Field<'a>)>,
}

impl<'a> Given<'a> {
    fn new(arguments: &Field<'a>) -> Option<Self> {
        let field = |key: &Key, node| {
            let place = match key {
                Key::Index(index) => arguments.place.element(index),
                Key::Name(_) => arguments.place.field(&key.shown()),
            };
            (key.clone(), Field { sink: arguments.sink, place, node })
        };
        let fields = match &arguments.node.value {
            Value::List(nodes) => (0..).zip(nodes).map(|(nth, node)| field(&Key::Index(nth), node)).collect(),
            Value::Table(members) => members.iter().map(|member| field(&member.key, &member.node)).collect(),
            other => {
                let mut problem = Problem::new(other.shown(), "an array of arguments");
                if let Value::Text(text) = other {
                    let format = arguments.sink.format;
                    problem = problem.hint(format!(
                        "write {}",
                        format.line("arguments", &format!("[{}]", format.text(text)))
                    ));
                }
                return arguments.fail(problem);
            }
        };
        Some(Self { arguments: arguments.clone(), fields })
    }

    fn is_mailbox(&self) -> bool {
        self.fields.iter().any(|(key, field)| match (key, &field.node.value) {
            (Key::Index(0), Value::Text(text)) => mailbox::is_meant(text),
            (key, _) => key.is("mailbox"),
        })
    }

    /// Puts every argument in its place by number or by name.
    fn named(&self, parameters: &[&'static str]) -> Option<Named<'a>> {
        let mut places: Vec<Option<Field<'a>>> = vec![None; parameters.len()];
        let (mut numbered, mut broken) = (Vec::new(), false);
        for (key, field) in &self.fields {
            let place = match key {
                Key::Index(index) => usize::try_from(*index).ok().filter(|index| *index < parameters.len()),
                Key::Name(name) => parameters.iter().position(|parameter| parameter == name),
            };
            let Some(slot) = place.and_then(|place| places.get_mut(place)) else {
                field.fail::<()>(surplus(key, parameters));
                broken = true;
                continue;
            };
            if let (Key::Index(_), Some(place)) = (key, place) {
                numbered.push(place);
            }
            if slot.replace(field.clone()).is_some() {
                field.fail::<()>(Problem::new("it for the second time", "every argument once"));
                broken = true;
            }
        }
        numbered.sort_unstable();
        if let Some(missing) = (0..numbered.len()).find(|nth| numbered.get(*nth) != Some(nth)) {
            let name = parameters.get(missing).copied().unwrap_or_default();
            let place = self.arguments.place.element(missing);
            let field = Field { place, ..self.arguments.clone() };
            let problem = Problem::new("nothing", format!("{name}, because later arguments follow"))
                .hint("write null for an argument that should keep its default");
            field.fail::<()>(problem);
            broken = true;
        }
        (!broken).then_some(Named { arguments: self.arguments.clone(), places })
    }
}

fn surplus(key: &Key, parameters: &[&str]) -> Problem {
    let expected = format!("at most {} here: {}", count(parameters.len()), parameters.join(", "));
    match key {
        Key::Index(_) => Problem::new("one argument too many", expected),
        Key::Name(name) => {
            let problem = Problem::new("an unknown argument", expected);
            match nearest(name, parameters) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem,
            }
        }
    }
}

fn count(arguments: usize) -> String {
    if arguments == 1 { "1 argument".to_owned() } else { format!("{arguments} arguments") }
}

/// Arguments, each in its place.
struct Named<'a> {
    arguments: Field<'a>,
    places: Vec<Option<Field<'a>>>,
}

impl<'a> Named<'a> {
    /// An argument that was given and is not null.
    fn get(&self, nth: usize) -> Option<Field<'a>> {
        self.places.get(nth)?.clone().filter(|field| field.node.value != Value::Null)
    }

    /// The first argument.
    fn required(&self, what: &str) -> Option<Field<'a>> {
        let first = self.get(0);
        if first.is_none() {
            let place = self.arguments.place.element(0);
            Field { place, ..self.arguments.clone() }.fail::<()>(Problem::new("nothing", what));
        }
        first
    }

    fn host(&self) -> Option<Spot<'a, String>> {
        let field = self.required("a host or a mailbox string")?;
        let value = field.parsed(host::parse(field.text("a host")?))?;
        Some(Spot { value, field })
    }

    /// The argument `domain`, which has the same name in both generations of `imap`. Empty means none.
    fn domain(&self) -> Option<Spot<'a, &'a str>> {
        let field = self.get(if self.places.len() == MAILBOX.len() { 1 } else { 3 })?;
        // PHP's `if` takes false for the empty text, and people wrote it so.
        if field.node.value == Value::Bool(false) {
            return None;
        }
        let value = field.text("a domain such as \"example.com\", or null")?;
        (!value.is_empty()).then_some(Spot { value, field })
    }
}

/// The whole line of arguments with one of them changed.
fn line<'a>(arguments: &Field<'a>, changed: &Field<'a>, to: &str) -> String {
    let format = arguments.sink.format;
    let Some(nodes) = arguments.node.value.elements() else { return format!("{to} as {}", changed.place) };
    let shown = |node: &Node| {
        if std::ptr::eq(node, changed.node) { to.to_owned() } else { literal(format, node) }
    };
    let values: Vec<String> = nodes.into_iter().map(shown).collect();
    format.line("arguments", &format!("[{}]", values.join(", ")))
}

fn literal(format: Format, node: &Node) -> String {
    match &node.value {
        Value::Text(text) => format.text(text),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        _ => "null".to_owned(),
    }
}

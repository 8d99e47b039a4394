//! The positional `arguments` of the PHP app, with PHP's loose types.
//!
//! What every class needs to read its own.
//!
//! A `null` is an argument that was not given. Named fields may add what the arguments leave out.

use crate::document::host;
use crate::document::section::nearest;
use crate::document::source::Format;
use crate::document::tree::{Key, Node, Value, quoted};
use crate::document::{Field, Problem};
use crate::transport::TlsMode;

/// Values of positional arguments.
///
/// Missing ones may be given by name.
#[derive(Clone, Debug, Default)]
pub struct NamedFields<'a> {
    /// `host`.
    pub host: Option<Located<'a, String>>,
    /// `port`.
    pub port: Option<Located<'a, u16>>,
    /// `tls`.
    pub tls: PositionalTls<'a>,
    /// The argument that asks for any certificate to be accepted.
    pub any_certificate: Option<Field<'a>>,
    /// The argument that asks for the certificate to be checked, as it is anyway.
    pub checked_certificate: Option<Field<'a>>,
    /// Parts of arguments that do nothing: what a warning says, and the argument.
    pub without_effect: Vec<Located<'a, String>>,
    /// `domain`.
    pub domain: Option<Located<'a, &'a str>>,
    /// `strip_domain`.
    pub strip_domain: Option<Located<'a, bool>>,
    /// `group_by_domain`.
    pub group_by_domain: Option<Located<'a, bool>>,
    /// Own fields of the class.
    pub own: Vec<(&'static str, Field<'a>)>,
    /// Own fields that are a part of an argument, such as the path of an address.
    ///
    /// Each with its text and its argument.
    pub own_texts: Vec<(&'static str, String, Field<'a>)>,
}

impl<'a> NamedFields<'a> {
    /// The argument that says a setting.
    pub(crate) fn argument(&self, setting: &str) -> Option<&Field<'a>> {
        match setting {
            "host" => self.host.as_ref().map(|spot| &spot.field),
            "port" => self.port.as_ref().map(|spot| &spot.field),
            "tls" | "allow_plaintext" => self.tls.argument(),
            "arguments" => self.any_certificate.as_ref().or(self.checked_certificate.as_ref()),
            "domain" | "add_domain" => self.domain.as_ref().map(|spot| &spot.field),
            "strip_domain" => self.strip_domain.as_ref().map(|spot| &spot.field),
            "group_by_domain" => self.group_by_domain.as_ref().map(|spot| &spot.field),
            own => self.own(own),
        }
    }

    /// The value of a class's own field in the arguments.
    pub(crate) fn own(&self, name: &str) -> Option<&Field<'a>> {
        let part = || self.own_texts.iter().find(|(own, ..)| *own == name).map(|(.., field)| field);
        self.own.iter().find(|(own, _)| *own == name).map(|(_, field)| field).or_else(part)
    }
}

/// A value and the argument that says it.
#[derive(Clone, Debug)]
pub struct Located<'a, T> {
    /// The value.
    pub value: T,
    /// The argument.
    pub field: Field<'a>,
}

/// The encryption in the arguments.
#[derive(Clone, Debug, Default)]
pub enum PositionalTls<'a> {
    /// Nothing: the defaults of named fields hold.
    #[default]
    Unset,
    /// Nothing, which in the PHP app meant clear text.
    ImpliesPlaintext(Field<'a>),
    /// No TLS setting, which in the PHP app meant STARTTLS if offered, else clear text.
    Opportunistic,
    /// This, by this argument.
    Mode(TlsMode, Field<'a>),
    /// Explicit clear text.
    Plaintext {
        /// The argument that requests it.
        field: Field<'a>,
        /// The line to write instead.
        instead: String,
    },
}

impl<'a> PositionalTls<'a> {
    fn argument(&self) -> Option<&Field<'a>> {
        match self {
            Self::Unset | Self::Opportunistic => None,
            Self::ImpliesPlaintext(field) | Self::Mode(_, field) | Self::Plaintext { field, .. } => {
                Some(field)
            }
        }
    }
}

/// Arguments as they were given, each with its number or name.
#[derive(Clone, Debug)]
pub struct Arguments<'a> {
    arguments: Field<'a>,
    fields: Vec<(Key, Field<'a>)>,
}

impl<'a> Arguments<'a> {
    /// Opens an array, or reports that the value is not one.
    pub(crate) fn new(arguments: &Field<'a>) -> Option<Self> {
        let field = |key: &Key, node| {
            let place = match key {
                Key::Index(index) => arguments.place.element(index),
                Key::Name(_) => arguments.place.field(&key.shown()),
            };
            (key.clone(), Field { diagnostics: arguments.diagnostics, place, node })
        };
        let fields = match &arguments.node.value {
            Value::List(nodes) => (0..).zip(nodes).map(|(nth, node)| field(&Key::Index(nth), node)).collect(),
            Value::Table(members) => members.iter().map(|member| field(&member.key, &member.node)).collect(),
            other => {
                let mut problem = Problem::new(other.shown(), "an array of arguments");
                if let Value::Text(text) = other {
                    let format = arguments.diagnostics.format;
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

    /// Reports what is wrong with the arguments as a whole.
    pub fn fail<T>(&self, problem: Problem) -> Option<T> {
        self.arguments.fail(problem)
    }

    /// The first argument, if it is a text and was given without a name.
    pub fn first_text(&self) -> Option<&'a str> {
        self.text_of(|key| matches!(key, Key::Index(0)))
    }

    /// The argument of this name, if it is a text.
    pub fn named_text(&self, name: &str) -> Option<&'a str> {
        self.text_of(|key| key.is(name))
    }

    fn text_of(&self, is_meant: impl Fn(&Key) -> bool) -> Option<&'a str> {
        self.fields.iter().find_map(|(key, field)| match &field.node.value {
            Value::Text(text) if is_meant(key) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether an argument has this name.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(key, _)| key.is(name))
    }

    /// Puts every argument in its place by number or by name.
    pub fn named(&self, parameters: &[&'static str]) -> Option<NamedArguments<'a>> {
        self.named_with_aliases(parameters, &[])
    }

    /// The same with aliases of parameters, each with its parameter.
    pub fn named_with_aliases(
        &self,
        parameters: &[&'static str],
        aliases: &[(&'static str, &'static str)],
    ) -> Option<NamedArguments<'a>> {
        let mut places: Vec<Option<Field<'a>>> = vec![None; parameters.len()];
        let (mut numbered, mut broken) = (Vec::new(), false);
        for (key, field) in &self.fields {
            let place = match key {
                Key::Index(index) => usize::try_from(*index).ok().filter(|index| *index < parameters.len()),
                Key::Name(name) => {
                    let alias = aliases.iter().find(|(alias, _)| alias == name);
                    let name = alias.map_or(name.as_str(), |(_, name)| name);
                    parameters.iter().position(|parameter| *parameter == name)
                }
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
        (!broken).then_some(NamedArguments { arguments: self.arguments.clone(), places })
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
#[derive(Clone, Debug)]
pub struct NamedArguments<'a> {
    arguments: Field<'a>,
    places: Vec<Option<Field<'a>>>,
}

impl<'a> NamedArguments<'a> {
    /// An argument that was given and is not null.
    pub fn get(&self, nth: usize) -> Option<Field<'a>> {
        self.places.get(nth)?.clone().filter(|field| field.node.value != Value::Null)
    }

    /// The first argument, which must be there: `what` says what it is.
    pub fn required(&self, what: &str) -> Option<Field<'a>> {
        let first = self.get(0);
        if first.is_none() {
            let place = self.arguments.place.element(0);
            Field { place, ..self.arguments.clone() }.fail::<()>(Problem::new("nothing", what));
        }
        first
    }

    /// The first argument as a host name or an address; `what` describes the expected value.
    pub fn host(&self, what: &str) -> Option<Located<'a, String>> {
        let field = self.required(what)?;
        let value = field.parsed(host::parse(field.text("a host")?))?;
        Some(Located { value, field })
    }

    /// The first argument as a host, or as `host:port`; `what` describes the expected value.
    pub fn host_and_port(&self, what: &str) -> Option<(Located<'a, String>, Option<Located<'a, u16>>)> {
        let field = self.required(what)?;
        let (host, port) = field.parsed(host::parse_with_port(field.text(what)?))?;
        let port = port.map(|value| Located { value, field: field.clone() });
        Some((Located { value: host, field }, port))
    }

    /// An argument that is a port, as a number or a text.
    pub fn port(&self, nth: usize) -> Option<Located<'a, u16>> {
        let field = self.get(nth)?;
        Some(Located { value: port(&field)?, field })
    }

    /// An argument that PHP takes for true or false.
    pub fn boolean(&self, nth: usize) -> Option<Located<'a, bool>> {
        let field = self.get(nth)?;
        Some(Located { value: boolean(&field)?, field })
    }

    /// An argument that PHP takes for true or false, where a null that was written is false.
    pub fn boolean_or_null(&self, nth: usize) -> Option<Located<'a, bool>> {
        match self.places.get(nth)? {
            Some(field) if field.node.value == Value::Null => {
                Some(Located { value: false, field: field.clone() })
            }
            _ => self.boolean(nth),
        }
    }

    /// An argument that is a domain.
    ///
    /// Empty means none.
    pub fn domain(&self, nth: usize) -> Option<Located<'a, &'a str>> {
        let field = self.get(nth)?;
        // PHP's `if` treats false as the empty text, and it was used like that.
        if field.node.value == Value::Bool(false) {
            return None;
        }
        let value = field.text("a domain such as \"example.com\", or null")?;
        (!value.is_empty()).then_some(Located { value, field })
    }

    /// The whole line of arguments, with `changed` written as `to`.
    pub fn line_with(&self, changed: &Field<'a>, to: &str) -> String {
        line(&self.arguments, changed, to)
    }
}

/// The whole line of arguments with one of them changed.
fn line<'a>(arguments: &Field<'a>, changed: &Field<'a>, to: &str) -> String {
    let format = arguments.diagnostics.format;
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

/// `993` or `"993"`.
fn port(field: &Field<'_>) -> Option<u16> {
    let port = match &field.node.value {
        Value::Integer(number) => u16::try_from(*number).ok().filter(|port| *port != 0),
        Value::Text(digits) => host::parse_port(digits),
        _ => None,
    };
    port.or_else(|| {
        field.fail(Problem::new(field.node.value.shown(), format!("{} or null", host::PORT_RANGE)))
    })
}

/// PHP's `true` and `false`, if unambiguous.
///
/// PHP treats the text "false" as true.
fn boolean(field: &Field<'_>) -> Option<bool> {
    match &field.node.value {
        Value::Bool(value) => Some(*value),
        Value::Integer(0) => Some(false),
        Value::Integer(1) => Some(true),
        Value::Text(text) => match text.as_str() {
            "" | "0" => Some(false),
            "1" | "true" => Some(true),
            "false" => field.fail(
                Problem::new(quoted(text), "true or false")
                    .hint("PHP takes the text \"false\" for true; write it without quotes"),
            ),
            _ => field.fail(Problem::new(quoted(text), "true or false")),
        },
        other => field.fail(Problem::new(other.shown(), "true or false")),
    }
}

//! From fields and arguments to an [`Endpoint`].
//!
//! Where the server is, and whether passwords may go there.

use std::path::Path;

use crate::class::{NamedFields, PositionalTls, TransportSpec};
use crate::document::section::{TableReader, alternatives};
use crate::document::tree::{Value, quoted};
use crate::document::{Problem, host};
use crate::transport::{Endpoint, ServerTrust, TlsMode};

/// A warning without its backend, which is not named yet.
///
/// Its place is that of the setting.
pub(super) type Remark = (&'static str, String);

/// The key of positional arguments.
pub(super) const ARGUMENTS: &str = "arguments";

/// How a server is reached.
#[derive(Debug)]
pub(super) struct EndpointFields {
    pub(super) endpoint: Option<Endpoint>,
    /// The port, if it is not the default.
    pub(super) odd_port: Option<u16>,
    pub(super) remarks: Vec<Remark>,
}

/// Reads everything about reaching the server.
///
/// `positional` is what the positional arguments say: `None` when there are none, `Some(None)` when
/// they are broken, which has been reported.
pub(super) fn read(
    section: &TableReader<'_>,
    spec: TransportSpec,
    positional: Option<Option<&NamedFields<'_>>>,
    base: Option<&Path>,
) -> Option<EndpointFields> {
    let errors = section.diagnostics.count();
    let has_arguments = positional.is_some();
    let broken = matches!(positional, Some(None));
    let nothing = NamedFields::default();
    let positional = positional.flatten().unwrap_or(&nothing);
    let host = host(section, spec, positional, has_arguments);
    let port = section
        .field_unless_positional("port", positional.port.as_ref().map(|spot| &spot.field))
        .and_then(|field| u16::try_from(field.integer(1..=65535, host::PORT_RANGE)?).ok())
        .or_else(|| positional.port.as_ref().map(|spot| spot.value));
    let security =
        if spec.uses_tls() { security(section, spec, positional, base) } else { Some(Security::none()) };
    let limits = limits(section);
    if broken || section.diagnostics.count() > errors {
        return None;
    }
    let (host, security, limits) = (host?, security?, limits?);
    let default = spec.port_for(security.tls);
    let Some(host) = host else {
        return Some(EndpointFields { endpoint: None, odd_port: None, remarks: Vec::new() });
    };
    let Some(port) = port.or(default) else {
        section.fail(Some("port"), Problem::new("nothing", "a port, because this class has no default"));
        return None;
    };
    let endpoint =
        security.endpoint(host, port).with_connect_timeout(limits.connect).with_timeout(limits.whole);
    if spec.uses_tls() && !check_plaintext_consent(section, spec, positional, &endpoint) {
        return None;
    }
    let mut remarks = security.remarks;
    if security.allow_plaintext && endpoint.tls() == TlsMode::None && endpoint.is_loopback() {
        let text = format!("no effect: {} is this machine, which needs no consent", endpoint.host());
        remarks.push(("allow_plaintext", text));
    }
    remarks.extend(odd_pair(spec, &endpoint));
    if endpoint.tls() == TlsMode::None && spec.uses_tls() && !endpoint.is_loopback() {
        let text = format!("passwords cross the network to {} in clear text", endpoint.host());
        remarks.push(("allow_plaintext", text));
    }
    Some(EndpointFields {
        endpoint: Some(endpoint),
        odd_port: Some(port).filter(|port| Some(*port) != default),
        remarks,
    })
}

/// The host; `Some(None)` if it is absent and not required.
fn host(
    section: &TableReader<'_>,
    spec: TransportSpec,
    positional: &NamedFields<'_>,
    has_arguments: bool,
) -> Option<Option<String>> {
    match (section.field("host"), &positional.host) {
        // A host that is there was reported as an unknown field.
        _ if !spec.has_server => Some(None),
        (Some(field), _) if has_arguments => {
            let problem = Problem::new("`host` beside `arguments`", "one of them");
            field.fail(problem.hint("the first argument is the host already"))
        }
        (Some(field), _) => field.parsed(host::parse(field.text("a host name or an address")?)).map(Some),
        (None, Some(spot)) => Some(Some(spot.value.clone())),
        (None, None) if has_arguments => None,
        (None, None) if !spec.needs_host => Some(None),
        (None, None) => {
            section.fail(Some("host"), Problem::new("nothing", "`host`, or the PHP app's `arguments`"));
            None
        }
    }
}

/// Encryption of the connection.
#[derive(Debug)]
struct Security {
    tls: TlsMode,
    trust: ServerTrust,
    server_name: Option<String>,
    allow_plaintext: bool,
    remarks: Vec<Remark>,
}

impl Security {
    fn none() -> Self {
        Self {
            tls: TlsMode::None,
            trust: ServerTrust::System,
            server_name: None,
            allow_plaintext: false,
            remarks: Vec::new(),
        }
    }

    fn endpoint(&self, host: String, port: u16) -> Endpoint {
        let endpoint = Endpoint::new(host, port, self.tls)
            .with_trust(self.trust.clone())
            .with_plaintext_consent(self.allow_plaintext);
        match &self.server_name {
            Some(name) => endpoint.with_server_name(name),
            None => endpoint,
        }
    }
}

/// Reads the TLS fields; each is checked, even if others are wrong.
fn security(
    section: &TableReader<'_>,
    spec: TransportSpec,
    positional: &NamedFields<'_>,
    base: Option<&Path>,
) -> Option<Security> {
    let errors = section.diagnostics.count();
    let allow_plaintext = section.field("allow_plaintext").and_then(|field| field.boolean()).unwrap_or(false);
    let danger =
        section.field("danger_accept_any_certificate").and_then(|field| field.boolean()).unwrap_or(false);
    let tls = tls(section, spec, positional, allow_plaintext || is_this_machine(positional));
    let ca_field = section.field("ca_file");
    let ca_file = ca_field.as_ref().and_then(|field| match field.text("the path of a PEM file")? {
        "" => field.fail(Problem::new("an empty text", "the path of a PEM file")),
        path => Some(base.map_or_else(|| path.into(), |base| base.join(path))),
    });
    let server_name = section.field("server_name").and_then(|field| {
        let text = field.text("the name in the server's certificate")?;
        field.parsed(host::parse(text))
    });
    if let (Some(field), true) = (&ca_field, danger) {
        let problem = Problem::new("`ca_file` beside `danger_accept_any_certificate`", "one of them");
        field.fail::<()>(problem.hint("with any certificate accepted, the file is not used"));
    }
    if let (Some(field), false, true) = (&positional.any_certificate, danger, tls != TlsMode::None) {
        let format = section.diagnostics.format;
        let problem = Problem::new(
            "/novalidate-cert",
            "a certificate that is checked, or loud consent beside `arguments`",
        )
        .hint(format!(
            "better: take the flag away and name who signed the certificate: {}",
            format.line("ca_file", &format.text("ca.pem"))
        ))
        .hint(format!(
            "anyone between here and the server could read every password: {}",
            format.line("danger_accept_any_certificate", "true")
        ));
        field.fail::<()>(problem);
    }
    if section.diagnostics.count() > errors {
        return None;
    }
    let mut remarks = Vec::new();
    if danger {
        let text = match tls {
            TlsMode::None => "no effect without TLS",
            _ => "an attacker on the network path can read every password",
        };
        remarks.push(("danger_accept_any_certificate", text.to_owned()));
    } else if positional.any_certificate.is_some() && tls == TlsMode::None {
        remarks.push((ARGUMENTS, "/novalidate-cert has no effect without TLS".to_owned()));
    } else if positional.checked_certificate.is_some() && tls == TlsMode::None {
        remarks.push((ARGUMENTS, "/validate-cert has no effect without TLS".to_owned()));
    }
    match tls {
        TlsMode::None => {
            for name in ["ca_file", "server_name"].into_iter().filter(|name| section.field(name).is_some()) {
                remarks.push((name, "no effect without TLS".to_owned()));
            }
        }
        _ if allow_plaintext => {
            remarks.push((
                "allow_plaintext",
                format!("no effect with tls = \"{tls}\": nothing is sent in clear text"),
            ));
        }
        _ => {}
    }
    let trust = match ca_file {
        _ if danger => ServerTrust::DangerAcceptAnyCertificate,
        Some(path) => ServerTrust::CaFile(path),
        None => ServerTrust::System,
    };
    Some(Security { tls, trust, server_name, allow_plaintext, remarks })
}

/// Whether the arguments name this machine, to which clear text is no risk.
fn is_this_machine(positional: &NamedFields<'_>) -> bool {
    positional
        .host
        .as_ref()
        .is_some_and(|host| Endpoint::new(host.value.clone(), 0, TlsMode::None).is_loopback())
}

fn tls(
    section: &TableReader<'_>,
    spec: TransportSpec,
    positional: &NamedFields<'_>,
    may_be_plaintext: bool,
) -> TlsMode {
    const WORDS: [(&str, TlsMode); 4] = [
        ("implicit", TlsMode::Implicit),
        ("explicit", TlsMode::Explicit),
        ("starttls", TlsMode::Explicit),
        ("none", TlsMode::None),
    ];
    let (positional_field, default) = match &positional.tls {
        PositionalTls::Unset => (None, spec.default_tls()),
        PositionalTls::ImpliesPlaintext(_) => (None, TlsMode::None),
        PositionalTls::Opportunistic if may_be_plaintext => (None, TlsMode::None),
        PositionalTls::Opportunistic => (None, TlsMode::Explicit),
        PositionalTls::Mode(mode, field) => (Some(field), *mode),
        PositionalTls::Plaintext { field, .. } => (Some(field), TlsMode::None),
    };
    let hint =
        "\"implicit\" is TLS from the first byte, \"explicit\" asks the server for it (STARTTLS, AUTH TLS)";
    let Some(field) = section.field_unless_positional("tls", positional_field) else { return default };
    let words: Vec<_> = WORDS.into_iter().filter(|(_, mode)| spec.tls_modes.contains(mode)).collect();
    if let Value::Text(text) = &field.node.value {
        // The words that other programs have for it.
        let meant = match text.to_ascii_lowercase().as_str() {
            "ssl" | "ssl/tls" | "imaps" | "ftps" => Some("implicit"),
            "tls" | "ftpes" => Some("explicit"),
            _ => None,
        };
        if let Some(meant) = meant {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let problem = Problem::new(quoted(text), alternatives(&names));
            field.fail::<()>(problem.hint(format!("did you mean \"{meant}\"?")).hint(hint));
            return default;
        }
    }
    field.choice(&words, Some(hint)).unwrap_or(default)
}

/// Refuses clear text over the network without consent.
///
/// The error shows the line that consents and the one that encrypts.
fn check_plaintext_consent(
    section: &TableReader<'_>,
    spec: TransportSpec,
    positional: &NamedFields<'_>,
    endpoint: &Endpoint,
) -> bool {
    if endpoint.check_plaintext().is_ok() {
        return true;
    }
    let format = section.diagnostics.format;
    let is_implicit = spec.port_for(TlsMode::Implicit) == Some(endpoint.port())
        || !spec.tls_modes.contains(&TlsMode::Explicit);
    let word = if is_implicit { "implicit" } else { "explicit" };
    let by_name = format.line("tls", &format.text(word));
    let field = section.field("tls");
    let (field, encrypt, how) = match &positional.tls {
        PositionalTls::Plaintext { field, instead } => (Some(field), instead.clone(), "change to"),
        PositionalTls::ImpliesPlaintext(argument) if field.is_none() => {
            (Some(argument), by_name, "put in front of `class`")
        }
        _ => (field.as_ref(), by_name, "change to"),
    };
    let problem = Problem::new(
        format!("clear text to {}: passwords would cross the network for all to read", endpoint.host()),
        "encryption, or consent to clear text",
    )
    .hint(format!("to encrypt, {how}:  {encrypt}"))
    .hint(format!("to consent, put in front of `class`:  {}", format.line("allow_plaintext", "true")));
    match field {
        Some(field) => {
            field.fail::<()>(problem);
        }
        None => section.fail(Some("tls"), problem),
    }
    false
}

/// A port that usually means the other kind of encryption.
fn odd_pair(spec: TransportSpec, endpoint: &Endpoint) -> Option<Remark> {
    let implicit = spec.port_for(TlsMode::Implicit)?;
    let explicit = spec.port_for(TlsMode::Explicit)?;
    let (port, tls) = (endpoint.port(), endpoint.tls());
    let usual = match tls {
        _ if implicit == explicit => return None,
        TlsMode::Implicit if port == explicit => {
            "servers start in clear text there; \"explicit\" asks them for TLS"
        }
        TlsMode::Explicit | TlsMode::None if port == implicit => {
            "servers speak TLS there from the first byte: \"implicit\""
        }
        _ => return None,
    };
    Some(("tls", format!("\"{tls}\" on port {port} is unusual: {usual}")))
}

struct EndpointTimeouts {
    connect: std::time::Duration,
    whole: std::time::Duration,
}

fn limits(section: &TableReader<'_>) -> Option<EndpointTimeouts> {
    let limit = |name: &str, default| section.field(name).map_or(Some(default), |field| field.duration());
    let connect = limit("connect_timeout", Endpoint::DEFAULT_CONNECT_TIMEOUT);
    let whole = limit("timeout", Endpoint::DEFAULT_TIMEOUT);
    Some(EndpointTimeouts { connect: connect?, whole: whole? })
}

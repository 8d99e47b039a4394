//! The fields of an entry and of `[resolver]`.
//!
//! Names for the check, texts for `docs/configuration.md`.
//!
//! A class declares its own fields (`class.rs` in its folder). A test writes the tables of the
//! document from these lists, and checks that a default which is shown is the default that holds.

use crate::class::FieldSpec;

const fn field(name: &'static str, default: &'static str, help: &'static str) -> FieldSpec {
    FieldSpec::any(name, help).with_default(default)
}

/// The fields of every class.
pub(super) const COMMON_FIELDS: [FieldSpec; 28] = [
    FieldSpec::any(
        "class",
        "`imap`, `ftp`, [`http`](backends/http.md), [`ldap`](backends/ldap.md), `smb`, [`smtp`](backends/smtp.md), [`ssh`](#ssh), [`xmpp`](backends/xmpp.md), a historic \
         spelling, or a class that the program adds",
    )
        .required(),
    field(
        "id",
        "from class and host",
        "stable name of the backend in pins, cache, traces and metrics; see [Ids](#ids)",
    ),
    field("arguments", "none", "the positional form of the PHP app; not together with `host`"),
    FieldSpec::any("host", "a host name or an address, without scheme, port and path").required(),
    field("port", "see each class", "1 to 65535"),
    field(
        "domain",
        "none",
        "only names of this domain, and bare names, belong to this backend. Or an array of domains; the first \
         is the one that is added. Letter case does not matter, and `möbel.example` is `xn--mbel-5qa.example`",
    ),
    field("add_domain", "false", "add `@domain` to a bare name that is sent to the server"),
    field(
        "strip_domain",
        "false",
        "users are known without the domain. Two backends that strip different domains are an error; [several \
         domains of one backend](#several-domains) are not",
    ),
    field(
        "group_by_domain",
        "false",
        "users join a group named like the domain at their first sign-in. Without `domain`, it is that of their \
         own name, if it has a dot: only for servers that check the domain",
    ),
    field(
        "names",
        "\"any\"",
        "which names the backend is asked about, beside the ids of its accounts: `\"bare\"` without a domain, \
         `\"address\"` with one, `\"any\"`",
    ),
    field(
        "separator",
        "\"@\"",
        "character between name and domain in what is sent to the server, such as `\"%\"` for \
         `user%example.com`: one of `@ % . + # ! : = /`. Needs `domain`",
    ),
    field(
        "deny_names",
        "[\"anonymous\", \"ftp\", \"guest\"]",
        "names that are refused without asking a server, in any letter case. Your list replaces this one",
    ),
    field(
        "admit",
        "\"everybody\"",
        "who may have an account, of those whom the server accepts; see [Who gets an \
         account](#who-gets-an-account)",
    ),
    field(
        "on_first_sign_in",
        "none",
        "`{ groups = [\"staff\"], quota = \"5 GB\", language = \"de\" }`: what users get when their account is \
         created. Each of the three is optional. Missing groups are created; `admin` is not allowed",
    ),
    field("connect_timeout", "\"3s\"", "time to resolve the name, connect and set up TLS"),
    field(
        "timeout",
        "\"20s\"",
        "time for one whole attempt at this backend. Servers delay the response to a wrong password, Dovecot by \
         up to 15 s for all users of an address: [Dovecot delays \
         logins](troubleshooting.md#dovecot-delays-logins)",
    ),
    field("max_concurrent", "16", "concurrent attempts, 1 to 10000"),
    field(
        "warm",
        "0",
        "number of connections that are opened in advance for the next logins, TLS and greeting included, 0 to \
         1000. They are opened after a login and closed after 30 seconds without one; each serves one login and \
         does not count towards `max_concurrent`. Only for classes with prepared connections",
    ),
    field(
        "on_reject",
        "\"continue\"",
        "what a rejection means for the later backends: `\"continue\"` or `\"stop\"`",
    ),
    field(
        "on_unavailable",
        "\"stop\"",
        "what an outage means for the later backends, if the owner of the name is unknown: `\"stop\"` or \
         `\"continue\"`",
    ),
    field(
        "canary",
        "true",
        "check that the server refuses a user who does not exist: at start, on reload, and before a yes \
         counts if it could not be asked then, after an outage, and when the last check is an hour old (5 \
         minutes after an attempt without an answer). Each is a failed login there. A server that accepts one \
         is not asked about users until it refuses one, which is tried every 5 minutes",
    ),
    field("cache_accepted", "\"5m\"", "how long an accepted sign-in is remembered, or `\"off\"`"),
    field("cache_rejected", "\"30s\"", "how long a refused name and password are remembered, or `\"off\"`"),
    field(
        "max_stale",
        "\"off\"",
        "how old an accepted sign-in may be to count while the server is down (grace)",
    ),
    field(
        "budget",
        "{ failures = 4, per = \"15m\" }",
        "failed logins of one user that may reach this server. The smallest `budget` of all backends is the \
         limit per name",
    ),
    field(
        "budget_all",
        "\"off\"",
        "`{ failures = 4, per = \"10m\" }`: failed logins of all users that may reach this server. A quarter is \
         reserved for known users",
    ),
    field(
        "display_name",
        "the id",
        "name of this server in mails and on the page of the account; at most 64 characters",
    ),
    field(
        "help_url",
        "none",
        "where users change or reset a password that this server keeps: an `https://` or `http://` address of at \
         most 2000 bytes, without a user name. It is mailed to a user who asks for a reset link",
    ),
];

/// The fields of classes that use TLS.
pub(super) const TLS_FIELDS: [FieldSpec; 5] = [
    field(
        "tls",
        "\"explicit\"",
        "`\"implicit\"`: TLS from the first byte; `\"explicit\"` or `\"starttls\"`: TLS is requested and \
         required, not for http; `\"none\"`. The default of http is `\"implicit\"`",
    ),
    field("allow_plaintext", "false", "consent to `tls = \"none\"` with a host that is not this machine"),
    field(
        "ca_file",
        "the system's trust store",
        "a PEM file: these authorities and no others. Relative to the configuration's directory",
    ),
    field("server_name", "the host", "the name that the certificate must have"),
    field(
        "danger_accept_any_certificate",
        "false",
        "accept any certificate, so anyone on the network path can read every password. Warned about at each \
         start",
    ),
];

/// The fields of `[resolver]`.
pub(super) const RESOLVER_FIELDS: [FieldSpec; 6] = [
    field("deadline", "\"25s\"", "time for one attempt, all backends together"),
    field("cache_entries", "100000", "most outcomes in memory"),
    field("cache_bytes", "33554432", "most bytes of them (32 MiB); a plain number"),
    field(
        "trusted_proxies",
        "[]",
        "addresses and blocks (`\"10.0.0.0/8\"`) of the proxies whose `X-Forwarded-For` and \
         `X-Forwarded-Proto` are believed; see [Names and proxies](provisioning-api.md#names-and-proxies)",
    ),
    field(
        "throttle",
        "{ first_delay = \"100ms\", longest_delay = \"25s\", refuse_after = 10, per = \"30m\" }",
        "rate limit per source: each failed sign-in doubles the delay of the next attempt, up to a refusal",
    ),
    field(
        "lock",
        "{ failures = 100, per = \"1d\" }",
        "lockout per user after failed sign-ins in a row, from any source; see [Guessing](#guessing). `\"off\"`: \
         no lockout",
    ),
];

/// The names of these fields.
pub(super) fn names_of(fields: &[FieldSpec]) -> Vec<&'static str> {
    fields.iter().map(FieldSpec::name).collect()
}

/// Whether one of them has this name.
pub(super) fn has(fields: &[FieldSpec], name: &str) -> bool {
    fields.iter().any(|field| field.name() == name)
}

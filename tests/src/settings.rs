//! Configurations that the server and the command line accept or reject alike.

/// Accepted by both.
pub const ACCEPTED: &[&str] = &[
    "",
    "[server]\nlisten = \"127.0.0.1:0\"\nname = \"Cloud\"\n",
    "[frontends.saslauthd]\npath = \"mux\"\nmode = \"0600\"\ngroup = \"0\"\nallowed_users = [\"root\"]\n\
     max_connections = 8\njoin_realm = true\n[frontends.dovecot_auth]\npath = \"auth\"\n",
    "lost_password_link = \"disabled\"\n[reset]\nminutes = 10\n",
    "[server]\npublic_url = \"https://cloud.example.com/\"\n\
     [mail]\nhost = \"127.0.0.1\"\nfrom = \"Cloud <noreply@example.com>\"\n",
];

/// Rejected by both with an error that begins like this, as `user-backend.toml`.
pub const REJECTED: &[(&str, &str)] = &[
    (
        "[passwords]\npasses = 1\n",
        "user-backend.toml:1:2: passwords: found an unknown field, expected one that is known here\n",
    ),
    ("[sever]\n", "user-backend.toml:1:2: sever: found an unknown field"),
    (
        "[server]\nlissten = \"127.0.0.1:1\"\n",
        "user-backend.toml:2:11: server.lissten: found an unknown field, expected one of `listen`, ",
    ),
    (
        "[server]\nlisten = \"nowhere\"\n",
        "user-backend.toml:2:10: server.listen: found invalid socket address",
    ),
    (
        "[server]\ndefault_quota = \"plenty\"\n",
        "user-backend.toml:2:17: server.default_quota: found another value, expected none, or a size such as \"5 GB\"",
    ),
    (
        "[server]\ntls_cert = \"cert.pem\"\n",
        "user-backend.toml:1:1: server.tls_key: found nothing, expected both tls_cert and tls_key, or neither",
    ),
    (
        "[server]\npasswords = { memory_kib = 1024 }\n",
        "user-backend.toml:2:13: server.passwords: found 1024, expected memory_kib to be between 7168 and 1048576",
    ),
    (
        "[server]\ncompat = \"30\"\n",
        "user-backend.toml:2:10: server.compat: found \"30\", expected \"25\" or \"31\"",
    ),
    (
        "[server]\ndefault_phone_region = \"XX\"\n",
        "user-backend.toml:2:24: server.default_phone_region: found \"XX\", expected the two letters of a country",
    ),
    (
        "[server]\npasswords = { passes = \"many\" }\n",
        "user-backend.toml:2:24: server.passwords.passes: found \"many\", expected a whole number",
    ),
    (
        "[frontends.saslauthd]\npath = \"mux\"\nmode = \"0060\"\n",
        "user-backend.toml:3:8: frontends.saslauthd.mode: found \"0060\", expected mode to be octal",
    ),
    (
        "[frontends.dovecot_auth]\nmode = \"0600\"\n",
        "user-backend.toml:1:1: frontends.dovecot_auth: found nothing, expected the field `path`",
    ),
    (
        "[frontends.dovecot_auth]\npath = \"auth\"\njoin_realm = true\n",
        "user-backend.toml:3:14: frontends.dovecot_auth.join_realm: found an unknown field, expected one of `path`, ",
    ),
    (
        "[frontends.saslauthd]\npath = \"mux\"\nmax_connections = 0\n",
        "user-backend.toml:3:19: frontends.saslauthd.max_connections: found the number 0",
    ),
    ("[frontends.telnet]\n", "user-backend.toml:1:"),
    (
        "[store]\nconnections = 0\n",
        "user-backend.toml:2:15: store.connections: found 0, expected between 1 and 1000",
    ),
    (
        "[mail]\nhots = \"127.0.0.1\"\n",
        "user-backend.toml:2:8: mail.hots: found an unknown field, expected one of",
    ),
    (
        "[server]\nlisten = \"0.0.0.0:8080\"\n\
         [mail]\nhost = \"127.0.0.1\"\nfrom = \"Cloud <noreply@example.com>\"\n",
        "user-backend.toml:1:1: server.public_url: found ",
    ),
    (
        "[reset]\nminutes = 0\n",
        "user-backend.toml:1:1: reset: found 0, expected minutes to be between 5 and 1440",
    ),
    (
        "lost_password_link = \"javascript:alert(1)\"\n",
        "user-backend.toml:1:22: lost_password_link: found the address must begin with https://",
    ),
    (
        "lost_password_link = \"disabled\"\n[reset]\nlost_password_link = \"https://example.com/\"\n",
        "user-backend.toml:3:22: reset.lost_password_link: found another one than at the top, expected one of them",
    ),
];

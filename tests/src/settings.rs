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
        "user-backend.toml:2:10: server.listen: found \"nowhere\", expected an address and a port such as ",
    ),
    (
        "[server]\ndefault_quota = \"plenty\"\n",
        "user-backend.toml:2:17: server.default_quota: found \"plenty\", expected none, or a size such as \"5 GB\"",
    ),
    (
        "[server]\ntls_cert = \"cert.pem\"\n",
        "user-backend.toml:2:12: server.tls_cert: found it without tls_key, expected both tls_cert and tls_key, or neither",
    ),
    (
        "[server]\npasswords = { memory_kib = 1024 }\n",
        "user-backend.toml:2:28: server.passwords.memory_kib: found the number 1024, expected a number between 7168 and ",
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
        "user-backend.toml:2:24: server.passwords.passes: found \"many\", expected a number between 0 and 4294967295",
    ),
    (
        "[frontends.saslauthd]\npath = \"mux\"\nmode = \"0060\"\n",
        "user-backend.toml:3:8: frontends.saslauthd.mode: found \"0060\", expected an octal number",
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
        "[server]\nlisten = 5\nname = 3\n[mail]\nhost = \"a b\"\nfrom = \"nobody\"\n[resolver]\ndeadline = 3\n",
        "user-backend.toml:2:10: server.listen: found the number 5, expected an address and a port such as \"127.0.0.1:8080\"\n\
         user-backend.toml:3:8: server.name: found the number 3, expected a text\n\
         user-backend.toml:5:8: mail.host: found \"a b\", expected a host name\n\
         user-backend.toml:6:8: mail.from: found \"nobody\", expected a mail address such as ",
    ),
    (
        "[[user_backends]]\nclass = \"ftp\"\nhost = \"files.example.com\"\nid = \"(banned)\"\n",
        "user-backend.toml:4:6: user_backends[0].id: found \"(banned)\", expected an id other than \"local\" and",
    ),
    (
        "[server]\npublic_url = \"javascript:alert(1)//x\"\n",
        "user-backend.toml:2:14: server.public_url: found the address does not begin with https:// or http://",
    ),
    (
        "[server]\ntrusted_hosts = [\"ok.example\", \"*.x\"]\n",
        "user-backend.toml:2:32: server.trusted_hosts[1]: found \"*.x\", expected a host such as ",
    ),
    (
        "[resolver]\ntrusted_proxies = [\"0.0.0.0/0\"]\n",
        "user-backend.toml:2:20: resolver.trusted_proxies[0]: found \"0.0.0.0/0\", expected the addresses of your proxies",
    ),
    (
        "[store]\nconnections = 0\n",
        "user-backend.toml:2:15: store.connections: found the number 0, expected a number between 1 and 1000",
    ),
    (
        "[mail]\nhost = \"127.0.0.1\"\nfrom = \"noreply@example.com\"\nhots = \"127.0.0.1\"\n",
        "user-backend.toml:4:8: mail.hots: found an unknown field, expected one of",
    ),
    (
        "[server]\nlisten = \"0.0.0.0:8080\"\n\
         [mail]\nhost = \"127.0.0.1\"\nfrom = \"Cloud <noreply@example.com>\"\n",
        "user-backend.toml:1:1: server.public_url: found ",
    ),
    (
        "[reset]\nminutes = 0\n",
        "user-backend.toml:2:11: reset.minutes: found the number 0, expected a number between 5 and 1440",
    ),
    (
        "lost_password_link = \"javascript:alert(1)\"\n",
        "user-backend.toml:1:22: lost_password_link: found the address must begin with https:// ",
    ),
    (
        "lost_password_link = \"disabled\"\n[reset]\nlost_password_link = \"https://example.com/\"\n",
        "user-backend.toml:3:22: reset.lost_password_link: found another one than at the top, expected one of them",
    ),
];

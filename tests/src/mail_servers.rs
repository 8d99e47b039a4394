//! Mail servers that take mail from their users, each in a root of its own.
//!
//! As packages they exclude each other.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::local_server::{LocalServer, Site, USERS};

/// Dovecot as the SASL server of Postfix, without its delay after failures from one address.
const DOVECOT: &str = r"
protocols =
ssl = no
base_dir = /run/dovecot
state_dir = /run/dovecot-state
log_path = /dev/null
auth_mechanisms = plain login
auth_failure_delay = 0
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
service auth {
  unix_listener /run/dovecot-sasl {
    mode = 0666
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
";

impl LocalServer {
    /// Postfix whose users Dovecot knows: STARTTLS and clear text, and TLS from the first byte.
    ///
    /// `None` where this machine has no sandbox or no Dovecot.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn postfix() -> Option<Self> {
        if !Path::new("/usr/sbin/dovecot").exists() {
            crate::sandbox::skip("postfix", "Dovecot is not installed (Debian package dovecot-core)");
            return None;
        }
        Self::start_inside("postfix", &["postfix"], |site, sandbox| {
            let Site { certificate, key, port, tls_port, .. } = site;
            sandbox.write(
                "/etc/postfix/main.cf",
                &format!(
                    "compatibility_level = 3.6\nmaillog_file = /dev/stdout\nmyhostname = mail.example.org\n\
                     inet_interfaces = 127.0.0.1\nalias_maps =\nlocal_recipient_maps =\n\
                     smtpd_tls_cert_file = {}\nsmtpd_tls_key_file = {}\nsmtpd_sasl_auth_enable = yes\n\
                     smtpd_sasl_type = dovecot\nsmtpd_sasl_path = /run/dovecot-sasl\n",
                    certificate.display(),
                    key.display(),
                ),
            );
            sandbox.write(
                "/etc/postfix/master.cf",
                &format!(
                    "127.0.0.1:{port} inet n - n - - smtpd\n  -o smtpd_tls_security_level=may\n\
                     127.0.0.1:{tls_port} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n\
                     tlsmgr unix - - n 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n\
                     anvil unix - - n - 1 anvil\n"
                ),
            );
            sandbox.write("/etc/dovecot/dovecot.conf", DOVECOT);
            let mut users = String::new();
            for (name, password) in USERS {
                let _ = writeln!(users, "{name}:{{PLAIN.b64}}{}", STANDARD.encode(password));
            }
            sandbox.write("/etc/dovecot/users", &users);
            let prepare = "mkdir -p /var/lib/postfix /var/spool/postfix /run/dovecot /run/dovecot-state; \
                           chown postfix /var/lib/postfix; dovecot -c /etc/dovecot/dovecot.conf";
            sandbox.command(prepare, &["postfix", "start-fg"])
        })
    }

    /// Exim, which offers AUTH LOGIN only, under TLS only.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn exim() -> Option<Self> {
        let packages = ["exim4-daemon-heavy", "exim4-base", "libidn12", "libspf2-2"];
        Self::start_inside("exim", &packages, |site, sandbox| {
            let Site { certificate, key, port, tls_port, .. } = site;
            let mut users = String::new();
            for (name, password) in USERS {
                let _ = writeln!(users, "{name}: {}", STANDARD.encode(password));
            }
            sandbox.write("/etc/exim4/users", &users);
            sandbox.write(
                "/etc/exim4/exim4.conf",
                &format!(
                    "primary_hostname = mail.example.org\nlog_file_path = :syslog\nlocal_interfaces = 127.0.0.1\n\
                     daemon_smtp_ports = {port} : {tls_port}\ntls_on_connect_ports = {tls_port}\n\
                     tls_advertise_hosts = *\ntls_certificate = /etc/exim4/certificate\n\
                     tls_privatekey = /etc/exim4/key\nhost_lookup =\nrfc1413_query_timeout = 0s\n\
                     begin authenticators\nlogin:\n  driver = plaintext\n  public_name = LOGIN\n\
                     server_advertise_condition = ${{if def:tls_in_cipher}}\n\
                     server_prompts = Username:: : Password::\n\
                     server_condition = ${{if eq{{${{base64:$auth2}}}}{{${{lookup{{$auth1}}lsearch{{/etc/exim4/users}}}}}}}}\n"
                ),
            );
            let prepare = format!(
                "mkdir -p /var/spool/exim4/input /var/spool/exim4/db; chown -R Debian-exim /var/spool/exim4; \
                 cp '{}' /etc/exim4/certificate; cp '{}' /etc/exim4/key; chown Debian-exim /etc/exim4/key",
                certificate.display(),
                key.display(),
            );
            sandbox.command(&prepare, &["exim4", "-C", "/etc/exim4/exim4.conf", "-bdf"])
        })
    }
}

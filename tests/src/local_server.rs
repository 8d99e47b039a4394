//! Real servers that a test starts itself, with their own directory, on loopback.
//!
//! They create no user and end with the test.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

#[cfg(target_os = "linux")]
use crate::sandbox::Sandbox;
use crate::{Ca, Leaf};

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(60);

/// Users and passwords that every server here knows.
pub const USERS: [(&str, &str); 3] =
    [("alice", "Wonderland-1"), ("bob", r#"p@ss "w\ord" %41 {x}"#), ("carol", "pässwörd€-ключ")];

/// The virtual hosts of [`LocalServer::prosody`].
pub const PROSODY_HOSTS: [&str; 3] = ["example.com", "plain.example.com", "only.example.com"];

/// The password of the LDAP account `cn=reader,dc=example,dc=com`.
pub const READER_PASSWORD: &str = "Reader-1";

/// A running server.
#[derive(Debug)]
pub struct LocalServer {
    child: Child,
    dir: TempDir,
    ca: Ca,
    /// Its root, if it has one of its own.
    #[cfg(target_os = "linux")]
    _sandbox: Option<Sandbox>,
    /// The port in clear text.
    pub port: u16,
    /// The port with TLS from the first byte.
    pub tls_port: u16,
}

impl LocalServer {
    /// Apache with the paths of the tests.
    ///
    /// `/basic/`, `/digest/` and `/dav/` require a password, `/open/` does not, `/forbidden/`
    /// denies everyone, and `/moved/` redirects. `None` if it is not installed.
    ///
    /// # Panics
    /// When it does not start, or is missing although `RIG_REQUIRED` is set.
    #[must_use]
    pub fn apache() -> Option<Self> {
        Self::start("/usr/sbin/apache2", |site| {
            let modules: String = [
                "mpm_event",
                "authn_core",
                "authn_file",
                "authz_core",
                "authz_user",
                "auth_basic",
                "auth_digest",
                "alias",
                "dir",
                "dav",
                "dav_fs",
                "ssl",
                "socache_shmcb",
            ]
            .iter()
            .fold(String::new(), |mut all, name| {
                let _ = writeln!(all, "LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so");
                all
            });
            let Site { dir, certificate, key, port, tls_port } = site;
            let dir = dir.display();
            let config = format!(
                r#"
ServerRoot "{dir}"
DefaultRuntimeDir "{dir}"
PidFile "{dir}/pid"
ErrorLog "{dir}/error.log"
ServerName localhost
User www-data
Group www-data
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{tls_port}
{modules}
DocumentRoot "{dir}/www"
DirectoryIndex index.html
DavLockDB "{dir}/locks/db"
Redirect 302 /moved/ https://elsewhere.example.com/
<Directory "{dir}/www">
  Require all granted
</Directory>
<Location /basic/>
  AuthType Basic
  AuthName cloud
  AuthUserFile "{dir}/htpasswd"
  Require valid-user
</Location>
<Location /dav/>
  Dav On
  DirectoryIndex disabled
  AuthType Basic
  AuthName cloud
  AuthUserFile "{dir}/htpasswd"
  Require valid-user
</Location>
<Location /digest/>
  AuthType Digest
  AuthName cloud
  AuthUserFile "{dir}/htdigest"
  Require valid-user
</Location>
<Location /forbidden/>
  AuthType Basic
  AuthName cloud
  AuthUserFile "{dir}/htpasswd"
  Require all denied
</Location>
<VirtualHost 127.0.0.1:{tls_port}>
  SSLEngine on
  SSLCertificateFile "{certificate}"
  SSLCertificateKeyFile "{key}"
</VirtualHost>
"#,
                certificate = certificate.display(),
                key = key.display(),
            );
            web_files(site);
            site.write("httpd.conf", &config);
            let mut command = Command::new("/usr/sbin/apache2");
            command.arg("-DFOREGROUND").arg("-f").arg(site.dir.join("httpd.conf"));
            command
        })
    }

    /// nginx: `/basic/` asks for a password, `/busy/` always says 503.
    ///
    /// # Panics
    /// As [`Self::apache`].
    #[must_use]
    pub fn nginx() -> Option<Self> {
        Self::start("/usr/sbin/nginx", |site| {
            let Site { dir, certificate, key, port, tls_port } = site;
            let dir = dir.display();
            let config = format!(
                r#"
daemon off;
user www-data;
pid {dir}/pid;
error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{tls_port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    root {dir}/www;
    location /basic/ {{ auth_basic cloud; auth_basic_user_file {dir}/htpasswd; }}
    location /busy/ {{ return 503; }}
  }}
}}
"#,
                certificate = certificate.display(),
                key = key.display(),
            );
            web_files(site);
            site.write("nginx.conf", &config);
            let mut command = Command::new("/usr/sbin/nginx");
            command.arg("-p").arg(&site.dir).arg("-c").arg(site.dir.join("nginx.conf"));
            command
        })
    }

    /// OpenLDAP with users below `ou=people,dc=example,dc=com` and two groups.
    ///
    /// The groups are `staff` (alice, bob) and `admins` (alice).
    ///
    /// # Panics
    /// As [`Self::apache`].
    #[must_use]
    pub fn slapd() -> Option<Self> {
        Self::start("/usr/sbin/slapd", |site| {
            let Site { dir, certificate, key, port, tls_port } = site;
            fs::create_dir(dir.join("db")).expect("a directory");
            let config = format!(
                r#"
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {dir}/pid
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database mdb
suffix "dc=example,dc=com"
rootdn "cn=root,dc=example,dc=com"
directory {dir}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=example,dc=com" read by self read by anonymous auth by * none
"#,
                dir = dir.display(),
                certificate = certificate.display(),
                key = key.display(),
            );
            site.write("slapd.conf", &config);
            site.write("data.ldif", &directory());
            let load = Command::new("/usr/sbin/slapadd")
                .arg("-f")
                .arg(dir.join("slapd.conf"))
                .arg("-l")
                .arg(dir.join("data.ldif"))
                .output()
                .expect("slapadd");
            assert!(load.status.success(), "slapadd: {}", String::from_utf8_lossy(&load.stderr));
            let mut command = Command::new("/usr/sbin/slapd");
            command.arg("-d").arg("0").arg("-f").arg(dir.join("slapd.conf"));
            command.arg("-h").arg(format!("ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/"));
            command
        })
    }

    /// Prosody with the virtual hosts `example.com` (hashed passwords), `plain.example.com`
    /// (passwords as they are) and `only.example.com` (no mechanism but PLAIN).
    ///
    /// # Panics
    /// As [`Self::apache`].
    #[must_use]
    pub fn prosody() -> Option<Self> {
        Self::start("/usr/bin/prosody", |site| {
            let Site { dir, certificate, key, port, tls_port } = site;
            for name in ["data", "certs"] {
                fs::create_dir(dir.join(name)).expect("a directory");
            }
            let pair = format!("{{ certificate = {certificate:?}, key = {key:?} }}");
            let config = format!(
                r#"
run_as_root = true
pidfile = "{dir}/pid"
data_path = "{dir}/data"
certificates = "{dir}/certs"
log = {{ warn = "{dir}/error.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ {tls_port} }}
s2s_ports = {{}}
modules_enabled = {{ "saslauth", "tls" }}
modules_disabled = {{ "s2s", "admin_shell", "offline" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
ssl = {pair}
c2s_direct_tls_ssl = {pair}
VirtualHost "example.com"
  authentication = "internal_hashed"
VirtualHost "plain.example.com"
  authentication = "internal_plain"
VirtualHost "only.example.com"
  authentication = "internal_hashed"
  disable_sasl_mechanisms = {{ "SCRAM-SHA-1", "SCRAM-SHA-256", "DIGEST-MD5" }}
"#,
                dir = dir.display(),
            );
            site.write("prosody.cfg.lua", &config);
            let config = dir.join("prosody.cfg.lua");
            for host in PROSODY_HOSTS {
                for (name, password) in USERS {
                    let mut command = Command::new("prosodyctl");
                    command.arg("--config").arg(&config).args(["register", name, host, password]);
                    let done = command.output().expect("prosodyctl");
                    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
                }
            }
            let mut command = Command::new("/usr/bin/prosody");
            command.arg("--config").arg(config).arg("-F");
            command
        })
    }

    fn start(program: &str, prepare: impl FnOnce(&Site) -> Command) -> Option<Self> {
        crate::logging::on();
        if !Path::new(program).exists() {
            assert!(env::var_os("RIG_REQUIRED").is_none(), "{program} is not installed");
            println!("skipped: {program} is not installed");
            return None;
        }
        let (dir, ca, site) = Site::new();
        let command = prepare(&site);
        Some(Self::run(command, dir, ca, &site))
    }

    /// The same in a root of its own, with these packages.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_inside(
        program: &str,
        packages: &[&str],
        prepare: impl FnOnce(&Site, &Sandbox) -> Command,
    ) -> Option<Self> {
        crate::logging::on();
        let (dir, ca, site) = Site::new();
        let sandbox = Sandbox::with(program, packages, dir.path())?;
        let command = prepare(&site, &sandbox);
        let mut server = Self::run(command, dir, ca, &site);
        server._sandbox = Some(sandbox);
        Some(server)
    }

    fn run(mut command: Command, dir: TempDir, ca: Ca, site: &Site) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env("LC_ALL", "C.UTF-8");
        let child = command.spawn().expect("the server");
        let mut server = Self {
            child,
            dir,
            ca,
            #[cfg(target_os = "linux")]
            _sandbox: None,
            port: site.port,
            tls_port: site.tls_port,
        };
        server.wait();
        server
    }

    /// Waits until both ports are open.
    fn wait(&mut self) {
        let began = Instant::now();
        for port in [self.port, self.tls_port] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                let ended = self.child.try_wait().expect("a process");
                let log = fs::read_to_string(self.dir.path().join("error.log")).unwrap_or_default();
                assert!(ended.is_none(), "the server ended: {ended:?}\n{log}");
                assert!(began.elapsed() < START, "the server does not listen\n{log}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// The file to give as `ca_file`.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.ca.file()
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        let has_namespace = self._sandbox.is_some();
        #[cfg(not(target_os = "linux"))]
        let has_namespace = false;
        if has_namespace {
            // Its end ends all that is in it; it ignores a TERM.
            let _ = self.child.kill();
        } else {
            // A TERM lets nginx end its worker as well.
            let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        }
        let _ = self.child.wait();
    }
}

/// What a server gets before it starts.
pub(crate) struct Site {
    pub(crate) dir: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
}

impl Site {
    fn new() -> (TempDir, Ca, Self) {
        let dir = TempDir::new_in(target()).expect("a directory");
        // Workers of web servers are another user.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        let ca = Ca::new();
        let (certificate, key) = ca.files(&Leaf::new(["127.0.0.1"]));
        let [port, tls_port] = free_ports();
        let site = Self { dir: dir.path().to_owned(), certificate, key, port, tls_port };
        (dir, ca, site)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.join(name), text).expect("a file");
    }
}

/// Held together, so that they differ.
fn free_ports() -> [u16; 2] {
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a loopback port"));
    held.map(|listener| listener.local_addr().expect("an address").port())
}

fn web_files(site: &Site) {
    for path in ["www/basic", "www/digest", "www/dav", "www/open", "www/forbidden", "www/busy", "locks"] {
        fs::create_dir_all(site.dir.join(path)).expect("a directory");
        fs::write(site.dir.join(path).join("index.html"), "hello\n").expect("a page");
    }
    fs::set_permissions(site.dir.join("locks"), fs::Permissions::from_mode(0o777)).expect("permissions");
    let (mut basic, mut digest) = (String::new(), String::new());
    for (name, password) in USERS {
        let hash = output(Command::new("htpasswd").args(["-n", "-i", "-s", name]), password);
        let _ = writeln!(basic, "{}", hash.trim());
        let sum = output(&mut Command::new("md5sum"), &format!("{name}:cloud:{password}"));
        let _ = writeln!(digest, "{name}:cloud:{}", sum.split(' ').next().unwrap_or_default());
    }
    site.write("htpasswd", &basic);
    site.write("htdigest", &digest);
}

/// What a program prints about this input.
pub(crate) fn output(command: &mut Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a program");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("its input");
    String::from_utf8(child.wait_with_output().expect("its output").stdout).expect("text")
}

fn directory() -> String {
    use base64::Engine;
    let secret = |password: &str| base64::engine::general_purpose::STANDARD.encode(password);
    let mut ldif = format!(
        "dn: dc=example,dc=com\nobjectClass: domain\ndc: example\n\n\
         dn: ou=people,dc=example,dc=com\nobjectClass: organizationalUnit\nou: people\n\n\
         dn: ou=groups,dc=example,dc=com\nobjectClass: organizationalUnit\nou: groups\n\n\
         dn: cn=reader,dc=example,dc=com\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n\
         cn: reader\nuserPassword: {READER_PASSWORD}\n\n"
    );
    for (name, password) in USERS {
        let _ = write!(
            ldif,
            "dn: uid={name},ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: {name}\nsn: Doe\n\
             cn: {name} doe\ndisplayName: {name} D.\nmail: {name}@example.com\nuserPassword:: {}\n\n",
            secret(password)
        );
    }
    // No password at all, and a name that is found twice.
    ldif.push_str("dn: uid=nopassword,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: nopassword\nsn: x\ncn: x\n\n");
    for ou in ["people", "groups"] {
        let _ = write!(
            ldif,
            "dn: uid=twice,ou={ou},dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: twice\nsn: x\ncn: x\nuserPassword: Twice-1\n\n"
        );
    }
    for (group, members) in [("staff", &["alice", "bob"][..]), ("admins", &["alice"])] {
        let _ = write!(
            ldif,
            "dn: cn={group},ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: {group}\n"
        );
        for member in members {
            let _ = writeln!(ldif, "member: uid={member},ou=people,dc=example,dc=com");
        }
        ldif.push('\n');
    }
    ldif
}

/// Below `target`, which a clean build removes.
pub(crate) fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("target"),
        PathBuf::from,
    );
    let servers = target.join("servers");
    fs::create_dir_all(&servers).expect("a directory");
    servers
}

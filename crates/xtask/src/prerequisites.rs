//! Debian packages and cargo tools of the commands, installed only when missing.
//!
//! They are printed before.

use std::fs::{self, File};
use std::path::Path;

use crate::step::{self, Outcome};

/// What each package is for, as printed.
const WHY: &[(&str, &str)] = &[
    ("apache2", "a web server that a test signs in at"),
    ("apache2-utils", "makes the password file of nginx for `cargo xtask bench`"),
    ("chromium", "the browser that looks at the pages"),
    ("chromium-driver", "drives that browser"),
    ("curl", "signs in beside ours in `cargo xtask bench`; asks the server of a package or an image"),
    ("dovecot-imapd", "the test rig's IMAP server"),
    ("fail2ban", "reads the log with the filter that operators use; its service is not started"),
    ("faketime", "sets the wall clock of a program that a test starts"),
    ("iproute2", "brings up loopback in a network of the soak's own"),
    ("libpam-pwdfile", "password files for the test rig's FTP server"),
    ("libsmbclient-dev", "the C library (GPLv3+) that user-backend-smb-helper links"),
    ("mariadb-server", "the database server that the tests of the import read from"),
    ("mmdebstrap", "makes the root directory in which the Debian packages are tried"),
    ("nginx-light", "the reverse proxy that asks for sign-ins in a test"),
    ("nodejs", "runs a library that others wrote for the API, and examples of the documentation"),
    ("npm", "installs that library"),
    ("openssl", "makes certificates of test servers"),
    ("openssh-server", "the SSH server that a test signs in at"),
    ("php-cli", "runs the PHP app beside ours"),
    ("ldap-utils", "ldapwhoami, which signs in beside ours in `cargo xtask bench`"),
    ("php-curl", "how the PHP app speaks IMAP"),
    ("php-imap", "another way in which PHP speaks IMAP"),
    ("php-mbstring", "lower case in the PHP app"),
    ("pkg-config", "finds libsmbclient for the build"),
    ("postgresql", "the database server that the store's tests use beside SQLite"),
    ("procps", "finds the test rig's processes"),
    ("prosody", "the XMPP server that a test signs in at"),
    ("python3", "runs a library that others wrote for the API, and examples of the documentation"),
    ("python3-venv", "installs that library into a folder of its own"),
    ("redis-server", "the Valkey or Redis in which a test counts"),
    ("samba", "the test rig's SMB server"),
    ("samba-common-bin", "the test rig's SMB accounts"),
    ("sasl2-bin", "saslauthd, beside which a frontend is measured"),
    ("sshpass", "signs in beside ours in `cargo xtask bench`"),
    ("slapd", "the directory that a test signs in at"),
    ("smbclient", "how the PHP app speaks SMB"),
    ("valgrind", "counts instructions in `cargo xtask counts`"),
    ("vsftpd", "the test rig's FTP server"),
    ("wrk", "sends the requests of `cargo xtask bench ocs`"),
];

/// A program and its package.
const NGINX: (&str, &str) = ("/usr/sbin/nginx", "nginx-light");

/// Installs, while a policy file keeps the packages from starting their services.
const INSTALL: &str = r#"
policy=/usr/sbin/policy-rc.d own=
trap '[ -z "$own" ] || rm -f "$policy"' EXIT; trap 'exit 130' INT TERM
[ -e "$policy" ] || { own=1; printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; }
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update
apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
"#;

/// The missing Debian packages that building with every feature needs.
pub(crate) fn missing_libraries() -> Vec<String> {
    let found = step::have("pkg-config")
        && step::capture(step::program("pkg-config").args(["--exists", "smbclient"])).is_ok();
    if found { Vec::new() } else { vec!["libsmbclient-dev".into(), "pkg-config".into()] }
}

/// The missing Debian package of the reverse proxy.
pub(crate) fn missing_proxy() -> Vec<String> {
    without_program(&[NGINX])
}

/// The missing Debian package whose filter a test runs over the log.
pub(crate) fn missing_log_filter() -> Vec<String> {
    without_program(&[("/usr/bin/fail2ban-regex", "fail2ban")])
}

/// The missing Debian packages of servers that tests start themselves, without the rig.
pub(crate) fn missing_servers() -> Vec<String> {
    without_program(&[
        NGINX,
        ("/usr/sbin/apache2", "apache2"),
        ("/usr/sbin/slapd", "slapd"),
        ("/usr/sbin/sshd", "openssh-server"),
        ("/usr/bin/prosody", "prosody"),
    ])
}

/// The missing Debian package of the Valkey or Redis that tests start themselves.
pub(crate) fn missing_valkey() -> Vec<String> {
    without_program(&[("/usr/bin/redis-server", "redis-server")])
}

/// The missing Debian packages of the browser and its driver.
pub(crate) fn missing_browser() -> Vec<String> {
    if step::have("chromedriver") { Vec::new() } else { vec!["chromium".into(), "chromium-driver".into()] }
}

/// The missing Debian packages of the programs beside which frontends are measured.
pub(crate) fn missing_peers() -> Vec<String> {
    let mut missing = missing_web_peer();
    missing.extend(without_program(&[
        ("/usr/sbin/saslauthd", "sasl2-bin"),
        ("/usr/sbin/dovecot", "dovecot-imapd"),
    ]));
    missing
}

/// The missing Debian packages that trying our packages needs.
pub(crate) fn missing_for_packages() -> Vec<String> {
    without_program(&[("/usr/bin/curl", "curl"), ("/usr/bin/mmdebstrap", "mmdebstrap")])
}

/// The missing Debian packages that trying the images needs, besides a container engine.
pub(crate) fn missing_for_images() -> Vec<String> {
    without_program(&[("/usr/bin/curl", "curl"), ("/usr/bin/openssl", "openssl")])
}

/// The missing Debian packages of nginx with a password file.
pub(crate) fn missing_web_peer() -> Vec<String> {
    without_program(&[NGINX, ("/usr/bin/htpasswd", "apache2-utils")])
}

/// The missing Debian packages of the programs that sign in beside ours.
pub(crate) fn missing_clients() -> Vec<String> {
    let mut missing = without_program(&[
        ("/usr/bin/curl", "curl"),
        ("/usr/bin/ldapwhoami", "ldap-utils"),
        ("/usr/bin/sshpass", "sshpass"),
    ]);
    let modules = step::capture(step::program("php").arg("-m")).unwrap_or_default();
    if !modules.lines().any(|line| line == "imap") {
        missing.push("php-imap".to_owned());
    }
    missing
}

/// Of these programs and their packages, the packages whose program is missing.
fn without_program(packages: &[(&str, &str)]) -> Vec<String> {
    let missing = packages.iter().filter(|(program, _)| !Path::new(program).is_file());
    missing.map(|(_, package)| (*package).to_owned()).collect()
}

/// The missing Debian package that sets the wall clock of one program.
pub(crate) fn missing_clock() -> Vec<String> {
    let mut places = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let found = places.any(|place| place.path().join("faketime/libfaketime.so.1").is_file());
    if found { Vec::new() } else { vec!["faketime".into()] }
}

/// Prints and installs missing Debian packages.
///
/// # Errors
///
/// Not Debian, not root, or `apt-get` failed.
pub(crate) fn install(missing: &[String]) -> Outcome {
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !step::have("apt-get") {
        let all = "this is not Debian or a relative of it (no apt-get), so install what corresponds";
        return Err(format!("missing Debian packages: {names}; {all}").into());
    }
    if !is_root()? {
        let how = format!("sudo apt-get install --no-install-recommends {names}");
        return Err(format!("missing Debian packages, and only root can install them: {how}").into());
    }
    eprintln!("    installing Debian packages (half a minute as a rule):");
    for name in missing {
        let why = WHY.iter().find(|(n, _)| n == name).map_or("", |(_, why)| why);
        eprintln!("      {name:<17} {why}");
    }
    let log = step::root().join("target/apt.log");
    fs::create_dir_all(step::root().join("target"))?;
    let file = File::create(&log)?;
    let mut command = step::program("bash");
    command.args(["-euc", INSTALL, "install"]).args(missing).stdout(file.try_clone()?).stderr(file);
    step::run(&mut command)
        .map_err(|_| format!("apt-get failed, see the end of {}:\n{}", log.display(), tail(&log)))?;
    Ok(())
}

pub(crate) fn is_root() -> Outcome<bool> {
    Ok(step::capture(step::program("id").arg("-u"))?.trim() == "0")
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

/// Prints and installs a missing cargo tool into `target/tools`.
///
/// # Errors
///
/// `cargo install` failed.
pub(crate) fn tool(program: &str, package: &str, version: &str, minutes: u32) -> Outcome {
    if step::have(program) {
        return Ok(());
    }
    eprintln!("    {program} is not here: building {package} into target/tools, once (about {minutes} min)");
    let tools = step::tools();
    let mut install =
        step::cargo(&["install", "--locked", "--quiet", "--version", version, package, "--root"]);
    // A tool that runs for seconds is not worth an optimised build of minutes.
    install
        .arg(&tools)
        .env("CARGO_TARGET_DIR", tools.join("build"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    step::run(&mut install)?;
    fs::remove_dir_all(tools.join("build"))?;
    Ok(())
}

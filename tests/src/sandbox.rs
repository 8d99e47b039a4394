//! Programs of Debian packages that are not installed, unpacked once.
//!
//! They run in a root directory of their own.
//!
//! Mail servers exclude each other as packages, and want `/etc`, `/var` and users of their own. A
//! sandbox shows the unpacked packages over `/usr`, its own files over `/etc`, and an empty `/run`
//! and `/var`, in a mount and process namespace that ends with the program. So snippets of the
//! documentation run as they are written. It needs root and overlay mounts.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The users that packages create at installation, with their ids in a sandbox.
pub const USERS: [(&str, u32); 3] = [("postfix", 64901), ("postdrop", 64902), ("Debian-exim", 64903)];

/// Mounts, and then runs a program.
///
/// The shell stays: its death ends the namespace, and a program that changes its user, such as
/// Postfix, would not get the signal at the end of the test. Arguments: packages, folder of the
/// sandbox, folder that is shared, preparation, program.
const SCRIPT: &str = r#"
packages=$1 own=$2 shared=$3 prepare=$4; shift 4
mkdir -p "$packages/etc" "$packages/usr"
mount -t overlay overlay -o "lowerdir=$packages/usr:/usr" /usr
mount -t overlay overlay -o "lowerdir=$packages/etc:/etc,upperdir=$own/etc,workdir=$own/work" /etc
for empty in /run /var/lib /var/spool /var/log; do mount -t tmpfs tmpfs "$empty"; done
mkdir /run/user-backend; mount --bind "$shared" /run/user-backend
eval "$prepare"
"$@"
exit $?
"#;

/// A root of its own for a program.
#[derive(Debug)]
pub struct Sandbox {
    packages: PathBuf,
    own: TempDir,
    shared: PathBuf,
}

impl Sandbox {
    /// For a program with these packages, and a folder that is `/run/user-backend` inside.
    ///
    /// `None`, and a line that says why, where this machine cannot do that: then the test is
    /// skipped. With `PROGRAMS_REQUIRED` in the environment, that is a failure.
    ///
    /// # Panics
    /// When files cannot be written.
    pub fn with(program: &str, packages: &[&str], shared: &Path) -> Option<Self> {
        let found = unpacked(packages).and_then(|packages| Self::at(packages, shared));
        found.map_err(|why| skip(program, &why)).ok()
    }

    fn at(packages: PathBuf, shared: &Path) -> Result<Self, String> {
        let own = TempDir::new().expect("a folder");
        for folder in ["etc", "work"] {
            let folder = own.path().join(folder);
            fs::create_dir(&folder).expect("a folder");
            fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("permissions");
        }
        let sandbox = Self { packages, own, shared: shared.to_owned() };
        let read = |file| fs::read_to_string(file).expect("the users of this machine");
        let (mut users, mut groups) = (read("/etc/passwd"), read("/etc/group"));
        for (name, id) in USERS {
            users += &format!("{name}:x:{id}:{id}::/:/usr/sbin/nologin\n");
            groups += &format!("{name}:x:{id}:\n");
        }
        sandbox.write("/etc/passwd", &users);
        sandbox.write("/etc/group", &groups);
        let output = sandbox.command("", &["true"]).output().map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(sandbox)
        } else {
            Err(format!("no sandbox: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
    }

    /// Writes a file below `/etc`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: &str) {
        let below = path.strip_prefix("/etc/").expect("a file below /etc");
        let file = self.own.path().join("etc").join(below);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, text).expect("a file");
    }

    /// A command that runs a program inside, after a shell has run `prepare` there.
    ///
    /// Killing it ends all that it started.
    pub fn command(&self, prepare: &str, words: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        command.args(["sh", "-euc", SCRIPT, "sandbox"]).arg(&self.packages).arg(self.own.path());
        command.arg(&self.shared).arg(prepare).args(words).stdin(Stdio::null());
        command
    }
}

/// Says that a test is skipped.
///
/// # Panics
/// With `PROGRAMS_REQUIRED` in the environment.
pub fn skip(program: &str, why: &str) {
    assert!(std::env::var_os("PROGRAMS_REQUIRED").is_none(), "{program}: {why}");
    eprintln!("skipped: no {program}: {why}");
}

/// Where downloaded programs are kept.
///
/// # Panics
/// When the folder cannot be made.
pub fn kept() -> PathBuf {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/programs"));
    fs::create_dir_all(folder).expect("a folder");
    folder.canonicalize().expect("the folder")
}

/// The files of packages, downloaded when they are not here yet.
///
/// # Errors
/// Why they cannot be had.
///
/// # Panics
/// When files cannot be written.
pub fn unpacked(packages: &[&str]) -> Result<PathBuf, String> {
    if packages.is_empty() {
        let none = kept().join("none");
        fs::create_dir_all(&none).expect("a folder");
        return Ok(none);
    }
    let place = kept().join(packages.join("+"));
    if place.is_dir() {
        return Ok(place);
    }
    let scratch = TempDir::new_in(kept()).expect("a folder");
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o755)).expect("permissions");
    let mut download = Command::new("apt-get");
    download.args(["-q", "-o", "APT::Sandbox::User=root", "download"]).args(packages);
    run(download.current_dir(scratch.path()))?;
    let root = scratch.path().join("root");
    fs::create_dir(&root).expect("a folder");
    for file in fs::read_dir(scratch.path()).expect("the packages").flatten() {
        if file.path().extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg").arg("-x").arg(file.path()).arg(&root))?;
        }
    }
    // Another test may have been faster; its files are the same.
    if fs::rename(&root, &place).is_err() && !place.is_dir() {
        return Err("the packages cannot be kept".to_owned());
    }
    Ok(place)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(text.lines().last().unwrap_or("it failed").to_owned())
}

//! A PostgreSQL server for the tests of the store: its own folder, its own socket, gone afterwards.
//!
//! It listens on a socket in its folder and on no address. It does not wait for the disk: what it holds is thrown away.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::step::{self, Outcome};

/// The variable that tells the tests of the server.
pub(crate) const VARIABLE: &str = "ACCOUNTS_POSTGRES";

/// Starts a server, says where, waits for the end of its standard input and cleans up.
///
/// PostgreSQL refuses to run as root; the package brings the user `postgres`.
const SERVER: &str = r#"
trap '' INT TERM HUP
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
folder=$(mktemp -d /tmp/user-backend-postgres.XXXXXX)
as=()
[ "$(id -u)" != 0 ] || { as=(runuser -u postgres --); chown postgres "$folder"; }
cd "$folder"
end() { "${as[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || :; cd /; rm -rf "$folder"; }
trap end EXIT
"${as[@]}" "$bin/initdb" -D "$folder/data" -U accounts -A trust -E UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1 ||
  { cat "$folder/initdb.log" >&2; exit 1; }
"${as[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/data/log" start </dev/null >/dev/null -o \
  "-c listen_addresses='' -c unix_socket_directories='$folder' -c max_connections=200 -c shared_buffers=64MB $1" ||
  { cat "$folder/data/log" >&2; exit 1; }
echo "$folder"
read -r || :
"#;

/// The Debian package, if it is missing.
pub(crate) fn missing() -> Vec<String> {
    let found = std::fs::read_dir("/usr/lib/postgresql")
        .is_ok_and(|versions| versions.flatten().any(|version| version.path().join("bin/initdb").is_file()));
    if found { Vec::new() } else { vec!["postgresql".into()] }
}

/// A running server. It ends when this is dropped, and also when this process is killed.
#[derive(Debug)]
pub(crate) struct Server {
    shell: Child,
    folder: String,
}

impl Server {
    /// Starts one. Only a `durable` one waits for the disk at every commit.
    ///
    /// # Errors
    ///
    /// PostgreSQL said why on standard error.
    pub(crate) fn start(durable: bool) -> Outcome<Self> {
        let speed =
            if durable { "" } else { "-c fsync=off -c full_page_writes=off -c synchronous_commit=off" };
        let mut shell = step::program("bash");
        shell.args(["-euc", SERVER, "postgres", speed]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn()?;
        let mut folder = String::new();
        if let Some(output) = shell.stdout.take() {
            BufReader::new(output).read_line(&mut folder)?;
        }
        let folder = folder.trim().to_owned();
        let server = Self { shell, folder };
        if server.folder.is_empty() {
            return Err("PostgreSQL does not start".into());
        }
        Ok(server)
    }

    /// What [`VARIABLE`] holds.
    pub(crate) fn address(&self) -> String {
        format!("postgres://accounts@localhost/postgres?host={}", self.folder)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        if let Err(error) = self.shell.wait() {
            eprintln!("PostgreSQL may still run in {}: {error}", self.folder);
        }
    }
}

//! Database servers for tests, each with a temporary folder and socket.
//!
//! They listen on a socket in their folder and on no address. They do not wait for the disk: what
//! they hold is thrown away.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::step::{self, Outcome};

/// A kind of server.
#[derive(Debug)]
pub(crate) struct DatabaseKind {
    name: &'static str,
    /// The variable through which tests find the server.
    pub(crate) variable: &'static str,
    /// The Debian package.
    package: &'static str,
    /// The user that the package brings: these servers refuse to run as root.
    user: &'static str,
    /// Where one of these files is, the server is installed.
    programs: &'static [&'static str],
    /// Starts the server in `$folder`; `end` stops it.
    ///
    /// `$1` may request durable writes.
    script: &'static str,
    /// The value of the variable for a folder.
    address: fn(&str) -> String,
}

/// For the store, and to import from.
pub(crate) const POSTGRES: DatabaseKind = DatabaseKind {
    name: "PostgreSQL",
    variable: "ACCOUNTS_POSTGRES",
    package: "postgresql",
    user: "postgres",
    programs: &["/usr/lib/postgresql/*/bin/initdb"],
    script: r#"
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
end() { "${as[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || :; }
speed='-c fsync=off -c full_page_writes=off -c synchronous_commit=off'
[ "$1" != durable ] || speed=
"${as[@]}" "$bin/initdb" -D "$folder/data" -U accounts -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1
"${as[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/data/log" start </dev/null >/dev/null -o \
  "-c listen_addresses='' -c unix_socket_directories='$folder' -c max_connections=200 -c shared_buffers=64MB $speed" ||
  { cat "$folder/data/log" >>"$folder/log"; exit 1; }
"#,
    address: |folder| format!("postgres://accounts@localhost/postgres?host={folder}"),
};

/// A source for the import.
///
/// It also speaks TLS, with a certificate for `localhost` that only the file `cert.pem` verifies.
pub(crate) const MARIADB: DatabaseKind = DatabaseKind {
    name: "MariaDB",
    variable: "IMPORT_MYSQL",
    package: "mariadb-server",
    user: "mysql",
    programs: &["/usr/sbin/mariadbd", "/usr/libexec/mariadbd"],
    script: r#"
PATH=$PATH:/usr/sbin:/usr/libexec
end() { [ ! -s pid ] || kill -KILL "$(cat pid)"; wait; }
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout key.pem \
  -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -out cert.pem >log 2>&1
[ "$(id -u)" != 0 ] || chown mysql key.pem
"${as[@]}" mariadb-install-db --no-defaults --datadir="$folder/data" --auth-root-authentication-method=normal \
  --skip-test-db >>log 2>&1
"${as[@]}" mariadbd --no-defaults --datadir="$folder/data" --socket="$folder/socket" --pid-file="$folder/pid" \
  --skip-networking --skip-log-bin --ssl-cert="$folder/cert.pem" --ssl-key="$folder/key.pem" \
  --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=32M --performance-schema=off </dev/null >>log 2>&1 &
until mariadb-admin --no-defaults --socket="$folder/socket" --user=root ping >/dev/null 2>&1; do
  jobs %% >/dev/null 2>&1 && kill -0 $! 2>/dev/null || exit 1
  sleep 0.1
done
"#,
    address: |folder| format!("mysql://root@localhost?socket={folder}/socket"),
};

/// Frame of every script: prints its folder, waits for end of input, cleans up.
const BEGIN: &str = r#"
trap '' INT TERM HUP
folder=$(mktemp -d /tmp/user-backend-database.XXXXXX)
as=()
[ "$(id -u)" != 0 ] || { as=(runuser -u "$0" --); chown "$0" "$folder"; }
cd "$folder"
started=
end() { :; }
trap '[ "$started" ] || tail -n 20 "$folder/log" >&2; end; cd /; rm -rf "$folder"' EXIT
"#;
const READY: &str = r#"
started=1
echo "$folder"
read -r || :
"#;

impl DatabaseKind {
    /// The Debian package, if it is missing.
    pub(crate) fn missing(&self) -> Vec<String> {
        let found = self.programs.iter().any(|program| match program.split_once('*') {
            None => Path::new(program).is_file(),
            Some((folder, file)) => std::fs::read_dir(folder).is_ok_and(|versions| {
                versions.flatten().any(|version| version.path().join(file.trim_start_matches('/')).is_file())
            }),
        });
        if found { Vec::new() } else { vec![self.package.into()] }
    }
}

/// A running server.
///
/// It ends when this is dropped, and also when this process is killed.
#[derive(Debug)]
pub(crate) struct Server {
    kind: &'static DatabaseKind,
    shell: Child,
    folder: String,
}

impl Server {
    /// Starts one.
    ///
    /// Only a `durable` one waits for the disk at every commit.
    ///
    /// # Errors
    ///
    /// The server wrote the reason to standard error.
    pub(crate) fn start(kind: &'static DatabaseKind, durable: bool) -> Outcome<Self> {
        let script = [BEGIN, kind.script, READY].concat();
        let mut shell = step::program("bash");
        let speed = if durable { "durable" } else { "" };
        shell.args(["-euc", &script, kind.user, speed]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn()?;
        let mut folder = String::new();
        if let Some(output) = shell.stdout.take() {
            BufReader::new(output).read_line(&mut folder)?;
        }
        let folder = folder.trim().to_owned();
        let server = Self { kind, shell, folder };
        if server.folder.is_empty() {
            return Err(format!("{} does not start", kind.name).into());
        }
        Ok(server)
    }

    /// The folder with its data and its socket.
    pub(crate) fn folder(&self) -> &str {
        &self.folder
    }

    /// The variable through which tests find the server, and its value.
    pub(crate) fn variable(&self) -> (String, String) {
        (self.kind.variable.into(), (self.kind.address)(&self.folder))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        if let Err(error) = self.shell.wait() {
            eprintln!("{} may still run in {}: {error}", self.kind.name, self.folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_start_is_reported() {
        const BROKEN: DatabaseKind =
            DatabaseKind { name: "Broken", user: "nobody", script: "exit 1", ..MARIADB };
        let error = Server::start(&BROKEN, false).unwrap_err().to_string();
        assert_eq!(error, "Broken does not start");
    }
}

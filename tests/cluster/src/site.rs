//! The site: servers with addresses of their own, each behind a relay to one PostgreSQL, and nginx.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use user_backend_tests::valkey_server::ValkeyServer;

use crate::Outcome;
use crate::client;
use crate::upstream::{Seen, Upstream};

/// The first administrator.
pub(crate) const ADMIN: (&str, &str) = ("root", "Cluster-root-0-Wonderland!");

/// From where the administrator comes.
pub(crate) const ADMIN_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 9, 9, 9);

/// How long a server may take until it is ready.
const READY: Duration = Duration::from_secs(60);

/// What the site is made of.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) server: PathBuf,
    pub(crate) occ: PathBuf,
    /// The folder with the socket of PostgreSQL.
    pub(crate) postgres_socket: PathBuf,
    /// A script that restarts it.
    pub(crate) postgres_restart: PathBuf,
    /// Whether servers count failed logins in Valkey, too.
    pub(crate) has_valkey: bool,
}

/// A running site.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) servers: Vec<Server>,
    pub(crate) upstreams: [Upstream; 2],
    /// nginx in front of all servers.
    pub(crate) front: SocketAddr,
    pub(crate) programs: Programs,
    /// The Valkey, if there is one.
    pub(crate) valkey: Mutex<Option<ValkeyServer>>,
    nginx: Mutex<Option<Child>>,
    folder: TempDir,
    is_over: AtomicBool,
}

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    config: PathBuf,
    log: PathBuf,
    program: PathBuf,
    child: Mutex<Option<Child>>,
    relay: Relay,
    valkey_relay: Option<Relay>,
}

impl Site {
    /// Starts everything on a new database.
    pub(crate) async fn start(programs: &Programs, servers: u8, number: u64) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let database = format!("cluster_{servers}_{number}");
        create_database(programs, &database)?;
        let upstreams = [Upstream::start(&["ext", "dual"]).await?, Upstream::start(&["dual"]).await?];
        let valkey = match programs.has_valkey {
            true => Some(ValkeyServer::start().ok_or("redis-server is not installed")?),
            false => None,
        };
        let mut all = Vec::new();
        for number in 1..=servers {
            let ip = Ipv4Addr::new(127, 0, 0, 10 + number);
            let address = SocketAddr::new(ip.into(), free_port(ip)?);
            let relay = Relay::start(programs.postgres_socket.join(".s.PGSQL.5432")).await?;
            let own = folder.path().join(format!("server{number}"));
            fs::create_dir(&own)?;
            let config = own.join("user-backend.toml");
            let mut text = configuration(folder.path(), address, &relay, &database, &upstreams);
            let mut valkey_relay = None;
            if let Some(valkey) = &valkey {
                let relay = Relay::start(valkey.socket()).await?;
                text += &format!("[valkey]\nurl = \"valkey://{}\"\n", relay.address);
                valkey_relay = Some(relay);
            }
            write_private(&config, &text)?;
            all.push(Server {
                address,
                config,
                log: own.join("log"),
                program: programs.server.clone(),
                child: Mutex::default(),
                relay,
                valkey_relay,
            });
        }
        let front = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), free_port(Ipv4Addr::LOCALHOST)?);
        let nginx = start_nginx(folder.path(), front, &all)?;
        let site = Self {
            servers: all,
            upstreams,
            front,
            programs: programs.clone(),
            valkey: Mutex::new(valkey),
            nginx: Mutex::new(Some(nginx)),
            folder,
            is_over: AtomicBool::new(false),
        };
        site.create_admin()?;
        for server in &site.servers {
            server.spawn()?;
        }
        for server in &site.servers {
            server.wait_until_ready().await?;
        }
        if programs.has_valkey {
            // Nothing was counted before, so Valkey can have forgotten nothing.
            psql(programs, &database, "UPDATE valkey_generation SET since = 0")?;
        }
        Ok(site)
    }

    fn create_admin(&self) -> Outcome {
        let first = self.servers.first().ok_or("a site without servers")?;
        let mut occ = Command::new(&self.programs.occ);
        occ.arg("--config").arg(&first.config);
        occ.args(["user:add", "--password-from-env", "--group", "admin", ADMIN.0]).env("OC_PASS", ADMIN.1);
        let output = occ.output()?;
        if output.status.success() {
            return Ok(());
        }
        let text = [output.stdout, output.stderr].concat();
        Err(format!("occ user:add: {}", String::from_utf8_lossy(&text)).into())
    }

    /// Does something to the Valkey, if there is one.
    pub(crate) fn on_valkey(&self, change: impl FnOnce(&mut ValkeyServer)) {
        if let Some(valkey) = self.valkey.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            change(valkey);
        }
    }

    /// The addresses that clients use: those of the servers and nginx.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.address).chain([self.front]).collect()
    }

    /// Lets all clients end after what they do now.
    pub(crate) fn finish(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Whether clients go on.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_over.load(Ordering::SeqCst)
    }

    /// What each server with passwords has seen.
    pub(crate) fn upstream_events(&self) -> Vec<Vec<Seen>> {
        self.upstreams.iter().map(Upstream::seen).collect()
    }

    /// Ends everything.
    pub(crate) async fn stop(self) {
        let nginx = self.nginx.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut nginx) = nginx {
            // A master process ends its workers at SIGTERM.
            signal(&nginx, "TERM");
            let _ = nginx.wait();
        }
        for server in &self.servers {
            server.kill();
        }
        drop(self.folder);
    }
}

impl Server {
    /// Starts the program.
    pub(crate) fn spawn(&self) -> Outcome {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--config").arg(&self.config);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        *self.child() = Some(command.spawn()?);
        Ok(())
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills it without notice.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Freezes it, or lets it go on.
    pub(crate) fn freeze(&self, is_frozen: bool) {
        if let Some(child) = self.child().as_ref() {
            signal(child, if is_frozen { "STOP" } else { "CONT" });
        }
    }

    /// Cuts it off from the database, or connects it again.
    pub(crate) fn cut_off(&self, is_cut: bool) {
        self.relay.cut(is_cut);
    }

    /// Cuts it off from Valkey, or connects it again.
    pub(crate) fn cut_off_from_valkey(&self, is_cut: bool) {
        if let Some(relay) = &self.valkey_relay {
            relay.cut(is_cut);
        }
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn wait_until_ready(&self) -> Outcome {
        let began = Instant::now();
        loop {
            let answer =
                client::request(self.address, Ipv4Addr::LOCALHOST.into(), ("GET", "/healthz"), ("", ""), &[]);
            if answer.await.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if began.elapsed() > READY {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                return Err(format!("{} is not ready: {log}", self.address).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn signal(child: &Child, name: &str) {
    let _ = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status();
}

fn create_database(programs: &Programs, name: &str) -> Outcome {
    psql(programs, "postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"))
}

fn psql(programs: &Programs, database: &str, statement: &str) -> Outcome {
    let mut psql = Command::new("psql");
    psql.arg("-h").arg(&programs.postgres_socket).args(["-U", "accounts", "-d", database, "-q", "-c"]);
    let done = psql.arg(statement).output()?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("psql: {}", String::from_utf8_lossy(&done.stderr)).into())
}

fn configuration(
    shared: &Path,
    address: SocketAddr,
    relay: &Relay,
    database: &str,
    upstreams: &[Upstream; 2],
) -> String {
    let key = shared.join("proven.key");
    let mut text = format!(
        "[server]\nlisten = \"{address}\"\npasswords = {{ memory_kib = 7168, passes = 1 }}\n\
         allow_plaintext = true\ntrusted_hosts = [\"*\"]\nproven_key_file = \"{}\"\n\
         [resolver]\ntrusted_proxies = [\"127.0.0.9\"]\n[store]\nurl = \"postgres://accounts@{}/{database}?sslmode=disable\"\n",
        key.display(),
        relay.address
    );
    for (id, upstream) in ["first", "second"].iter().zip(upstreams) {
        text += &format!(
            "[[user_backends]]\nclass = \"http\"\nid = \"{id}\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
             path = \"/\"\non_unavailable = \"continue\"\ncache_accepted = \"2s\"\n",
            upstream.address.port()
        );
    }
    text
}

fn write_private(path: &Path, text: &str) -> Outcome {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

fn free_port(ip: Ipv4Addr) -> Outcome<u16> {
    Ok(std::net::TcpListener::bind((ip, 0))?.local_addr()?.port())
}

fn start_nginx(folder: &Path, front: SocketAddr, servers: &[Server]) -> Outcome<Child> {
    let own = folder.join("nginx");
    fs::create_dir(&own)?;
    let upstream: String = servers.iter().map(|server| format!("server {};\n", server.address)).collect();
    let folder = own.display();
    let text = format!(
        "daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nworker_processes 1;\n\
         events {{ worker_connections 1024; }}\nhttp {{\naccess_log off;\n\
         client_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\nfastcgi_temp_path {folder}/f;\n\
         uwsgi_temp_path {folder}/u;\nscgi_temp_path {folder}/s;\n\
         upstream site {{\n{upstream}}}\nserver {{\nlisten {front};\nlocation / {{\nproxy_pass http://site;\n\
         proxy_bind 127.0.0.9;\nproxy_set_header Host $http_host;\n\
         proxy_set_header X-Forwarded-For $remote_addr;\nproxy_set_header X-Forwarded-Proto http;\n\
         proxy_read_timeout 25s;\nproxy_next_upstream off;\n}}\n}}\n}}\n"
    );
    let config = own.join("nginx.conf");
    fs::write(&config, text)?;
    let log = File::create(own.join("output"))?;
    let mut command = Command::new("/usr/sbin/nginx");
    command
        .arg("-c")
        .arg(&config)
        .arg("-p")
        .arg(&own)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command.spawn()?)
}

/// A TCP address for the socket of PostgreSQL, which can be cut.
#[derive(Debug)]
struct Relay {
    address: SocketAddr,
    is_cut: watch::Sender<bool>,
}

impl Relay {
    async fn start(socket: PathBuf) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (is_cut, cut) = watch::channel(false);
        let socket: Arc<Path> = socket.into();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (socket, cut) = (Arc::clone(&socket), cut.clone());
                tokio::spawn(async move {
                    let _ = relay(stream, &socket, cut).await;
                });
            }
        });
        Ok(Self { address, is_cut })
    }

    fn cut(&self, is_cut: bool) {
        let _ = self.is_cut.send(is_cut);
    }
}

/// Passes bytes until the relay is cut; then both sides see the end.
async fn relay(mut client: TcpStream, socket: &Path, mut cut: watch::Receiver<bool>) -> Outcome {
    if *cut.borrow() {
        return Ok(());
    }
    let mut server = UnixStream::connect(socket).await?;
    tokio::select! {
        passed = copy_bidirectional(&mut client, &mut server) => drop(passed?),
        _ = cut.wait_for(|is_cut| *is_cut) => {}
    }
    Ok(())
}

//! Scenarios: each backend alone, a slow network, no server, and all in one resolver.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use user_backend::clock::now;
use user_backend::config::Format;
use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::smb::{SmbBackend, SmbEngine, SmbSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{
    Attempt, BackendId, Config, Credentials, LoginName, Outcome, Password, Resolver, UserBackend, Verdict,
};
use user_backend_tests::proxy::{Fault, Plan, Proxy};
use user_backend_tests::{Rig, Rng};

use crate::tally::{Answer, Done, Kind};

/// Time for one attempt.
const TIME: Duration = Duration::from_secs(5);

/// Number of wrong passwords per user, of unknown users, and of addresses.
///
/// Tables of names, passwords and sources are full soon, so that only leaks keep growing.
const WRONG: usize = 8;
const STRANGERS: usize = 50;
const PLACES: u64 = 128;

/// A port without a listener.
const CLOSED: u16 = 9;

/// A user of the rig.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    name: String,
    password: String,
    servers: String,
    /// Whether the right password is accepted.
    welcome: bool,
}

/// All users in the rig's list.
pub(crate) fn people(rig: &Rig) -> Vec<Person> {
    let list = fs::read_to_string(rig.state().join("users.tsv")).expect("the rig's people");
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let [name, password, servers, state] = line.split('\t').collect::<Vec<_>>()[..] else {
                return None;
            };
            let (name, password) = (name.to_owned(), password.to_owned());
            Some(Person { name, password, servers: servers.to_owned(), welcome: state == "ok" })
        })
        .collect()
}

/// One way to be asked.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// The server that has to know the user.
    server: &'static str,
    asked: Asked,
    /// Whether the server answers when it is well.
    alive: bool,
    /// Whether a refusal is possible: not while a backend is unreachable.
    refuses: bool,
    _proxy: Option<Proxy>,
}

enum Asked {
    Backend(Box<dyn UserBackend>),
    Resolver(Box<Resolver>),
}

/// Who tries what.
pub(crate) struct Try {
    name: String,
    password: String,
    kind: Kind,
    source: IpAddr,
}

/// All ways.
pub(crate) async fn all(rig: &Rig) -> Vec<Scenario> {
    let jitter = Fault::Jitter(Duration::from_millis(300));
    let slow = |port, fault| Proxy::start(rig.host(), port, Plan { fault, turn: 1, connection: 0 });
    let (slow_imap, slow_ftp, slow_smb) = (
        slow(10993, jitter).await,
        slow(10990, jitter).await,
        slow(10445, Fault::Latency(Duration::from_millis(100))).await,
    );
    let hole = Plan { fault: Fault::BlackHole, turn: 0, connection: 0 };
    let hole = Proxy::start(rig.host(), 10993, hole).await;
    let here = "127.0.0.1";
    let mut scenarios = vec![
        Scenario::new("imap", "imap", imap(rig, rig.host(), 10993, TlsMode::Implicit)),
        Scenario::new("imap STARTTLS", "imap", imap(rig, rig.host(), 10143, TlsMode::Explicit)),
        Scenario::new("ftp", "ftp", ftp(rig, rig.host(), 10990, TlsMode::Implicit)),
        Scenario::new("ftp AUTH TLS", "ftp", ftp(rig, rig.host(), 10021, TlsMode::Explicit)),
        Scenario::new("smb native", "smb", smb(rig.host(), 10445, SmbEngine::Native)),
        Scenario::new("smb pavao", "smb", smb(rig.host(), 10445, SmbEngine::Pavao)),
        Scenario::new("slow imap", "imap", imap(rig, here, slow_imap.port(), TlsMode::Implicit))
            .through(slow_imap),
        Scenario::new("slow ftp", "ftp", ftp(rig, here, slow_ftp.port(), TlsMode::Implicit))
            .through(slow_ftp),
        Scenario::new("slow smb", "smb", smb(here, slow_smb.port(), SmbEngine::Native)).through(slow_smb),
        Scenario::new("dead ftp", "ftp", ftp(rig, here, CLOSED, TlsMode::Implicit)).dead(),
        Scenario::new("dead imap", "imap", imap(rig, here, hole.port(), TlsMode::Implicit))
            .through(hole)
            .dead(),
    ];
    for _ in 0..3 {
        scenarios.push(Scenario::new("resolver", "", resolver(rig, "")));
    }
    let dead = format!(
        "[[user_backends]]\nid = \"dead\"\nclass = \"ftp\"\nhost = \"{here}\"\nport = {CLOSED}\non_unavailable = \"continue\"\n\
         budget = {{ failures = 1000000, per = \"1m\" }}\n"
    );
    let beside = Scenario { refuses: false, ..Scenario::new("resolver, one dead", "", resolver(rig, &dead)) };
    scenarios.push(beside);
    scenarios
}

fn endpoint(rig: &Rig, host: &str, port: u16, tls: TlsMode) -> Endpoint {
    let endpoint = Endpoint::new(host, port, tls).with_trust(ServerTrust::CaFile(rig.ca_file()));
    endpoint.with_connect_timeout(Duration::from_secs(2)).with_timeout(TIME)
}

fn id(text: &str) -> BackendId {
    BackendId::parse(text).expect("an id")
}

fn imap(rig: &Rig, host: &str, port: u16, tls: TlsMode) -> Asked {
    let settings = ImapSettings::new(id("imap"), endpoint(rig, host, port, tls));
    Asked::Backend(Box::new(ImapBackend::new(settings).expect("a backend")))
}

fn ftp(rig: &Rig, host: &str, port: u16, tls: TlsMode) -> Asked {
    let settings = FtpSettings::new(id("ftp"), endpoint(rig, host, port, tls));
    Asked::Backend(Box::new(FtpBackend::new(settings).expect("a backend")))
}

fn smb(host: &str, port: u16, engine: SmbEngine) -> Asked {
    let endpoint = Endpoint::new(host, port, TlsMode::None);
    let endpoint = endpoint.with_connect_timeout(Duration::from_secs(2)).with_timeout(TIME);
    let settings = SmbSettings::new(id("smb"), endpoint).with_engine(engine).with_share("share");
    Asked::Backend(Box::new(SmbBackend::new(settings).expect("a backend")))
}

/// All three in one chain, with a small cache of short lifetime.
///
/// So most sign-ins reach a server, and the cache is soon full.
fn resolver(rig: &Rig, before: &str) -> Asked {
    let (host, ca) = (rig.host(), rig.ca_file().display().to_string());
    let each = "warm = 1\ncache_accepted = \"2s\"\ncache_rejected = \"1s\"\nbudget = { failures = 1000000, per = \"1m\" }\n\
                connect_timeout = \"2s\"\ntimeout = \"4s\"\nmax_concurrent = 64\n";
    let text = format!(
        "[resolver]\ndeadline = \"5s\"\ncache_entries = 2000\nthrottle = {{ per = \"1m\" }}\n{before}\
         [[user_backends]]\nid = \"mail\"\nclass = \"imap\"\nhost = \"{host}\"\nport = 10993\ntls = \"implicit\"\n\
         ca_file = \"{ca}\"\n{each}\
         [[user_backends]]\nid = \"files\"\nclass = \"ftp\"\nhost = \"{host}\"\nport = 10990\ntls = \"implicit\"\n\
         ca_file = \"{ca}\"\n{each}\
         [[user_backends]]\nid = \"office\"\nclass = \"smb\"\nhost = \"{host}\"\nport = 10445\nengine = \"native\"\n{each}"
    );
    let config = Config::parse(&text, Format::Toml, "soak.toml").expect("a configuration");
    Asked::Resolver(Box::new(Resolver::from_config(&config).expect("a resolver")))
}

impl Scenario {
    fn new(name: &'static str, server: &'static str, asked: Asked) -> Self {
        Self { name, server, asked, alive: true, refuses: true, _proxy: None }
    }

    fn through(self, proxy: Proxy) -> Self {
        Self { _proxy: Some(proxy), ..self }
    }

    fn dead(self) -> Self {
        Self { alive: false, ..self }
    }

    /// Whether this is what must be answered when the servers are well.
    ///
    /// Nothing when this scenario never answers so.
    pub(crate) fn when_well(&self, right: bool) -> Option<fn(&Answer) -> bool> {
        match (self.alive, right) {
            (true, true) => Some(|answer| *answer == Answer::Accepted),
            (true, false) if self.refuses => Some(|answer| matches!(answer, Answer::Refused(_))),
            _ => None,
        }
    }

    /// A random attempt: half of them with the right password.
    pub(crate) fn attempt(&self, people: &[Person], rng: &mut Rng) -> Try {
        let right = rng.below(2) == 0;
        if right && rng.below(8) == 0 {
            let unwelcome: Vec<&Person> = people.iter().filter(|person| !person.welcome).collect();
            let person = rng.pick(&unwelcome);
            return Try::new(person, person.password.clone(), Kind::Unwelcome, rng);
        }
        if !right && rng.below(4) == 0 {
            let name = format!("stranger-{}", rng.below(STRANGERS));
            let stranger = Person { name, password: String::new(), servers: String::new(), welcome: false };
            return Try::new(&stranger, format!("x{}", rng.below(2)), Kind::Wrong, rng);
        }
        self.certain(people, right, rng)
    }

    /// An attempt of a known user with the right or a wrong password.
    pub(crate) fn certain(&self, people: &[Person], right: bool, rng: &mut Rng) -> Try {
        let knows = |person: &&Person| {
            person.welcome && (person.servers == "all" || person.servers.contains(self.server))
        };
        let known: Vec<&Person> = people.iter().filter(knows).collect();
        let person = rng.pick(&known);
        if right {
            return Try::new(person, person.password.clone(), Kind::Right, rng);
        }
        Try::new(person, format!("{}{}", person.password, rng.below(WRONG)), Kind::Wrong, rng)
    }

    /// Tries it.
    pub(crate) async fn ask(&self, attempt: Try) -> Done {
        let deadline = now() + TIME;
        let answer = match &self.asked {
            Asked::Backend(backend) => {
                let name = LoginName::parse(&attempt.name).expect("a name");
                let password = Password::parse(&attempt.password).expect("a password");
                match backend.authenticate(&Attempt::new(&name, &password, deadline)).await {
                    Ok(Verdict::Accepted(identity)) if identity.name() == name.canonical() => {
                        Answer::Accepted
                    }
                    Ok(Verdict::Accepted(_)) => Answer::AnotherPerson,
                    Ok(Verdict::Rejected(rejection)) => Answer::Refused(rejection.as_str()),
                    Ok(Verdict::NotMine) => Answer::NotMine,
                    Err(error) => Answer::Failed(error.kind()),
                }
            }
            Asked::Resolver(resolver) => {
                let credentials =
                    Credentials::new(&attempt.name, &attempt.password).from_source(attempt.source);
                match resolver.authenticate(credentials).await.outcome {
                    Outcome::Authenticated(proof) if proof.name().as_str() == attempt.name => {
                        Answer::Accepted
                    }
                    Outcome::Authenticated(_) => Answer::AnotherPerson,
                    Outcome::Refused(rejection) => Answer::Refused(rejection.as_str()),
                    Outcome::Throttled { .. } => Answer::Failed("throttled"),
                    Outcome::Unavailable { .. } => Answer::Failed("unavailable"),
                }
            }
        };
        let late = now().saturating_duration_since(deadline);
        Done { scenario: self.name, name: attempt.name, kind: attempt.kind, answer, late }
    }
}

impl Try {
    fn new(person: &Person, password: String, kind: Kind, rng: &mut Rng) -> Self {
        let [.., place] = (rng.roll() % PLACES).to_be_bytes();
        Self { name: person.name.clone(), password, kind, source: Ipv4Addr::new(10, 0, 0, place).into() }
    }
}

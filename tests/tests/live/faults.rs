//! The network between us and the real servers, as bad as it can be.
//!
//! Every fault, in every phase of a login, for every protocol. With any network fault, the right
//! password is never refused and the wrong one never accepted.
//!
//! How late answers come is reported, not asserted: a machine under load is late, too.
//! `cargo xtask adversarial` judges it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use user_backend::clock::now;
use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::smb::{Isolation, SmbBackend, SmbSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{Attempt, BackendError, BackendId, LoginName, Password, UserBackend, Verdict};
use user_backend_tests::proxy::{Fault, Plan, Proxy};
use user_backend_tests::{Rig, report};

const RIGHT: &str = "Wonderland-1";
const WRONG: &str = "Wonderland-2";

/// Time for one attempt.
///
/// A login that is not harmed takes a hundredth of it.
const TIME: Duration = Duration::from_secs(3);

/// What counts as late.
const GRACE: Duration = Duration::from_millis(100);

/// How many attempts run at once: few enough that they do not make each other late.
const AT_ONCE: usize = 12;

const FAULTS: [(&str, Fault); 9] = [
    ("latency", Fault::Latency(Duration::from_millis(60))),
    ("jitter", Fault::Jitter(Duration::from_millis(120))),
    ("bandwidth", Fault::Bandwidth(20_000)),
    ("drip", Fault::Drip(Duration::from_millis(1))),
    ("cut", Fault::Cut(7)),
    ("reset", Fault::Reset(7)),
    ("half-close", Fault::HalfClose),
    ("corrupt", Fault::Corrupt),
    ("black hole", Fault::BlackHole),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    Imap,
    Ftp,
    Smb,
    /// The same server, asked by libsmbclient in helper processes.
    Pavao,
}

impl Server {
    fn port(self) -> u16 {
        match self {
            Self::Imap => 10993,
            Self::Ftp => 10990,
            Self::Smb | Self::Pavao => 10445,
        }
    }

    /// The connection and turn in which each phase of a login begins.
    ///
    /// `turns` is the number of turns of the last connection.
    fn phases(self, turns: usize) -> [Phase; 5] {
        if self == Self::Pavao {
            // We probe the greeting on a separate connection, before libsmbclient opens one.
            let names = ["connect", "greet", "negotiate", "log in", "answer"];
            let places = [(0, 0), (0, 2), (1, 2), (1, 4), (1, turns)];
            return std::array::from_fn(|nth| Phase {
                name: names[nth],
                connection: places[nth].0,
                turn: places[nth].1,
            });
        }
        let names = ["connect", "encrypt", "greet", "log in", "answer"];
        let turns = [0, 2, 4, turns - 1, turns];
        std::array::from_fn(|nth| Phase { name: names[nth], connection: 0, turn: turns[nth] })
    }

    fn is_smb(self) -> bool {
        matches!(self, Self::Smb | Self::Pavao)
    }

    fn backend(self, rig: &Rig, port: u16) -> Box<dyn UserBackend> {
        let id = BackendId::parse("server").unwrap();
        let tls = if self.is_smb() { TlsMode::None } else { TlsMode::Implicit };
        let endpoint = Endpoint::new("127.0.0.1", port, tls)
            .with_trust(ServerTrust::CaFile(rig.ca_file()))
            .with_connect_timeout(2 * TIME)
            .with_timeout(2 * TIME);
        match self {
            Self::Imap => Box::new(ImapBackend::new(ImapSettings::new(id, endpoint)).unwrap()),
            Self::Ftp => Box::new(FtpBackend::new(FtpSettings::new(id, endpoint)).unwrap()),
            Self::Smb => {
                // The engine `native`, by default.
                Box::new(SmbBackend::new(SmbSettings::new(id, endpoint)).unwrap())
            }
            Self::Pavao => {
                let helper = Isolation::Program(env!("CARGO_BIN_EXE_smb-helper").into());
                let settings = SmbSettings::new(id, endpoint).with_share("share").with_isolation(helper);
                Box::new(SmbBackend::new(settings).unwrap())
            }
        }
    }
}

/// Where in a login a fault begins.
#[derive(Clone, Copy, Debug)]
struct Phase {
    #[expect(dead_code, reason = "shown when a cell is wrong")]
    name: &'static str,
    connection: usize,
    turn: usize,
}

/// One attempt through one fault.
#[derive(Clone, Copy, Debug)]
struct Cell {
    server: Server,
    fault: (&'static str, Fault),
    phase: Phase,
    password: &'static str,
}

#[tokio::test]
async fn t22_no_fault_of_the_network_turns_an_answer_round() {
    let Some(rig) = Rig::find() else { return };
    let mut cells = Vec::new();
    for server in [Server::Imap, Server::Ftp, Server::Smb, Server::Pavao] {
        let turns = honest_turns(&rig, server).await;
        for fault in FAULTS {
            for phase in server.phases(turns) {
                cells.extend([RIGHT, WRONG].map(|password| Cell { server, fault, phase, password }));
            }
        }
    }
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for cell in cells {
        let (rig, places) = (rig.clone(), Arc::clone(&places));
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            let (answer, late) = attempt(&rig, cell).await;
            (cell, answer, late)
        });
    }
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let (mut count, mut wrong, mut overruns, mut latest) = (0, Vec::new(), 0, Duration::ZERO);
    while let Some(done) = running.join_next().await {
        let (cell, answer, late) = done.unwrap();
        count += 1;
        overruns += usize::from(late > GRACE);
        latest = latest.max(late);
        let word = word(&answer);
        *outcomes.entry(word.to_owned()).or_default() += 1;
        if !allowed(cell, &answer) {
            wrong.push(format!("{cell:?}: {answer:?}"));
        }
    }
    report::leave(
        "faults",
        &json!({
            "faults": count,
            "outcomes": outcomes,
            "wrong": wrong.len(),
            "overruns": overruns,
            "latest_ms": u64::try_from(latest.as_millis()).unwrap(),
        }),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Signs in through a correct relay, right and wrong, and counts the messages.
async fn honest_turns(rig: &Rig, server: Server) -> usize {
    let honest = Proxy::start(rig.host(), server.port(), Plan::HONEST).await;
    let backend = server.backend(rig, honest.port());
    for (password, expected) in [(WRONG, "refused"), (RIGHT, "accepted")] {
        let answer = ask(backend.as_ref(), password, 20 * TIME).await;
        assert_eq!(word(&answer), expected, "{server:?} without a fault: {answer:?}");
    }
    honest.turns().pop().unwrap()
}

async fn attempt(rig: &Rig, cell: Cell) -> (Result<Verdict, BackendError>, Duration) {
    let plan = Plan { fault: cell.fault.1, turn: cell.phase.turn, connection: cell.phase.connection };
    let proxy = Proxy::start(rig.host(), cell.server.port(), plan).await;
    let backend = cell.server.backend(rig, proxy.port());
    let deadline = now() + TIME;
    let answer = ask(backend.as_ref(), cell.password, TIME).await;
    (answer, now().saturating_duration_since(deadline))
}

async fn ask(backend: &dyn UserBackend, password: &str, time: Duration) -> Result<Verdict, BackendError> {
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse(password).unwrap());
    backend.authenticate(&Attempt::new(&name, &password, now() + time)).await
}

fn allowed(cell: Cell, answer: &Result<Verdict, BackendError>) -> bool {
    match answer {
        Err(_) => true,
        Ok(Verdict::Accepted(_)) => cell.password == RIGHT,
        Ok(Verdict::NotMine) => false,
        // Nothing protects an SMB login before it has succeeded. A bit that is turned over in the
        // proof of the password makes it another one's, and the server refuses rightly.
        Ok(Verdict::Rejected(_)) => {
            cell.password == WRONG || (cell.server.is_smb() && cell.fault.1 == Fault::Corrupt)
        }
    }
}

fn word(answer: &Result<Verdict, BackendError>) -> &'static str {
    match answer {
        Ok(Verdict::Accepted(_)) => "accepted",
        Ok(Verdict::Rejected(_)) => "refused",
        Ok(Verdict::NotMine) => "not_mine",
        Err(error) => error.kind(),
    }
}

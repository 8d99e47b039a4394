//! Clients: they sign in, guess, change passwords, disable, promote and wipe.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use user_backend_tests::Rng;

use crate::Outcome;
use crate::client::{Answer, any_source, request};
use crate::history::{History, Told};
use crate::site::{ADMIN, ADMIN_SOURCE, Site};
use crate::upstream;

/// How many local users there are, each changed by one task.
const LOCAL: usize = 12;

/// How many external users are guessed at.
const EXTERNAL: usize = 40;

/// Where a sign-in is asked for.
const SELF: (&str, &str) = ("GET", "/ocs/v2.php/cloud/user");

/// What is known about a local user, for the tasks that sign in.
#[derive(Debug)]
struct Local {
    name: String,
    /// The passwords and app passwords so far: the number of each is its place.
    secrets: Mutex<Vec<String>>,
}

impl Local {
    fn secret(&self, number: u32) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.get(number as usize).cloned().unwrap_or_default()
    }

    fn add(&self, secret: String) -> u32 {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.push(secret);
        u32::try_from(secrets.len() - 1).unwrap_or_default()
    }

    fn count(&self) -> usize {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// What everything here needs.
#[derive(Clone, Debug)]
struct Clients {
    site: Arc<Site>,
    history: Arc<History>,
    locals: Arc<Vec<Local>>,
    addresses: Arc<Vec<SocketAddr>>,
    /// How many calls the administrator has made: they go to one server after the other.
    admin_calls: Arc<AtomicUsize>,
}

/// Creates the users and starts all clients.
pub(crate) async fn start(site: &Arc<Site>, history: &Arc<History>, seed: u64) -> Outcome<JoinSet<Outcome>> {
    let locals = (0..LOCAL).map(|number| Local { name: format!("u{number}"), secrets: Mutex::default() });
    let clients = Clients {
        site: Arc::clone(site),
        history: Arc::clone(history),
        locals: Arc::new(locals.collect()),
        addresses: Arc::new(site.addresses()),
        admin_calls: Arc::default(),
    };
    for local in clients.locals.iter() {
        let first = password(&local.name, 0);
        let form = [("userid", local.name.as_str()), ("password", &first)];
        let answer = clients.admin(("POST", "/ocs/v2.php/cloud/users"), &form).await?;
        if answer.status != 200 {
            return Err(format!("creating {}: {} {}", local.name, answer.status, answer.body).into());
        }
        local.add(first);
    }
    let mut tasks = JoinSet::new();
    for number in 0..LOCAL {
        tasks.spawn(clients.clone().change(number, rng(seed, 100 + number as u64)));
    }
    for number in 0..6 {
        tasks.spawn(clients.clone().sign_in(rng(seed, 200 + number)));
        tasks.spawn(clients.clone().guess(rng(seed, 300 + number)));
    }
    for number in 0..3 {
        tasks.spawn(clients.clone().external(rng(seed, 400 + number)));
        tasks.spawn(clients.clone().first_sign_ins(number, rng(seed, 500 + number)));
    }
    Ok(tasks)
}

/// Numbers of their own for each task.
fn rng(seed: u64, task: u64) -> Rng {
    Rng::new(seed.wrapping_mul(1_000) + task)
}

fn password(name: &str, number: u32) -> String {
    format!("Cluster-{name}-{number}-Wonderland!")
}

fn outcome(answer: &Outcome<Answer>) -> Told {
    match answer.as_ref().map(|answer| answer.status) {
        Ok(200) => Told::Yes,
        Ok(401 | 403) => Told::No,
        Ok(429) => Told::Limited,
        Ok(_) => Told::Unavailable,
        Err(_) => Told::Nothing,
    }
}

impl Clients {
    /// A call of the administrator at any server, repeated until it is answered.
    ///
    /// A call whose answer was lost may have been done: it is made again, and only its answer
    /// counts.
    async fn admin(&self, what: (&str, &str), form: &[(&str, &str)]) -> Outcome<Answer> {
        loop {
            let turn = self.admin_calls.fetch_add(1, Ordering::Relaxed) % self.addresses.len();
            let server = self.addresses[turn];
            match request(server, ADMIN_SOURCE.into(), what, ADMIN, form).await {
                Ok(answer) if !matches!(answer.status, 429 | 500..) => return Ok(answer),
                _ if !self.site.is_open() => return Err("the run is over".into()),
                _ => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn ask(&self, server: SocketAddr, rng: &mut Rng, name: &str, secret: &str) -> Outcome<Answer> {
        request(server, any_source(rng), SELF, (name, secret), &[]).await
    }

    /// Asks every server with an old credential: each must refuse it.
    async fn probe(&self, rng: &mut Rng, local: &Local, number: u32) {
        let answered = Instant::now();
        let mut is_refused = true;
        for server in self.addresses.iter() {
            let began = Instant::now();
            let answer = self.ask(*server, rng, &local.name, &local.secret(number)).await;
            let outcome = outcome(&answer);
            is_refused &= outcome == Told::No;
            self.history.sign_in((local.name.clone(), number), began, outcome);
        }
        if is_refused {
            self.history.refused_after(answered.elapsed());
        }
    }

    /// Changes one user again and again.
    async fn change(self, number: usize, mut rng: Rng) -> Outcome {
        let local = self.locals.get(number).ok_or("no such user")?;
        let path = format!("/ocs/v2.php/cloud/users/{}", local.name);
        let (mut current, mut versions) = (0, 0);
        while self.site.is_open() {
            let done = match rng.below(4) {
                0 => {
                    versions += 1;
                    let next = password(&local.name, versions);
                    let new = local.add(next.clone());
                    let form = [("key", "password"), ("value", next.as_str())];
                    let done = self.admin(("PUT", &path), &form).await;
                    // After a lost answer it may be refused as the present password.
                    if let Ok(answer) = &done
                        && (answer.status == 200 || answer.status == 400)
                    {
                        self.history.closed((local.name.clone(), current), "new password");
                        self.probe(&mut rng, local, current).await;
                        current = new;
                    }
                    done.map(drop)
                }
                1 => self.disable(&mut rng, local, current).await,
                2 => self.end_app_password(&mut rng, local, current, &format!("{path}/wipe"), "wipe").await,
                _ => {
                    let groups = format!("{path}/groups");
                    let done = self.end_app_password(&mut rng, local, current, &groups, "promotion").await;
                    match done {
                        Ok(()) => {
                            let form = [("groupid", "admin")];
                            self.admin(("DELETE", &groups), &form).await.map(drop)
                        }
                        failed => failed,
                    }
                }
            };
            if done.is_err() && self.site.is_open() {
                done?;
            }
        }
        Ok(())
    }

    async fn disable(&self, rng: &mut Rng, local: &Local, current: u32) -> Outcome {
        let path = format!("/ocs/v2.php/cloud/users/{}", local.name);
        let credential = (local.name.clone(), current);
        let answer = self.admin(("PUT", &format!("{path}/disable")), &[("x", "1")]).await?;
        if answer.status == 200 {
            self.history.closed(credential.clone(), "disabled");
            self.probe(rng, local, current).await;
        }
        self.history.reopens(&credential);
        self.admin(("PUT", &format!("{path}/enable")), &[("x", "1")]).await.map(drop)
    }

    /// Takes an app password, and ends it.
    async fn end_app_password(
        &self,
        rng: &mut Rng,
        local: &Local,
        current: u32,
        path: &str,
        why: &'static str,
    ) -> Outcome {
        let server = *rng.pick(&self.addresses);
        let what = ("GET", "/ocs/v2.php/core/getapppassword");
        let answer = request(server, any_source(rng), what, (&local.name, &local.secret(current)), &[]).await;
        let Some(token) = answer.ok().and_then(|answer| answer.data("apppassword")) else { return Ok(()) };
        let number = local.add(token);
        for _ in 0..2 {
            let server = *rng.pick(&self.addresses);
            let began = Instant::now();
            let answer = self.ask(server, rng, &local.name, &local.secret(number)).await;
            self.history.sign_in((local.name.clone(), number), began, outcome(&answer));
        }
        let answer = self.admin(("POST", path), &[("groupid", "admin")]).await?;
        if answer.status == 200 {
            self.history.closed((local.name.clone(), number), why);
            self.probe(rng, local, number).await;
        }
        Ok(())
    }

    /// Signs local users in, with present and earlier credentials.
    async fn sign_in(self, mut rng: Rng) -> Outcome {
        while self.site.is_open() {
            let local = rng.pick(&self.locals);
            let count = local.count();
            let number = u32::try_from(count.saturating_sub(1 + rng.below(4.min(count))))?;
            let server = *rng.pick(&self.addresses);
            let began = Instant::now();
            let answer = self.ask(server, &mut rng, &local.name, &local.secret(number)).await;
            self.history.sign_in((local.name.clone(), number), began, outcome(&answer));
        }
        Ok(())
    }

    /// Guesses at external users, at all servers at once.
    async fn guess(self, mut rng: Rng) -> Outcome {
        let mut guesses = 0_u32;
        while self.site.is_open() {
            let name = format!("ext{}", rng.below(EXTERNAL));
            let mut burst = JoinSet::new();
            for server in self.addresses.iter().copied() {
                guesses += 1;
                let (source, name) = (any_source(&mut rng), name.clone());
                let wrong = format!("guess-{guesses}-{}", rng.roll());
                burst.spawn(async move {
                    let began = Instant::now();
                    (began, outcome(&request(server, source, SELF, (&name, &wrong), &[]).await))
                });
            }
            while let Some(ended) = burst.join_next().await {
                let (began, outcome) = ended?;
                self.history.guess(&name, began, outcome);
            }
        }
        Ok(())
    }

    /// Signs external users in with their passwords.
    async fn external(self, mut rng: Rng) -> Outcome {
        while self.site.is_open() {
            let name = format!("ext{}", rng.below(EXTERNAL));
            let server = *rng.pick(&self.addresses);
            let began = Instant::now();
            let answer = self.ask(server, &mut rng, &name, &upstream::password(&name)).await;
            self.history.sign_in((name, 0), began, outcome(&answer));
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Signs users in for the first time, at all servers at once, whom both backends know.
    async fn first_sign_ins(self, part: u64, mut rng: Rng) -> Outcome {
        let mut number = 0_u32;
        while self.site.is_open() {
            number += 1;
            let name = format!("dual{part}x{number}");
            let mut first = JoinSet::new();
            for server in self.addresses.iter().copied() {
                let (source, name) = (any_source(&mut rng), name.clone());
                first.spawn(async move {
                    let began = Instant::now();
                    let password = upstream::password(&name);
                    (began, request(server, source, SELF, (&name, &password), &[]).await)
                });
            }
            while let Some(ended) = first.join_next().await {
                let (began, answer) = ended?;
                self.history.sign_in((name.clone(), 0), began, outcome(&answer));
                if let Some(backend) = answer.ok().and_then(|answer| answer.data("backend")) {
                    self.history.owner(&name, backend);
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

/// Requests a second of one user who is remembered, spread over the servers.
pub(crate) async fn rate(site: &Site, time: Duration) -> Outcome<f64> {
    let done = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..32 {
        let servers: Vec<_> = site.servers.iter().map(|server| server.address).collect();
        let done = Arc::clone(&done);
        tasks.spawn(async move {
            let mut rng = rng(1, number);
            while began.elapsed() < time {
                let server = *rng.pick(&servers);
                let answer = request(server, ADMIN_SOURCE.into(), SELF, ADMIN, &[]).await?;
                if answer.status != 200 {
                    return Err(format!("the server says {}", answer.status).into());
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    Ok(done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

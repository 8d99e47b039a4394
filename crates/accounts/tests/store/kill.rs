//! A process that is killed at any moment.
//!
//! What it acknowledged is stored, and work in progress is stored completely or not at all.
//!
//! The writer is this test program itself, started again. Every step is known beforehand by its
//! number, so the state after any number of steps is known too. The writer reports each step that
//! returned; after the kill the store must be in the state of the last reported step, or of the
//! next one.
//!
//! `ACCOUNTS_KILLS` says how often (default: 20).

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use accounts::{
    Accounts, AccountsError, ActingAccounts, NewUser, ProfileField, ProfileValue, StoreSettings, StoredHash,
    UserChange, UserFilter,
};
use futures_util::TryStreamExt;

use crate::test_db::{TestDb, group, user};

const STORE: &str = "ACCOUNTS_KILL_STORE";
const FIRST: &str = "ACCOUNTS_KILL_FIRST";

#[derive(Clone, Debug, PartialEq, Eq)]
struct Person {
    name: Option<String>,
    hash: String,
    enabled: bool,
}

/// The state of the store after this number of steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State(BTreeMap<String, Person>);

fn id(n: u64) -> String {
    format!("user{n:06}")
}

impl State {
    /// Five steps in turn: create a user, rename, set a password, disable, delete another.
    fn step(&mut self, n: u64) {
        let of = id(n / 5);
        let person = self.0.get_mut(&of);
        match (n % 5, person) {
            (0, _) => {
                self.0.insert(of, Person { name: None, hash: "first".into(), enabled: true });
            }
            (1, Some(person)) => person.name = Some(format!("Name {n}")),
            (2, Some(person)) => person.hash = format!("hash{n}"),
            (3, Some(person)) => person.enabled = false,
            _ => {
                self.0.remove(&id((n / 5).saturating_sub(3)));
            }
        }
    }
}

async fn step(accounts: &ActingAccounts, n: u64) -> Result<(), AccountsError> {
    let of = user(&id(n / 5));
    match n % 5 {
        0 => {
            let new = NewUser::new(of)
                .password(StoredHash::new("first"))
                .group(group("staff"))
                .subadmin_of(group("staff"))
                .profile(ProfileValue::parse(ProfileField::Biography, &"b".repeat(1500)).unwrap(), None);
            accounts.users().create(new).await.map(drop)
        }
        1 => accounts
            .users()
            .change(&of, UserChange::new().display_name(Some(format!("Name {n}").parse().unwrap())))
            .await
            .map(drop),
        2 => accounts.passwords().set(&of, &StoredHash::new(format!("hash{n}"))).await,
        3 => accounts.users().set_enabled(&of, false).await.map(drop),
        _ => match accounts.users().delete(&user(&id((n / 5).saturating_sub(3)))).await {
            Err(AccountsError::NotFound { .. }) => Ok(()),
            other => other.map(drop),
        },
    }
}

/// Reads everything, and finds nothing half made on the way.
async fn state(accounts: &ActingAccounts) -> State {
    let mut state = State::default();
    let people: Vec<_> = accounts.users().stream_details(UserFilter::new()).try_collect().await.unwrap();
    for details in people {
        let id = &details.user.id.clone();
        assert_eq!(details.groups, [group("staff")], "{id}");
        assert_eq!(details.subadmin_of, [group("staff")], "{id}");
        assert_eq!(details.profile.value(ProfileField::Biography).map(str::len), Some(1500), "{id}");
        assert!(accounts.pins().owner(id.name()).await.unwrap().is_some(), "{id}");
        let kept = accounts.passwords().find(id).await.unwrap().unwrap();
        let history = accounts.passwords().history(id, 24).await.unwrap();
        assert_eq!(history[0], kept.hash, "{id}");
        let found = accounts.users().page(&UserFilter::new().search(id.as_str())).await.unwrap();
        assert_eq!(found.items.len(), 1, "{id}");
        let user = details.user;
        let person =
            Person { name: user.display_name, hash: kept.hash.expose().into(), enabled: user.enabled };
        state.0.insert(id.as_str().to_owned(), person);
    }
    assert_eq!(accounts.pins().count().await.unwrap(), state.0.len() as u64);
    let staff = accounts.groups().find(&group("staff")).await.unwrap().unwrap();
    assert_eq!(staff.members, state.0.len() as u64);
    state
}

/// The writer; does nothing unless a killer started it.
#[tokio::test]
async fn writer() {
    let (Ok(store), Ok(first)) = (env::var(STORE), env::var(FIRST)) else { return };
    let accounts = Accounts::open(&StoreSettings::parse(&store).unwrap()).await.unwrap().as_system();
    for n in first.parse().unwrap().. {
        step(&accounts, n).await.unwrap();
        println!("done {n}");
    }
}

async fn kill_again_and_again(db: &TestDb) {
    let kills: u64 = env::var("ACCOUNTS_KILLS").map_or(20, |kills| kills.parse().unwrap());
    let accounts = db.open().await;
    accounts.groups().create(&group("staff"), None).await.unwrap();
    accounts.close().await;
    let (mut expected, mut next) = (State::default(), 0);
    for kill in 0..kills {
        let mut writer = Command::new(env::current_exe().unwrap())
            .args(["kill::writer", "--exact", "--nocapture"])
            .env(STORE, db.address())
            .env(FIRST, next.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(writer.stdout.take().unwrap()).lines().map(Result::unwrap);
        // This number of steps, and then at a random point of the next one.
        let (steps, spins) = (1 + random_u64() % 9, random_u64() % 60_000);
        let mut lines = 0;
        let mut last = None;
        let note = |line: String| line.strip_prefix("done ").map(|n| n.parse::<u64>().unwrap());
        while lines < steps {
            let line = output.next().expect("the writer ended by itself");
            if let Some(n) = note(line) {
                (last, lines) = (Some(n), lines + 1);
            }
        }
        for spin in 0..spins {
            std::hint::black_box(spin);
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        last = output.filter_map(note).last().or(last);
        db.settle().await;

        let last = last.unwrap();
        while next <= last {
            expected.step(next);
            next += 1;
        }
        let accounts = db.open().await;
        let found = state(&accounts).await;
        accounts.close().await;
        if found != expected {
            expected.step(next);
            next += 1;
        }
        assert_eq!(found, expected, "kill {kill} after step {last}");
    }
}

fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_le_bytes(bytes)
}

#[tokio::test]
async fn t26_acknowledged_writes_survive_a_kill() {
    kill_again_and_again(&TestDb::sqlite()).await;
}

#[tokio::test]
async fn killed_writer_on_postgres_loses_nothing() {
    let Some(db) = TestDb::postgres().await else { return };
    kill_again_and_again(&db).await;
    db.remove().await;
}

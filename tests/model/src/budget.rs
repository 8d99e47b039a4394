//! Sentence 2: no wrong password upstream beyond the budget.
//!
//! Several servers try passwords of one user at one backend, which counts wrong ones in a row and
//! clears its count at a right one. The owner is at home; guesses come from there and from
//! elsewhere. A server may die at any step. Time does not pass: everything happens within the
//! window of the limit.

use stateright::{Model, Property};

/// A bug that can be put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bug {
    /// Each server counts on its own.
    OwnBudgets,
    /// The record is read first and written later.
    ReadThenWrite,
    /// A failure is counted when the backend has answered, not before it is asked.
    CountedAfterwards,
    /// An accepted app password clears the record (security.md M1).
    ClearedByAppPassword,
    /// A right password clears failures that were counted after it was reserved.
    RightClearsAll,
    /// A right password clears failures from other networks.
    RightClearsElsewhere,
    /// What a dead server reserved is given back at once.
    DeadServersGiveBack,
}

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The bug, or none.
    pub bug: Option<Bug>,
}

/// How many failures there may be.
const LIMIT: usize = 2;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Secret {
    /// A guess.
    Wrong,
    /// The user's password.
    Right,
    /// An app password: the backend is never asked.
    AppPassword,
}

/// Where an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// Not begun.
    Idle,
    /// It has read the record, and there was room ([`Bug::ReadThenWrite`]).
    SawRoom,
    /// A failure is reserved, under this number.
    Reserved(u8),
    /// The backend has answered; the failure is reserved under this number.
    Asked(u8),
    /// Settled, refused by the limit, or ended with its server.
    Over,
}

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// The owner's.
    Home,
    /// Another.
    Elsewhere,
}

/// An attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    server: usize,
    network: Network,
    secret: Secret,
    at: At,
}

/// A record of failures: numbers in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    reserved: Vec<u8>,
    wrong: Vec<(u8, Network)>,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// One record for all servers; with [`Bug::OwnBudgets`] one for each.
    records: Vec<Record>,
    attempts: Vec<Attempt>,
    /// Wrong passwords in a row, as the backend counts them.
    upstream: usize,
    /// Guesses from elsewhere that the backend judged.
    guesses: usize,
    /// The next number.
    clock: u8,
    is_dead: Vec<bool>,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The next step of an attempt.
    Attempt(usize),
    /// A server dies.
    Kill(usize),
}

impl Budget {
    fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn attempt(self, state: &mut State, number: usize) -> Option<()> {
        let State { records, attempts, upstream, guesses, clock, is_dead } = state;
        let attempt = attempts.get_mut(number)?;
        if *is_dead.get(attempt.server)? {
            return None;
        }
        let record = records.get_mut(if self.has(Bug::OwnBudgets) { attempt.server } else { 0 })?;
        let has_room = record.reserved.len() + record.wrong.len() < LIMIT;
        let reserve = |record: &mut Record, clock: &mut u8| {
            *clock += 1;
            if !self.has(Bug::CountedAfterwards) {
                record.reserved.push(*clock);
            }
            At::Reserved(*clock)
        };
        attempt.at = match attempt.at {
            At::Idle if attempt.secret == Secret::AppPassword => {
                if self.has(Bug::ClearedByAppPassword) {
                    record.wrong.clear();
                }
                At::Over
            }
            At::Idle if !has_room => At::Over,
            At::Idle if self.has(Bug::ReadThenWrite) => At::SawRoom,
            At::Idle | At::SawRoom => reserve(record, clock),
            At::Reserved(entry) => {
                match attempt.secret {
                    Secret::Right => *upstream = 0,
                    Secret::Wrong | Secret::AppPassword => {
                        *upstream += 1;
                        *guesses += usize::from(attempt.network == Network::Elsewhere);
                    }
                }
                At::Asked(entry)
            }
            At::Asked(entry) => {
                record.reserved.retain(|other| *other != entry);
                match attempt.secret {
                    Secret::Right => {
                        let ends = |at: u8, from: Network| {
                            (self.has(Bug::RightClearsAll) || at <= entry)
                                && (self.has(Bug::RightClearsElsewhere) || from == attempt.network)
                        };
                        record.wrong.retain(|(at, from)| !ends(*at, *from));
                    }
                    Secret::Wrong | Secret::AppPassword => {
                        // Under the time at which it was refused.
                        *clock += 1;
                        record.wrong.push((*clock, attempt.network));
                    }
                }
                At::Over
            }
            At::Over => return None,
        };
        Some(())
    }

    fn kill(self, state: &mut State, server: usize) -> Option<()> {
        *state.is_dead.get_mut(server)? = true;
        let of_server = state.attempts.iter_mut().filter(|attempt| attempt.server == server);
        for attempt in of_server {
            if let (At::Reserved(entry) | At::Asked(entry), true) =
                (attempt.at, self.has(Bug::DeadServersGiveBack))
            {
                state.records.iter_mut().for_each(|record| record.reserved.retain(|other| *other != entry));
            }
            attempt.at = At::Over;
        }
        Some(())
    }
}

impl Model for Budget {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let attempt = |server, network, secret| Attempt { server, network, secret, at: At::Idle };
        let (home, elsewhere) = (Network::Home, Network::Elsewhere);
        vec![State {
            records: vec![Record::default(); if self.has(Bug::OwnBudgets) { 2 } else { 1 }],
            attempts: vec![
                attempt(0, home, Secret::Wrong),
                attempt(0, elsewhere, Secret::Wrong),
                attempt(0, home, Secret::Right),
                attempt(1, home, Secret::Wrong),
                attempt(1, elsewhere, Secret::Wrong),
                attempt(1, elsewhere, Secret::Wrong),
                attempt(1, home, Secret::AppPassword),
            ],
            upstream: 0,
            guesses: 0,
            clock: 0,
            is_dead: vec![false; 2],
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend((0..state.attempts.len()).map(Action::Attempt));
        actions.extend((0..1).filter(|server| !state.is_dead[*server]).map(Action::Kill));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Attempt(number) => self.attempt(&mut state, number)?,
            Action::Kill(server) => self.kill(&mut state, server)?,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no wrong password upstream beyond the budget", |_, state: &State| {
                state.upstream <= LIMIT
            }),
            Property::always("no more guesses from elsewhere than the budget", |_, state: &State| {
                state.guesses <= LIMIT
            }),
            Property::sometimes("the budget is used up", |_, state: &State| state.upstream == LIMIT),
            Property::sometimes("wrong passwords count again after a right one", |_, state: &State| {
                let right = |attempt: &Attempt| attempt.secret == Secret::Right && attempt.at == At::Over;
                state.attempts.iter().any(right) && state.upstream == LIMIT && !state.is_dead[0]
            }),
        ]
    }
}

//! Sentence 1: no yes with an old credential after the answer to its change.
//!
//! Two servers remember outcomes. A password is changed in the store while sign-ins are under way.
//! A second change concerns another user: it must not disturb this one.

use stateright::{Model, Property};

use crate::Step;

/// A bug that can be put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bug {
    /// A server believes its memory without reading the epoch.
    MemoryBeforeEpoch,
    /// The change does not raise the epoch (security.md H5: a remote wipe).
    ChangeWithoutEpoch,
    /// The epoch is raised in a transaction of its own, before the change.
    EpochBeforeChange,
    /// A server notes the new epoch before it has cleaned its memory.
    SeenBeforeInvalidation,
    /// A remembered yes counts from the end of its check, not from the beginning.
    RememberedFromTheEnd,
    /// Attempts from before and after an invalidation share one check.
    OneCheckAcrossInvalidations,
    /// Users share a slot of the table of epochs (api_and_occ.md D2).
    SharedSlots,
}

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Invalidation {
    /// The bug, or none.
    pub bug: Option<Bug>,
}

/// Which password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Secret {
    /// The one before the change.
    Old,
    /// The one after it.
    New,
}

/// The rows in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    epoch: u8,
    /// The epochs of the user's own changes; others concern another user.
    own: Vec<u8>,
    secret: Secret,
}

/// What one server remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Server {
    /// The epoch up to which its memory is clean.
    seen: u8,
    /// Its counter of invalidations, and the last one of this user.
    local: u8,
    mark: u8,
    /// A remembered yes: the password and the local epoch from which it counts.
    cache: Option<(Secret, u8)>,
    /// The attempt that invalidates now.
    invalidating: Option<u8>,
    checks: Vec<Check>,
}

/// A question to the backend, shared by identical attempts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Check {
    secret: Secret,
    change: u8,
    began: u8,
    /// What the backend found, once it looked.
    found: Option<bool>,
    is_over: bool,
}

/// Where a sign-in is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// Not begun.
    Idle,
    /// It has read the epoch.
    Read(u8),
    /// It cleans the memory of what ended after the first epoch, up to the second.
    Invalidates(u8, u8, Step),
    /// The memory is clean.
    Clean,
    /// It waits for a check of its server.
    Waits(usize),
    /// It was answered.
    Yes,
    /// It was refused.
    No,
    /// It was not decided.
    Unavailable,
}

/// A sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignIn {
    server: usize,
    secret: Secret,
    at: At,
    /// The change had been answered when it began.
    after_the_answer: bool,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    store: Store,
    servers: Vec<Server>,
    sign_ins: Vec<SignIn>,
    /// Steps of the change of the password: 2 when it is committed, 3 when it is answered.
    change: Step,
    /// Steps of the change of another user.
    other: Step,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The next step of a sign-in.
    SignIn(usize),
    /// The backend looks at the password, or its answer is remembered.
    Check(usize, usize),
    /// The next step of the change.
    Change,
    /// The next step of the other user's change.
    Other,
}

const ANSWERED: Step = 3;

impl Invalidation {
    fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn change(self, state: &mut State) {
        let (early, late) = match self.bug {
            Some(Bug::ChangeWithoutEpoch) => (false, false),
            Some(Bug::EpochBeforeChange) => (true, false),
            _ => (false, true),
        };
        let raise = |store: &mut Store| {
            store.epoch += 1;
            store.own.push(store.epoch);
        };
        match state.change {
            0 if early => raise(&mut state.store),
            1 => {
                state.store.secret = Secret::New;
                if late {
                    raise(&mut state.store);
                }
            }
            _ => {}
        }
        state.change += 1;
    }

    /// `InvalidationWatcher::catch_up_with`, then `Resolver::authenticate`.
    fn sign_in(self, state: &mut State, number: usize) -> Option<()> {
        let answered = state.change == ANSWERED;
        let State { store, servers, sign_ins, .. } = state;
        let sign_in = sign_ins.get_mut(number)?;
        let server = servers.get_mut(sign_in.server)?;
        sign_in.at = match sign_in.at.clone() {
            At::Idle => {
                sign_in.after_the_answer = answered;
                if self.has(Bug::MemoryBeforeEpoch) { At::Clean } else { At::Read(store.epoch) }
            }
            At::Read(epoch) if epoch == server.seen => At::Clean,
            At::Read(epoch) if server.invalidating.is_none() => {
                server.invalidating = Some(u8::try_from(number).ok()?);
                // Others may have seen later ones in the meantime.
                let to = if epoch > server.seen { epoch } else { store.epoch };
                At::Invalidates(server.seen, to, 0)
            }
            At::Read(_) => return None,
            At::Invalidates(from, to, step) => {
                // First the memory, then the note that it is clean.
                if (step == 0) != self.has(Bug::SeenBeforeInvalidation) {
                    self.clean(store, server, from, to);
                } else {
                    server.seen = to;
                }
                match step {
                    0 => At::Invalidates(from, to, 1),
                    _ => {
                        server.invalidating = None;
                        At::Clean
                    }
                }
            }
            At::Clean => match server.cache {
                Some((secret, began)) if secret == sign_in.secret && server.mark <= began => At::Yes,
                _ => {
                    let change = server.mark;
                    let joined = server.checks.iter().position(|check| {
                        let same = self.has(Bug::OneCheckAcrossInvalidations) || check.change == change;
                        !check.is_over && check.secret == sign_in.secret && same
                    });
                    At::Waits(joined.unwrap_or_else(|| {
                        server.checks.push(Check {
                            secret: sign_in.secret,
                            change,
                            began: server.local,
                            found: None,
                            is_over: false,
                        });
                        server.checks.len() - 1
                    }))
                }
            },
            At::Waits(check) => {
                let check = server.checks.get(check)?;
                match check.found {
                    _ if !check.is_over => return None,
                    Some(true) if server.mark <= check.began => At::Yes,
                    // The answer of the shared check is used as it is.
                    Some(true) if self.has(Bug::OneCheckAcrossInvalidations) => At::Yes,
                    Some(true) => At::Unavailable,
                    _ => At::No,
                }
            }
            At::Yes | At::No | At::Unavailable => return None,
        };
        Some(())
    }

    /// `Resolver::invalidate_user` for each user whose credentials ended.
    fn clean(self, store: &Store, server: &mut Server, from: u8, to: u8) {
        for epoch in from + 1..=to {
            server.local += 1;
            if store.own.contains(&epoch) || self.has(Bug::SharedSlots) {
                server.mark = server.local;
            }
        }
    }

    /// `Resolver::attempt`: the work of a shared check.
    fn check(self, state: &mut State, server: usize, check: usize) -> Option<()> {
        let server = state.servers.get_mut(server)?;
        let check = server.checks.get_mut(check)?;
        match check.found {
            None => check.found = Some(check.secret == state.store.secret),
            Some(found) => {
                if found {
                    let from = if self.has(Bug::RememberedFromTheEnd) { server.local } else { check.began };
                    server.cache = Some((check.secret, from));
                }
                check.is_over = true;
            }
        }
        Some(())
    }
}

impl Model for Invalidation {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let sign_in = |server, secret| SignIn { server, secret, at: At::Idle, after_the_answer: false };
        vec![State {
            store: Store { epoch: 0, own: Vec::new(), secret: Secret::Old },
            servers: vec![Server::default(), Server::default()],
            sign_ins: vec![
                sign_in(0, Secret::Old),
                sign_in(0, Secret::Old),
                sign_in(0, Secret::Old),
                sign_in(1, Secret::New),
            ],
            change: 0,
            other: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // Identical ones begin in their order: which of them is first makes no difference.
        let is_next = |number: &usize| {
            let of = |number: usize| {
                state.sign_ins.get(number).map(|other| (other.server, other.secret, &other.at))
            };
            match (number.checked_sub(1).and_then(of), of(*number)) {
                (Some((server, secret, At::Idle)), Some(this)) => (server, secret) != (this.0, this.1),
                _ => true,
            }
        };
        actions.extend((0..state.sign_ins.len()).filter(is_next).map(Action::SignIn));
        for (number, server) in state.servers.iter().enumerate() {
            let open = server.checks.iter().enumerate().filter(|(_, check)| !check.is_over);
            actions.extend(open.map(|(check, _)| Action::Check(number, check)));
        }
        if state.change < ANSWERED {
            actions.push(Action::Change);
        }
        if state.other < 1 {
            actions.push(Action::Other);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::SignIn(number) => self.sign_in(&mut state, number)?,
            Action::Check(server, check) => self.check(&mut state, server, check)?,
            Action::Change => self.change(&mut state),
            Action::Other => {
                state.store.epoch += 1;
                state.other += 1;
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no yes after the answer to a change", |_, state: &State| {
                !state.sign_ins.iter().any(|sign_in| {
                    sign_in.after_the_answer && sign_in.secret == Secret::Old && sign_in.at == At::Yes
                })
            }),
            Property::always("another user's change disturbs no sign-in", |_, state: &State| {
                state.change > 0 || !state.sign_ins.iter().any(|sign_in| sign_in.at == At::Unavailable)
            }),
            // The model is not empty: a sign-in before the change, and one after it, is accepted.
            Property::sometimes("an old password is accepted", |_, state: &State| {
                state.sign_ins.iter().any(|sign_in| sign_in.secret == Secret::Old && sign_in.at == At::Yes)
            }),
            Property::sometimes("the new password is accepted", |_, state: &State| {
                state.sign_ins.iter().any(|sign_in| sign_in.secret == Secret::New && sign_in.at == At::Yes)
            }),
        ]
    }
}

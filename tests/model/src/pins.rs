//! Sentence 3: no name with two owners.
//!
//! Two external backends accept the same name for the first time, one of them under two spellings
//! that it distinguishes, while an administrator creates a local user with that name.

use stateright::{Model, Property};

/// A bug that can be put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bug {
    /// A pin is looked up first and written later; the last one wins.
    LookThenWrite,
    /// A yes counts without a look at who owns the name.
    OwnerNotChecked,
    /// The spelling that was sent is not compared (security.md M15).
    SpellingNotChecked,
    /// A local user is created after a look, without the name's row (security.md M16).
    CreatedAfterALook,
}

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Pins {
    /// The bug, or none.
    pub bug: Option<Bug>,
}

/// Who a name can belong to: a backend, and the spelling under which it knows the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    backend: u8,
    spelling: u8,
}

const LOCAL: Owner = Owner { backend: 0, spelling: 0 };

/// Where a first sign-in, or the creation of the local user, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// Not begun.
    Idle,
    /// The backend said yes; for the local user: the name was free.
    Accepted,
    /// It has looked for a pin and found none ([`Bug::LookThenWrite`]).
    SawNoPin,
    /// The name is the owner's.
    Yes,
    /// It belongs to another owner.
    No,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pin: Option<Owner>,
    tries: Vec<(Owner, At)>,
}

impl Pins {
    fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Whether a yes of this owner counts, given who owns the name.
    fn counts(self, pin: Owner, owner: Owner) -> At {
        let same_backend = pin.backend == owner.backend || self.has(Bug::OwnerNotChecked);
        let same_spelling = pin.spelling == owner.spelling
            || pin.backend != owner.backend
            || self.has(Bug::SpellingNotChecked);
        if same_backend && same_spelling { At::Yes } else { At::No }
    }

    fn step(self, state: &mut State, number: usize) -> Option<()> {
        let State { pin, tries } = state;
        let (owner, at) = tries.get_mut(number)?;
        *at = match (*at, *owner == LOCAL) {
            // The chain skips backends that do not own the name.
            (At::Idle, false) => match *pin {
                Some(known) if known.backend != owner.backend => At::No,
                _ => At::Accepted,
            },
            (At::Idle, true) if pin.is_some() => At::No,
            (At::Idle, true) if self.has(Bug::CreatedAfterALook) => At::Accepted,
            // One transaction: the unique name decides.
            (At::Idle, true) => {
                *pin = Some(LOCAL);
                At::Yes
            }
            (At::Accepted, true) => {
                *pin = Some(LOCAL);
                At::Yes
            }
            (At::Accepted, false) if self.has(Bug::LookThenWrite) && pin.is_none() => At::SawNoPin,
            (At::SawNoPin, _) => {
                *pin = Some(*owner);
                At::Yes
            }
            // `PinStore::bind`: one step.
            (At::Accepted, false) => self.counts(*pin.get_or_insert(*owner), *owner),
            (At::Yes | At::No, _) => return None,
        };
        Some(())
    }
}

impl Model for Pins {
    type State = State;
    type Action = usize;

    fn init_states(&self) -> Vec<State> {
        let owners = [
            LOCAL,
            Owner { backend: 1, spelling: 1 },
            Owner { backend: 1, spelling: 2 },
            Owner { backend: 2, spelling: 1 },
            Owner { backend: 1, spelling: 1 },
        ];
        vec![State { pin: None, tries: owners.map(|owner| (owner, At::Idle)).to_vec() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<usize>) {
        actions.extend(0..state.tries.len());
    }

    fn next_state(&self, before: &State, number: usize) -> Option<State> {
        let mut state = before.clone();
        self.step(&mut state, number)?;
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no name with two owners", |_, state: &State| {
                let mut yes = state.tries.iter().filter(|(_, at)| *at == At::Yes).map(|(owner, _)| *owner);
                let first = yes.next();
                yes.all(|owner| Some(owner) == first)
            }),
            Property::sometimes("the local user owns the name", |_, state: &State| state.pin == Some(LOCAL)),
            Property::sometimes("two sign-ins of one owner are accepted", |_, state: &State| {
                state.tries.iter().filter(|(_, at)| *at == At::Yes).count() == 2
            }),
        ]
    }
}

//! Sentence 1 for rights: what a weaker credential made opens nothing after it ended.
//!
//! A sub-admin sets a member's password, while an administrator promotes the member. A device with
//! an app password renews it, while the owner wipes the device.

use stateright::{Model, Property};

use crate::Step;

/// A bug that can be put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bug {
    /// The right is checked before the transaction, not in it (security.md H7).
    RightCheckedEarlier,
    /// A promotion keeps app passwords (security.md H2).
    PromotionKeepsAppPasswords,
    /// Renewing an app password reads it in one transaction and writes in another (security.md H5).
    RenewedInTwoSteps,
    /// A new app password does not inherit the wipe (security.md H5).
    WipeIsNotInherited,
}

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    /// The bug, or none.
    pub bug: Option<Bug>,
}

/// An app password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    is_wiped: bool,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    is_admin: bool,
    token: Option<Token>,
    /// 1: committed, 2: answered.
    promotion: Step,
    wipe: Step,
    /// Steps of the sub-admin: 1: the right was checked, 2: written, 3: refused.
    password: Step,
    /// The sub-admin's password was written after the promotion was answered.
    password_is_late: bool,
    /// Steps of the device: the token that it read, and whether it is done.
    read: Option<Token>,
    renewal: Step,
    /// The device has a valid token that it made itself.
    renewed: Option<Token>,
}

/// Who takes the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The administrator.
    Promote,
    /// The owner.
    Wipe,
    /// The sub-admin.
    SetPassword,
    /// The device.
    Renew,
}

impl Rights {
    fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}

impl Model for Rights {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            is_admin: false,
            token: Some(Token { is_wiped: false }),
            promotion: 0,
            wipe: 0,
            password: 0,
            password_is_late: false,
            read: None,
            renewal: 0,
            renewed: None,
        }]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        actions.extend([Action::Promote, Action::Wipe, Action::SetPassword, Action::Renew]);
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Promote => {
                if state.promotion == 0 {
                    state.is_admin = true;
                    if !self.has(Bug::PromotionKeepsAppPasswords) {
                        state.token = None;
                        state.renewed = None;
                    }
                }
                state.promotion = Some(state.promotion + 1).filter(|step| *step <= 2)?;
            }
            Action::Wipe => {
                if state.wipe == 0 {
                    let tokens = [&mut state.token, &mut state.renewed];
                    tokens.into_iter().flatten().for_each(|token| token.is_wiped = true);
                }
                state.wipe = Some(state.wipe + 1).filter(|step| *step <= 2)?;
            }
            Action::SetPassword => {
                state.password = match state.password {
                    0 if state.is_admin => 3,
                    0 => 1,
                    1 if state.is_admin && !self.has(Bug::RightCheckedEarlier) => 3,
                    1 => {
                        state.password_is_late = state.promotion == 2;
                        2
                    }
                    _ => return None,
                };
            }
            Action::Renew => match state.renewal {
                // One transaction: only a token that is there and not wiped, and all it is.
                0 => {
                    let token = state.token?;
                    if self.has(Bug::RenewedInTwoSteps) && !token.is_wiped {
                        state.read = Some(token);
                    } else if self.has(Bug::WipeIsNotInherited) {
                        state.renewed = Some(Token { is_wiped: false });
                        state.token = None;
                    } else if !token.is_wiped {
                        state.renewed = Some(token);
                        state.token = None;
                    }
                    state.renewal = 1;
                }
                1 => {
                    state.renewed = Some(state.read.take()?);
                    state.token = None;
                    state.renewal = 2;
                }
                _ => return None,
            },
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no password by a right that ended", |_, state: &State| !state.password_is_late),
            Property::always("no app password from before a promotion", |_, state: &State| {
                // There are no others: none is made after it.
                state.promotion < 2 || (state.token.is_none() && state.renewed.is_none())
            }),
            Property::always("a wiped device opens nothing", |_, state: &State| {
                let open = |token: &Option<Token>| token.is_some_and(|token| !token.is_wiped);
                state.wipe < 2 || !(open(&state.token) || open(&state.renewed))
            }),
            Property::sometimes("the sub-admin sets a password in time", |_, state: &State| {
                state.password == 2 && state.promotion == 0
            }),
            Property::sometimes("the device renews its app password", |_, state: &State| {
                state.renewed.is_some_and(|token| !token.is_wiped)
            }),
        ]
    }
}

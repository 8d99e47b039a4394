//! Thousands of orders in which threads can run.
//!
//! A failure prints the schedule to replay it with.

use user_backend_schedules::scenario::{
    Forget, a_change_is_a_change, an_unlock_is_an_unlock, identical_attempts_make_one_login,
};

/// At random, and with few but mean switches.
fn try_out(schedules: usize, scenario: impl Fn() + Copy + Send + Sync + 'static) {
    shuttle::check_random(scenario, schedules);
    shuttle::check_pct(scenario, schedules, 3);
}

#[test]
fn invalidated_password_is_refused_in_every_schedule() {
    for forget in [Forget::User, Forget::Backend, Forget::All] {
        try_out(2_000, move || a_change_is_a_change(forget));
    }
}

#[test]
fn replaced_chain_accepts_no_user_in_any_schedule() {
    try_out(2_000, || a_change_is_a_change(Forget::Reload));
}

#[test]
fn invalidated_refusal_refuses_no_user_in_any_schedule() {
    for forget in [Forget::User, Forget::Backend, Forget::All] {
        try_out(1_000, move || an_unlock_is_an_unlock(forget));
    }
}

#[test]
fn identical_attempts_share_one_login() {
    try_out(3_000, identical_attempts_make_one_login);
}

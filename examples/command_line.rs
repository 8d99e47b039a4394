//! Checks one password: `cargo run --example command_line user-backend.toml alice`
//!
//! The password is read from the terminal. The exit code is that of `occ backend:login`.

use std::process::ExitCode;

use user_backend::{Config, Credentials, Outcome, Resolver};

/// Exit code and message of an outcome.
///
/// An outage is never "wrong password".
pub fn verdict(outcome: &Outcome) -> (u8, String) {
    match outcome {
        Outcome::Authenticated(proof) => (0, format!("{} is known to {}", proof.name(), proof.backend())),
        Outcome::Refused(_) => (1, "wrong name or password".to_owned()),
        Outcome::Unavailable { .. } => (3, "the password cannot be checked now".to_owned()),
        Outcome::Throttled { .. } => {
            let wait = outcome.retry_after_seconds().unwrap_or(1);
            (4, format!("too many attempts, try again in {wait} s"))
        }
    }
}

async fn run() -> Result<u8, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err("usage: command_line CONFIG NAME".into());
    };
    // `for_one_attempt`: no connections are prepared for attempts that will not come.
    let config = Config::load(&file)?.for_one_attempt();
    for warning in config.warnings() {
        eprintln!("{file}: {warning}");
    }
    let resolver = Resolver::from_config(&config)?;
    let password = rpassword::prompt_password("Password: ")?;
    let answer = resolver.authenticate(Credentials::new(&name, &password).without_source()).await;
    let (code, message) = verdict(&answer.outcome);
    println!("{message}");
    Ok(code)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

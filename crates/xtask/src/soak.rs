//! `cargo xtask soak`: sign-ins for a long time while servers are frozen, killed and started again,
//! and another is attacked.
//!
//! The servers are a separate rig in their own network, PID and mount namespaces: it disturbs no
//! other rig, none disturbs it, and nothing of it outlives the command.
//!
//! Two programs run side by side: `soak` signs users in, and `attack-server` attacks a server with
//! guesses and greedy clients while its user signs in.

use std::fs;

use crate::prerequisites;
use crate::rig::Rig;
use crate::step::{self, Outcome, StepLog};

/// `cargo xtask soak`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// Attempts a second
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rate: u64,
    /// The same disturbances again: what an earlier run printed; by default another one each time
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs inside: the programs are `$1` and `$2`.
const INSIDE: &str = r#"
ip link set lo up
mount -t tmpfs tmpfs /srv; mount -t tmpfs tmpfs /run
"$RIG_SCRIPT" up
export RIG_HOST=127.0.0.2
"$2" >"$ADVERSARIAL_REPORT/attack.txt" 2>&1 & attack=$!
rc=0; "$1" || rc=1
wait "$attack" || rc=1
cat "$ADVERSARIAL_REPORT/attack.txt"
exit "$rc""#;

/// Runs the soak.
///
/// # Errors
///
/// Something had to be 0 and was not, or the servers could not be started.
pub(crate) fn run(args: &Args) -> Outcome {
    let mut steps = StepLog::default();
    check(args, &mut steps);
    steps.finish()
}

/// A short one with a seed that is always the same, for CI.
pub(crate) fn short(steps: &mut StepLog) {
    check(&Args { minutes: 3, rate: 50, seed: Some(2026) }, steps);
}

fn check(args: &Args, steps: &mut StepLog) {
    let seed = args.seed.unwrap_or_else(now);
    let ready = steps.run("install", "what is missing: libraries, test servers, ip", || {
        let mut missing = prerequisites::missing_libraries();
        missing.extend(Rig::new(false).missing()?);
        if !step::have("ip") && !["/sbin/ip", "/usr/sbin/ip"].iter().any(|ip| fs::exists(ip).unwrap_or(false))
        {
            missing.push("iproute2".into());
        }
        prerequisites::install(&missing)
    });
    let built = ready.and_then(|()| {
        steps.run("build", "the programs that sign in and attack, and the server", || {
            step::run(&mut step::cargo(&[
                "build",
                "--quiet",
                "--workspace",
                "--all-features",
                "--bin",
                "soak",
                "--bin",
                "attack-server",
                "--bin",
                "user-backend-server",
            ]))
        })
    });
    if built.is_none() {
        return;
    }
    let what = format!(
        "{} min, {} attempts a second, --seed {seed}; a line for each disturbance, the attack at the end",
        args.minutes, args.rate
    );
    steps.run("soak", &what, || {
        let folder = step::target().join("soak");
        fs::create_dir_all(&folder)?;
        let mut inside = step::program("unshare");
        inside.args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--mount-proc",
            "--kill-child",
            "--propagation",
            "private",
        ]);
        let program = |name: &str| step::target().join("debug").join(name);
        inside.args(["bash", "-euc", INSIDE, "soak"]).arg(program("soak")).arg(program("attack-server"));
        inside.env("SOAK_SERVER", program("user-backend-server"));
        inside
            .env("RIG_STATE", folder.join("rig"))
            .env("RIG_SCRIPT", step::root().join("docker/rig-native.sh"));
        inside.env("ADVERSARIAL_REPORT", &folder).env("SOAK_SECONDS", (args.minutes * 60).to_string());
        inside.env("SOAK_RATE", args.rate.to_string()).env("SOAK_SEED", seed.to_string());
        step::run(&mut inside)
    });
}

/// A number that is another one next time.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |time| time.as_secs())
}

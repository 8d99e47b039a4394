//! `cargo xtask cluster`: several servers on one PostgreSQL while parts of the site fail.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::database::{POSTGRES, Server};
use crate::prerequisites;
use crate::step::{self, Outcome, StepLog};

/// `cargo xtask cluster`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long clients work while parts fail, for two servers and again for four
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..))]
    seconds: u64,
    /// The same faults and clients again: what an earlier run printed; by default 1
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// With programs that are not optimised: they are built sooner, and rates say nothing
    #[arg(long)]
    debug: bool,
    /// Count failed logins in a Valkey or Redis as well, which fails like the other parts
    #[arg(long)]
    valkey: bool,
}

/// Runs the cluster and checks every answer that clients got.
///
/// # Errors
///
/// One of the three sentences was violated, or a part does not start.
pub(crate) fn run(args: &Args) -> Outcome {
    let mut steps = StepLog::default();
    check(args, &mut steps);
    steps.finish()
}

/// Ten minutes in all, and two with Valkey, for `ci --full`.
pub(crate) fn full(steps: &mut StepLog) {
    check(&Args { seconds: 300, seed: 1, debug: false, valkey: false }, steps);
    check(&Args { seconds: 60, seed: 1, debug: false, valkey: true }, steps);
}

fn check(args: &Args, steps: &mut StepLog) {
    let ready = steps.run("install", "what is missing: libraries, PostgreSQL, nginx", || {
        let mut missing = prerequisites::missing_libraries();
        missing.extend(POSTGRES.missing());
        missing.extend(prerequisites::missing_proxy());
        if args.valkey {
            missing.extend(prerequisites::missing_valkey());
        }
        prerequisites::install(&missing)
    });
    let built = ready.and_then(|()| {
        steps.run("build", "the server, occ and the clients", || {
            for package in ["user-backend-server", "occ", "user-backend-cluster"] {
                let mut build = step::cargo(&["build", "--quiet", "-p", package]);
                step::run(build.args(Some("--release").filter(|_| !args.debug)))?;
            }
            Ok(())
        })
    });
    if built.is_none() {
        return;
    }
    let what = format!("twice {} s of faults, then rates; --seed {}", args.seconds, args.seed);
    steps.run("cluster", &what, || {
        let built = step::target().join(if args.debug { "debug" } else { "release" });
        let postgres = Server::start(&POSTGRES, true)?;
        let folder = step::target().join("cluster");
        fs::create_dir_all(&folder)?;
        let restart = folder.join("restart-postgres.sh");
        fs::write(&restart, restart_script(postgres.folder()))?;
        fs::set_permissions(&restart, fs::Permissions::from_mode(0o755))?;
        let mut clients = step::program(built.join("user-backend-cluster"));
        clients
            .env("CLUSTER_SERVER", built.join("user-backend-server"))
            .env("CLUSTER_OCC", built.join("occ"))
            .env("CLUSTER_POSTGRES_SOCKET", postgres.folder())
            .env("CLUSTER_POSTGRES_RESTART", &restart)
            .env("CLUSTER_SECONDS", args.seconds.to_string())
            .env("CLUSTER_SEED", args.seed.to_string())
            .env("CLUSTER_VALKEY", u8::from(args.valkey).to_string());
        step::run(&mut clients)
    });
}

/// Ends the server as a crash would, and starts it again with the same options.
fn restart_script(folder: &str) -> String {
    format!(
        "set -eu\nbin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)\nas=()\n\
         [ \"$(id -u)\" != 0 ] || as=(runuser -u postgres --)\ncd /\n\
         \"${{as[@]}}\" \"$bin/pg_ctl\" -D '{folder}/data' -w -m immediate -l '{folder}/data/log' restart \
         </dev/null >/dev/null\n"
    )
}

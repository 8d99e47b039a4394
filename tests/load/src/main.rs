//! `cargo xtask bench`: sign-ins, frontends and the server under load, beside other programs.
//!
//! What is measured is the program as it is released, in its own process, with its log on; `wrk`
//! sends the requests from the same two processors. The machine is never idle, so ours and its
//! baseline alternate, and a figure is the median of several runs. Each rate has the processor time
//! of one request, which other load hardly changes.

mod floor;
#[cfg(unix)]
mod frontends;
mod growth;
mod keep_alive;
mod large_store;
mod load;
mod measure;
mod memory;
mod pages;
#[cfg(unix)]
mod peers;
mod people;
mod process;
mod refusals;
mod requests;
#[cfg(unix)]
mod sign_ins;
mod site;
#[cfg(unix)]
mod turns;
#[cfg(unix)]
mod web;
#[cfg(unix)]
mod worker;
mod wrk;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use measure::Row;

/// What everything here may come to; the error is one plain sentence.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Where the program is that is measured.
const SERVER: &str = "OCS_SERVER";

/// Where the figures are written.
const OUT: &str = "OCS_OUT";

fn main() -> ExitCode {
    let done = match env::args().nth(1).as_deref() {
        Some(floor::COMMAND) => floor::serve(),
        Some(requests::COMMAND) => requests::send(env::args().nth(2)),
        #[cfg(unix)]
        Some(worker::COMMAND) => worker::serve(),
        only => measure(only),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

type Part = fn(&site::Plan) -> Outcome<Vec<Row>>;

/// The parts that measure ours beside other programs; they run only when they are named.
#[cfg(unix)]
#[allow(clippy::type_complexity)]
fn beside_peers() -> [(&'static str, fn(&site::Plan) -> Outcome<Vec<serde_json::Value>>); 6] {
    [
        ("imap", sign_ins::imap),
        ("ftp", sign_ins::ftp),
        ("smb", sign_ins::smb),
        ("classes", sign_ins::classes),
        ("frontends", frontends::rows),
        ("http", web::rows),
    ]
}

/// All figures, or those of one part.
fn measure(only: Option<&str>) -> Outcome {
    let variable =
        |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("{name} is not set"));
    let (program, out) = (variable(SERVER)?, variable(OUT)?);
    let plan = site::Plan::new(program)?;
    #[cfg(unix)]
    if let Some((_, part)) = beside_peers().into_iter().find(|(name, _)| only == Some(name)) {
        let rows = part(&plan)?;
        return Ok(fs::write(&out, serde_json::to_vec_pretty(&rows)?)?);
    }
    let parts: [(&str, Part); 8] = [
        ("get", load::get),
        ("list", load::list),
        ("tls", load::tls),
        ("create", load::create),
        ("refusals", refusals::rows),
        ("memory", memory::rows),
        // These only if they are named.
        ("pages", pages::rows),
        ("growth", growth::rows),
    ];
    let mut rows = Vec::new();
    for (name, part) in parts {
        if only.map_or(!matches!(name, "pages" | "growth"), |only| only == name) {
            for row in part(&plan)? {
                eprintln!("    {row}");
                rows.push(row.to_json());
            }
        }
    }
    if rows.is_empty() {
        return Err(
            "there is no such part; the parts are get, list, tls, create, refusals, memory, pages, growth, and \
                    beside other programs imap, ftp, smb, classes, frontends, http"
                .into(),
        );
    }
    fs::write(&out, serde_json::to_vec_pretty(&rows)?)?;
    Ok(())
}

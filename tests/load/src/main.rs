//! `cargo xtask bench ocs`: the server under load, beside a minimal server.
//!
//! What is measured is the program as it is released, in its own process, with its log on; `wrk`
//! sends the requests from the same two processors. The machine is never idle, so ours and its
//! baseline alternate, and a figure is the median of several runs. Each rate has the processor time
//! of one request, which other load hardly changes.

mod floor;
#[cfg(unix)]
mod frontends;
mod load;
mod measure;
mod memory;
mod people;
mod process;
mod refusals;
mod site;
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

/// All figures, or those of one part.
fn measure(only: Option<&str>) -> Outcome {
    let told = |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("{name} is not set"));
    let (program, out) = (told(SERVER)?, told(OUT)?);
    let plan = site::Plan::new(program)?;
    #[cfg(unix)]
    if only == Some("frontends") {
        let rows = frontends::rows(&plan)?;
        return Ok(fs::write(&out, serde_json::to_vec_pretty(&rows)?)?);
    }
    let parts: [(&str, Part); 6] = [
        ("get", load::get),
        ("list", load::list),
        ("tls", load::tls),
        ("create", load::create),
        ("refusals", refusals::rows),
        ("memory", memory::rows),
    ];
    let mut rows = Vec::new();
    for (name, part) in parts {
        if only.is_none_or(|only| only == name) {
            for row in part(&plan)? {
                eprintln!("    {row}");
                rows.push(row.to_json());
            }
        }
    }
    if rows.is_empty() {
        return Err("there is no such part; the parts are get, list, tls, create, refusals, memory".into());
    }
    fs::write(&out, serde_json::to_vec_pretty(&rows)?)?;
    Ok(())
}

//! A number of requests to a server, one after the other, for `cargo xtask counts`.

use std::env;

use crate::keep_alive::Client;
use crate::site::Plan;
use crate::{Outcome, SERVER, people};

/// The argument that asks for it; the number of requests comes next.
pub(crate) const COMMAND: &str = "requests";

const PATH: &str = "/ocs/v2.php/cloud/user";

/// Starts the server, sends the requests over one connection, and ends the server.
///
/// # Errors
/// A request is not answered with 200.
pub(crate) fn send(times: Option<String>) -> Outcome {
    let times: u32 = times.unwrap_or_default().parse().map_err(|_| "expected a number of requests")?;
    let program = env::var_os(SERVER).ok_or_else(|| format!("{SERVER} is not set"))?;
    let mut site = Plan::new(program.into())?.site(100, false)?;
    let caller = people::basic(0);
    site.ask_until_known(&caller, PATH)?;
    let mut client = Client::program(&site.server.address, &caller)?;
    for _ in 0..times {
        client.get_ok(PATH)?;
    }
    drop(client);
    site.server.end()
}

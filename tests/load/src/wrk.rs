//! The load generator: Debian's `wrk`, with a script that defines the requests.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Outcome, people};

/// How a run is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Connections that are kept open.
    pub(crate) connections: u32,
    /// For how long.
    pub(crate) seconds: u32,
}

/// What `wrk` counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) requests: f64,
    pub(crate) per_second: f64,
    /// Milliseconds that 99 of 100 requests were answered in.
    pub(crate) p99: f64,
}

/// What the requests ask for.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// One user, another one each time.
    Get,
    /// A page of 25 with a search, another one each time.
    List,
    /// A new user; the text distinguishes the runs.
    Create(String),
    /// As `Get`, but each connection waits this many milliseconds in between.
    GetSlowly(u32),
    /// The address as it stands, with this `Authorization` header.
    Same(String),
}

/// Sends requests.
///
/// # Errors
/// `wrk` did not start, or a request was not answered with a status below 400.
pub(crate) fn run(url: &str, ask: &Ask, run: Run, folder: &Path) -> Outcome<Counted> {
    let script = folder.join("ask.lua");
    std::fs::write(&script, lua(ask))?;
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{}", run.connections), &format!("-d{}s", run.seconds), "--timeout", "20s"]);
    wrk.arg("-s").arg(&script).arg(url).stdin(Stdio::null());
    let output = wrk.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let counts = text.lines().find_map(|line| line.strip_prefix("counted ")).ok_or("wrk counted nothing")?;
    let numbers = counts.split(' ').map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let [requests, micros, p99, refused, broken] = numbers[..] else {
        return Err("wrk counted something else".into());
    };
    if refused > 0.0 || broken > 0.0 || requests < 1.0 {
        return Err(format!("of {requests} requests {refused} were refused and {broken} broke off").into());
    }
    let per_second = requests / (micros / 1e6);
    Ok(Counted { requests, per_second, p99: p99 / 1e3 })
}

fn lua(ask: &Ask) -> String {
    let callers: Vec<String> = (0..people::CALLERS).map(|n| format!("{:?}", people::basic(n))).collect();
    let searched: Vec<String> = people::LAST.iter().map(|name| format!("{name:?}")).collect();
    let head = format!(
        "local callers = {{ {} }}\nlocal searched = {{ {} }}\nmath.randomseed(4711)\n",
        callers.join(", "),
        searched.join(", ")
    );
    let headers = "{ [\"Authorization\"] = callers[math.random(#callers)], [\"OCS-APIRequest\"] = \"true\" }";
    let (request, delay) = match ask {
        Ask::Get | Ask::GetSlowly(_) => (
            format!(
                "return wrk.format(\"GET\", string.format(\"/ocs/v2.php/cloud/users/user%05d?format=json\", \
                 math.random(0, {})), {headers})",
                people::FEW - 1
            ),
            if let Ask::GetSlowly(wait) = ask { *wait } else { 0 },
        ),
        Ask::List => (
            format!(
                "return wrk.format(\"GET\", \"/ocs/v2.php/cloud/users?format=json&limit=25&search=\" .. \
                 searched[math.random(#searched)], {headers})"
            ),
            0,
        ),
        Ask::Same(header) => (
            format!(
                "return wrk.format(\"GET\", nil, {{ [\"Authorization\"] = {header:?}, [\"OCS-APIRequest\"] = \"true\" }})"
            ),
            0,
        ),
        Ask::Create(prefix) => (
            format!(
                "made = made + 1\nlocal headers = {headers}\n\
                 headers[\"Content-Type\"] = \"application/x-www-form-urlencoded\"\n\
                 return wrk.format(\"POST\", \"/ocs/v2.php/cloud/users?format=json\", headers, \
                 \"userid={prefix}\" .. made .. \"&password=Correct+horse+battery+\" .. made)"
            ),
            0,
        ),
    };
    let delay = if delay > 0 { format!("function delay() return {delay} end\n") } else { String::new() };
    format!(
        "{head}local made = 0\n{delay}function request()\n{request}\nend\n\
         function done(summary, latency)\n\
         local e = summary.errors\n\
         print(string.format(\"counted %d %d %d %d %d\", summary.requests, summary.duration, \
         latency:percentile(99), e.status, e.connect + e.read + e.write + e.timeout))\nend\n"
    )
}

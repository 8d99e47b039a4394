//! `docs/performance.md` and its pictures, from the rows of the benchmarks.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::step::{self, Outcome};

/// A benchmark: its name, what it measures, and its rows.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) what: String,
    pub(crate) rows: Vec<Value>,
}

/// Why a goal is out of reach, by the beginning of a row's `what`; looked up for rows that miss theirs.
const LIMITS: &[(&str, &str)] = &[
    (
        "ours, cold beside bare socket",
        "Both pay for the same handshake. On top of it come 137,000 instructions, where a bare socket needs 5,000: a deadline for \
         each phase, the guard that reads every reply, limits, the resolver, and memory that is wiped.",
    ),
    (
        "ours, cold beside PHP libcurl",
        "A single sign-in waits for the server: the bare socket has the same ratio within a few percent.",
    ),
    (
        "ours, cached external user beside axum",
        "axum here sends fixed bytes and checks nothing. Ours parses and checks the request, asks whether the store \
         changed, writes 2 KB of JSON, a line of log and two metrics, and wipes what it frees.",
    ),
    ("ours, cached external user beside nginx, bcrypt 5", "The same."),
    (
        "saslauthd socket beside saslauthd -a rimap -c",
        "Each question is a connection of its own, which costs both programs most of the time. saslauthd with its \
         cache answers from shared memory and does not ask whether the password has ended since.",
    ),
    (
        "Dovecot auth socket beside Dovecot with its cache",
        "Dovecot answers from memory alone. Ours asks with each answer whether the store changed, so that a user who \
         was disabled a moment ago is refused.",
    ),
    (
        "forward-auth beside GET /cloud/user",
        "The other side became faster: both are answered from memory by now, and differ by one JSON document.",
    ),
    (
        "cached hit, ns: keyed BLAKE3 of 50 bytes + map probe + clock",
        "The limits are asked at each hit, and the trace is a list in memory of its own: 200 of 1,700 instructions.",
    ),
    (
        "debug build of the library",
        "The library builds on those two and has a hundred crates; ring compiles C and assembly.",
    ),
    (
        "POST user",
        "The hashes alone keep both processors busy; ours reads, checks and writes the user beside them.",
    ),
    ("PostgreSQL: create a user", "A commit waits for this disk; eight at once share the wait."),
];

/// Writes the page and one picture for each benchmark that has rates.
///
/// # Errors
///
/// A file cannot be written.
pub(crate) fn write(parts: &[Part]) -> Outcome {
    let docs = step::root().join("docs");
    let (page, pictures) = page(parts);
    for (file, picture) in pictures {
        fs::write(docs.join(file), picture)?;
    }
    Ok(fs::write(docs.join("performance.md"), page)?)
}

/// The page, and its pictures with their paths.
fn page(parts: &[Part]) -> (String, Vec<(String, String)>) {
    let mut pictures = Vec::new();
    let mut page = String::from(
        "# Performance\n\n\
         Written by `cargo xtask bench all`: do not edit. For imap, ftp, smb, classes, frontends and http,\n\
         all programs of a table run in turns on one machine, so that other load slows all of them down\n\
         alike; a ratio is the median of the ratios of the rounds, of processor times the ratio of the\n\
         sums. In the other tables it is that of the medians. Read the ratios first: the other figures\n\
         are those of the machine named below.\n\
         `cargo xtask bench NAME` repeats one table.\n\n",
    );
    let _ = writeln!(page, "Machine: {}.\n", machine());
    for Part { name, what, rows } in parts {
        let _ = writeln!(page, "## {name}\n\n{}.\n", wrapped(what));
        let (alone, compared): (Vec<_>, Vec<_>) = rows.iter().partition(|row| !row["per_second"].is_null());
        if !compared.is_empty() {
            page.push_str("| what | ours | beside | ratio | goal | met |\n|---|---|---|---|---|---|\n");
            for row in compared {
                let beside = if row["peer"].is_null() { &row["floor"] } else { &row["peer"] };
                let [what, ours, ratio, goal, met] =
                    ["what", "ours", "ratio", "goal", "met"].map(|key| cell(&row[key]).replace('|', "\\|"));
                let _ = writeln!(page, "| {what} | {ours} | {} | {ratio} | {goal} | {met} |", cell(beside));
            }
            page.push('\n');
        }
        if alone.is_empty() {
            continue;
        }
        if let Some(picture) = picture(name, &alone) {
            let file = format!("images/performance-{name}.svg");
            let _ = writeln!(page, "![Answers per second of each program]({file})\n");
            pictures.push((file, picture));
        }
        page.push_str(
            "| program | per second | p50 ms | p99 ms | CPU ms | peak MiB |\n|---|---|---|---|---|---|\n",
        );
        for row in alone {
            let [what, rate, p50, p99, peak] =
                ["what", "per_second", "p50_ms", "p99_ms", "peak_mib"].map(|key| cell(&row[key]));
            let cpu = row["cpu_us"]
                .as_f64()
                .map_or_else(|| cell(&row["cpu_ms"]), |us| format!("{:.3}", us / 1000.0));
            let _ = writeln!(page, "| {what} | {rate} | {p50} | {p99} | {cpu} | {peak} |");
        }
        page.push('\n');
    }
    page.push_str(&missed(parts));
    (page.trim_end().to_owned() + "\n", pictures)
}

/// The rows that miss their goal, with what sets the limit.
fn missed(parts: &[Part]) -> String {
    let rows = parts.iter().flat_map(|part| &part.rows).filter(|row| row["met"] == false);
    let mut text = String::new();
    let mut last = "";
    for row in rows {
        let what = row["what"].as_str().unwrap_or_default();
        let known = LIMITS.iter().find(|(beginning, _)| what.starts_with(beginning));
        let (beginning, why) = known.copied().unwrap_or((what, "Not explained yet."));
        if beginning != last {
            let _ = writeln!(text, "{}", wrapped(&format!("- **{beginning}**: {why}")).replace('\n', "\n  "));
        }
        last = beginning;
    }
    if text.is_empty() { text } else { format!("## Goals that are missed\n\n{text}") }
}

/// Model and number of processors, and the kernel.
fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{count} processors ({}), Linux {}",
        if model.is_empty() { "unknown" } else { model },
        kernel.trim()
    )
}

/// Lines of at most 100 characters.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if lines[last].chars().count() + word.chars().count() >= 100 {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines.join("\n")
}

/// Bars of the answers per second, for the number of callers that most programs have.
///
/// Ours are darker. `None` where fewer than two programs can be compared.
fn picture(name: &str, rows: &[&Value]) -> Option<String> {
    let label = |row: &Value| cell(&row["what"]);
    let suffixes = [", 16 at once", ", 32 at once", ", 8 at once", ", 1 at once", ""];
    let suffix = suffixes
        .iter()
        .find(|suffix| rows.iter().filter(|row| label(row).ends_with(**suffix)).count() > 1)?;
    let bars: Vec<(String, f64, bool)> = rows
        .iter()
        .filter(|row| label(row).ends_with(suffix))
        .filter_map(|row| {
            Some((
                label(row).strip_suffix(suffix)?.to_owned(),
                row["per_second"].as_f64()?,
                row["is_ours"] == true,
            ))
        })
        .collect();
    let most = bars.iter().map(|(_, rate, _)| *rate).fold(0.0, f64::max);
    let height = 30 * bars.len() + 40;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" viewBox=\"0 0 760 {height}\" \
         font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n<title>{name}{suffix}: answers per second</title>\n\
         <rect width=\"760\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"20\" fill=\"#333333\">{name}{suffix}: answers per second</text>\n"
    );
    for (n, (label, rate, is_ours)) in bars.iter().enumerate() {
        let (y, width) = (34 + 30 * n, (rate / most * 400.0).max(1.0));
        let colour = if *is_ours { "#1f5f99" } else { "#b8c4d0" };
        let label = label.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            svg,
            "<text x=\"258\" y=\"{}\" text-anchor=\"end\" fill=\"#333333\">{label}</text>\
             <rect x=\"266\" y=\"{y}\" width=\"{width:.1}\" height=\"20\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{}\" fill=\"#333333\">{}</text>",
            y + 15,
            272.0 + width,
            y + 15,
            cell(&(*rate).into()),
        );
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// A value as a cell of a table.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(met) => if *met { "yes" } else { "NO" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(" "),
        Value::Number(number) => match number.as_f64() {
            Some(large) if large >= 100.0 => format!("{large:.0}"),
            Some(small) if number.is_f64() => format!("{small:.2}"),
            _ => number.to_string(),
        },
        Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_every_row_and_a_picture_of_the_rates() {
        let rows = serde_json::json!([
            { "what": "ours beside A, 16 at once", "ours": 1.5, "peer": 3.0, "ratio": 0.5, "goal": "ratio <= 0.55", "met": true },
            { "what": "MiB idle", "ours": 36.5, "goal": "<= 30", "met": false },
            { "what": "ours, 16 at once", "is_ours": true, "per_second": 200.0, "p50_ms": 1.5, "p99_ms": 4.0, "cpu_ms": 0.3, "peak_mib": 12.0 },
            { "what": "A, 16 at once", "is_ours": false, "per_second": 100.0, "p50_ms": 3.0, "p99_ms": 9.0, "cpu_us": 400.0 },
        ]);
        let rows = rows.as_array().unwrap().clone();
        let (page, pictures) =
            page(&[Part { name: "imap".into(), what: "Sign-ins beside A | B".into(), rows }]);
        assert!(page.ends_with("## Goals that are missed\n\n- **MiB idle**: Not explained yet.\n"), "{page}");
        for line in [
            "## imap",
            "| ours beside A, 16 at once | 1.50 | 3.00 | 0.50 | ratio <= 0.55 | yes |",
            "| MiB idle | 36.50 |  |  | <= 30 | NO |",
            "![Answers per second of each program](images/performance-imap.svg)",
            "| ours, 16 at once | 200 | 1.50 | 4.00 | 0.30 | 12.00 |",
            "| A, 16 at once | 100 | 3.00 | 9.00 | 0.400 |  |",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        let [(file, picture)] = &pictures[..] else { panic!("{} pictures", pictures.len()) };
        assert_eq!(file, "images/performance-imap.svg");
        assert!(picture.contains(">ours</text>") && picture.contains("width=\"200.0\""), "{picture}");
    }
}

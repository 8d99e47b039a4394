//! Looks for the passwords of the tests, in every form, in what the tests have written.
//!
//! `search-output PLACE...`, files or directories of files; prints one line of figures and ends
//! with 1 when it has found any, or nothing to look through.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use user_backend_tests::canary;

/// The passwords that the tests sign in with.
///
/// Scripted peers, the rig, the server, the command line.
const PASSWORDS: [(&str, &str); 4] = [
    (canary::NAME, canary::PASSWORD),
    ("alice", "Wonderland-1"),
    ("admin", "Wonder land 1865 !"),
    ("bob", r#"p@ss "w\ord" %41 {x}"#),
];

/// What is looked for beside passwords: lines of a log.
const LOGGED: &str = "a line of a log";

fn main() -> io::Result<ExitCode> {
    let mut forms = Vec::new();
    for (name, password) in PASSWORDS {
        let of_them = canary::forms_of(name, password).into_iter();
        forms.extend(of_them.map(|(form, bytes)| (format!("a password of {name}, {form}"), bytes)));
    }
    // That there is a log at all. The crate `log` has no TRACE in a program with the feature `smb`.
    forms.extend([" TRACE ", " DEBUG "].map(|level| (LOGGED.to_owned(), level.into())));
    let (mut searched, mut lines, mut found) = (0, 0, 0);
    for place in std::env::args_os().skip(1) {
        for file in files(Path::new(&place))? {
            let text = fs::read(&file)?;
            searched += text.len();
            search(&text, &forms, |at, form| {
                if form == LOGGED {
                    lines += 1;
                    return Ok(());
                }
                found += 1;
                // Where, and in which form: the line itself is not shown, it holds a password.
                let line = text[..at].split(|byte| *byte == b'\n').count();
                writeln!(io::stdout(), "{}:{line}: {form}", file.display())
            })?;
        }
    }
    let kib = searched / 1024;
    writeln!(io::stdout(), "    passwords found: {found}, in {kib} KiB with {lines} lines of logs")?;
    Ok(if found == 0 && lines > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn files(place: &Path) -> io::Result<Vec<PathBuf>> {
    if !place.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    fs::read_dir(place)?.map(|entry| Ok(entry?.path())).collect()
}

/// Calls `each` with every position of a form.
///
/// One pass for any number of forms.
fn search(
    text: &[u8],
    forms: &[(String, Vec<u8>)],
    mut each: impl FnMut(usize, &str) -> io::Result<()>,
) -> io::Result<()> {
    let mut by_first: [Vec<&(String, Vec<u8>)>; 256] = std::array::from_fn(|_| Vec::new());
    for form in forms {
        by_first[usize::from(form.1[0])].push(form);
    }
    for (at, byte) in text.iter().enumerate() {
        for (name, form) in &by_first[usize::from(*byte)] {
            if text[at..].starts_with(form) {
                each(at, name)?;
            }
        }
    }
    Ok(())
}

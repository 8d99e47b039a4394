//! The wall clock is set while a program caches, refuses and waits.
//!
//! None of that depends on it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The output of the program, for any wall clock.
const TOLD: &str = "\
memory: authenticated
place: refused
person: refused
the clock jumps by 24 hours
memory: authenticated
place: throttled for 1 h
person: throttled for 24 h
asked meanwhile: 0
the clock jumps by -48 hours
memory: authenticated
place: throttled for 1 h
person: throttled for 24 h
asked meanwhile: 0
+1d in the middle: authenticated, after 0 s
-1d in the middle: unavailable, after 20 s
memory: authenticated
asked after five minutes: 1
";

#[test]
fn t27_caches_and_deadlines_ignore_the_wall_clock() {
    let Some(library) = library() else {
        assert!(env::var_os("RIG_REQUIRED").is_none(), "libfaketime is not here");
        eprintln!("skipped: no libfaketime");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_jumping-clock"));
    program.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", folder.path().join("time"));
    // It looks into the file each time, and leaves the monotonic clock alone.
    let output = program.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").output();
    let output = output.unwrap();
    let (output_text, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output_text, TOLD, "{complained}");
}

/// Where Debian and its relatives keep it.
fn library() -> Option<PathBuf> {
    let places = fs::read_dir("/usr/lib").ok()?.flatten();
    places.map(|place| place.path().join("faketime/libfaketime.so.1")).find(|file| file.is_file())
}

//! Every recorded input, and mutated copies of it, through its target: on any toolchain.
//!
//! `FUZZ_MUTATIONS` says how many copies a target gets (500). They are always the same ones.

use std::env;
use std::fs;
use std::path::Path;

use serde_json::json;
use user_backend_fuzz::{TARGETS, Target};
use user_backend_tests::{Rng, report};

#[test]
fn recorded_and_mutated_inputs_are_read_right() {
    let here = folder();
    let copies = env::var("FUZZ_MUTATIONS").ok().map_or(500, |number| number.parse().expect("a number"));
    let mut executions = 0;
    for target in TARGETS {
        let folder = here.join("corpus").join(target.name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        let inputs: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        assert!(!inputs.is_empty(), "{} has no recorded input", target.name);
        for (file, input) in files.iter().zip(&inputs) {
            judge(*target, &file.display().to_string(), input);
        }
        let dictionary = here.join("dictionaries").join(format!("{}.dict", target.name));
        let words = words(&fs::read_to_string(&dictionary).unwrap()).expect("words in quotes");
        let mut rng = Rng::new(2026);
        for nth in 0..copies {
            let input = mutate(&mut rng, &inputs[nth % inputs.len()], &words, &inputs);
            judge(*target, &format!("mutated copy {nth}"), &input);
        }
        executions += inputs.len() + copies;
    }
    report::leave("replay", &json!({ "fuzz": executions }));
}

#[test]
fn each_target_has_a_program_of_its_name() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for Target { name, .. } in TARGETS {
        let file = format!("fuzz_targets/{name}.rs");
        assert!(manifest.contains(&format!("{{ name = \"{name}\", path = \"{file}\"")), "{name}");
        let program = fs::read_to_string(folder().join(file)).unwrap();
        assert!(program.contains(&format!("user_backend_fuzz::{name}(input)")), "{program}");
    }
    assert_eq!(fs::read_dir(folder().join("fuzz_targets")).unwrap().count(), TARGETS.len());
}

/// Where the corpus, the dictionaries and the programs of the targets are.
fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Reports on which input a target failed, before the panic continues.
fn judge(target: Target, input: &str, bytes: &[u8]) {
    let judged = std::panic::catch_unwind(|| (target.run)(bytes));
    if let Err(panic) = judged {
        eprintln!("target {}, {input}: {}", target.name, bytes.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

/// A mutated copy, with a word of the dictionary in it or another input's end.
fn mutate(rng: &mut Rng, input: &[u8], words: &[Vec<u8>], others: &[Vec<u8>]) -> Vec<u8> {
    let mut mutated = rng.mutate(input, 3);
    let at = rng.below(mutated.len() + 1);
    match rng.below(3) {
        0 => drop(mutated.splice(at..at, rng.pick(words).iter().copied())),
        1 => {
            let other = rng.pick(others);
            let from = rng.below(other.len() + 1);
            mutated.splice(at.., other[from..].iter().copied());
        }
        _ => {}
    }
    mutated
}

/// The words of a dictionary in libFuzzer's form: one in quotes a line.
///
/// `\\`, `\"` and `\xAB` are a byte.
fn words(dictionary: &str) -> Option<Vec<Vec<u8>>> {
    let word = |line: &str| {
        let mut rest = line.split_once('"')?.1.rsplit_once('"')?.0.as_bytes();
        let mut word = Vec::new();
        while let [first, behind @ ..] = rest {
            rest = behind;
            word.push(match (first, behind) {
                (b'\\', [b'x', high, low, behind @ ..]) => {
                    rest = behind;
                    u8::from_str_radix(&String::from_utf8_lossy(&[*high, *low]), 16).ok()?
                }
                (b'\\', [escaped, behind @ ..]) => {
                    rest = behind;
                    *escaped
                }
                _ => *first,
            });
        }
        Some(word)
    };
    dictionary.lines().map(word).collect()
}

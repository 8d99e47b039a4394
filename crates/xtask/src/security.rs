//! Checks `docs/security/test-evidence.md`: tests exist, every attack class is covered.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::step::root;

const PAGE: &str = "docs/security/test-evidence.md";

/// Everything between backticks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Whether this is the name of a test: four underscores or more, which no setting has.
fn is_test(word: &str) -> bool {
    let plain = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    plain && word.matches('_').count() >= 4
}

/// The classes of attack that the tables must cover.
fn classes() -> impl Iterator<Item = String> {
    (1..=15).chain(20..=38).chain(40..=50).chain(60..=64).map(|number| format!("T{number:02}"))
}

/// The names of all tests below `directory`.
fn tests(directory: &Path, found: &mut BTreeSet<String>) {
    read_below(directory, &mut |text| found.extend(functions(text).map(str::to_owned)));
}

/// Reads every Rust file below `directory`.
fn read_below(directory: &Path, take: &mut dyn FnMut(&str)) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                read_below(&path, take);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            take(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// The private functions in `text`; tests are private.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")?.split('(').next()
    })
}

#[test]
fn every_named_test_exists() {
    let text = fs::read_to_string(root().join(PAGE)).unwrap();
    let mut known = BTreeSet::new();
    tests(&root().join("crates"), &mut known);
    tests(&root().join("tests"), &mut known);
    let named: Vec<_> = quoted(&text).into_iter().filter(|word| is_test(word)).collect();
    assert!(named.len() > 60, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
    let files = quoted(&text).into_iter().filter(|word| word.ends_with(".rs"));
    let missing: Vec<_> = files.filter(|file| !root().join(file).is_file()).collect();
    assert!(missing.is_empty(), "no such files: {missing:#?}");
    // Conversely, every test of a class is listed.
    let classes: Vec<_> = classes().map(|class| class.to_lowercase() + "_").collect();
    let of_a_class = known.iter().filter(|name| classes.iter().any(|class| name.starts_with(class.as_str())));
    let listed: BTreeSet<_> = named.iter().filter_map(|name| name.get(..4)).collect();
    for name in of_a_class {
        assert!(listed.contains(&name[..4]), "{name} is not listed");
    }
}

#[test]
fn every_class_of_attack_is_covered_or_listed_as_not_tested() {
    let text = fs::read_to_string(root().join(PAGE)).unwrap();
    let (tried, rest) = text.split_once("## Not tested, or not completely").unwrap();
    let (not_tried, _) = rest.split_once("\n##").unwrap();
    for class in classes() {
        let row = tried.lines().find(|line| line.starts_with(&format!("| {class} |")));
        let begins = format!("{}_", class.to_lowercase());
        match row {
            Some(row) => {
                assert!(quoted(row).iter().any(|name| name.starts_with(&begins)), "{class} has no test");
            }
            None => assert!(not_tried.contains(&format!("- {class}:")), "{class} is not mentioned"),
        }
    }
}

/// All functions in `text`, public ones too.
fn all_functions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next())
}

#[test]
fn model_page_names_existing_files_and_functions() {
    let text = fs::read_to_string(root().join("docs/security/model.md")).unwrap();
    let (_, table) = text.split_once("## How steps map to the code").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let mut known = BTreeSet::new();
    read_below(&root().join("crates"), &mut |text| known.extend(all_functions(text).map(str::to_owned)));
    let mut named = 0;
    for word in quoted(table) {
        if word.ends_with(".rs") {
            assert!(root().join(word).is_file(), "no such file: {word}");
        } else if let Some((_, function)) = word.rsplit_once("::") {
            assert!(known.contains(function), "no such function: {word}");
            named += 1;
        }
    }
    assert!(named > 15, "{named}");
}

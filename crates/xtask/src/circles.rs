//! No import cycles: no file of a crate uses, even indirectly, a file that uses it.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use crate::imports::{self, Graph};
use crate::step::root;

/// Files that use each other, and the shortest way around from the first of them.
#[derive(Debug, PartialEq, Eq)]
struct Circle {
    files: Vec<PathBuf>,
    way: Vec<PathBuf>,
}

impl std::fmt::Display for Circle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |files: &[PathBuf], between: &str| {
            files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(between)
        };
        f.write_str(&shown(&self.way, " -> "))?;
        let others: Vec<_> = self.files.iter().filter(|file| !self.way.contains(file)).cloned().collect();
        if others.is_empty() { Ok(()) } else { write!(f, " (and with them {})", shown(&others, ", ")) }
    }
}

/// The strongly connected parts of the graph that have more than one file.
fn circles(graph: &Graph) -> Vec<Circle> {
    let reached: BTreeMap<_, _> = graph.keys().map(|file| (file, ways(graph, file))).collect();
    let mut circles: Vec<Circle> = Vec::new();
    for (file, ways) in &reached {
        let Some(way) = ways.get(*file) else { continue };
        if circles.iter().all(|circle| !circle.files.contains(file)) {
            let back = |other: &&&PathBuf| ways.contains_key(**other) && reached[**other].contains_key(*file);
            let files = reached.keys().filter(back).map(|file| (*file).clone()).collect();
            circles.push(Circle { files, way: way.clone() });
        }
    }
    circles
}

/// The shortest way from a file to each that it reaches; to itself only around a circle.
fn ways(graph: &Graph, from: &Path) -> BTreeMap<PathBuf, Vec<PathBuf>> {
    let mut ways: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    let mut open = VecDeque::from([vec![from.to_owned()]]);
    while let Some(way) = open.pop_front() {
        for next in way.last().and_then(|last| graph.get(last)).into_iter().flatten() {
            if !ways.contains_key(next) {
                let longer: Vec<_> = way.iter().chain([next]).cloned().collect();
                ways.insert(next.clone(), longer.clone());
                open.push_back(longer);
            }
        }
    }
    ways
}

/// The circles in the files of a crate whose root is `lib.rs`.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let read = |path: &Path| {
        let file = files.iter().find(|(name, _)| Path::new(name) == path)?;
        Some(file.1.to_owned())
    };
    circles(&imports::graph(Path::new("lib.rs"), &read).unwrap()).iter().map(Circle::to_string).collect()
}

#[test]
fn workspace_has_no_circle() {
    let folder = root().join("crates");
    let read = |path: &Path| fs::read_to_string(folder.join(path)).ok();
    let mut found = Vec::new();
    let mut files = 0;
    for krate in fs::read_dir(&folder).unwrap() {
        let source = PathBuf::from(krate.unwrap().file_name()).join("src");
        let roots = ["lib.rs", "main.rs"].map(|name| source.join(name));
        for start in roots.iter().filter(|start| folder.join(start).is_file()) {
            let graph = imports::graph(start, &read).unwrap();
            files += graph.len();
            found.extend(circles(&graph).iter().map(Circle::to_string));
        }
    }
    assert!(files > 200, "only {files} files were read");
    assert!(found.is_empty(), "circles, as files and as a way around: {found:#?}");
}

#[test]
fn circle_through_a_reexport_is_found() {
    let files = [
        ("lib.rs", "mod store;\nmod users;\n"),
        ("users.rs", "use crate::store::Row;\npub(crate) const LIMIT: u32 = 3;\nstruct User(Row);"),
        ("store/mod.rs", "mod row;\npub(crate) use row::Row;"),
        (
            "store/row.rs",
            "pub(crate) struct Row;\nfn long() -> bool { assert!(true, \"{}\", crate::users::LIMIT); true }",
        ),
    ];
    assert_eq!(circles_of(&files), ["store/row.rs -> users.rs -> store/row.rs"]);
}

#[test]
fn circle_of_three_is_shown_with_its_way() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use super::b::*;\npub(crate) struct A(B);"),
        ("b.rs", "pub(crate) struct B;\nfn f() { use crate::c; c::g(); }"),
        ("c.rs", "pub(crate) fn g() -> Option<crate::a::A> { None }\nfn d() { crate::d::h(); }"),
        ("d.rs", "pub(crate) fn h() { crate::c::g(); }"),
    ];
    assert_eq!(circles_of(&files), ["a.rs -> b.rs -> c.rs -> a.rs (and with them d.rs)"]);
}

#[test]
fn declarations_reexports_and_tests_make_no_circle() {
    let files = [
        ("lib.rs", "mod parts;\nmod user;\npub use user::User;\npub const SIZE: usize = 1;"),
        (
            "user.rs",
            "pub struct User([u8; crate::SIZE]);\n#[cfg(test)] mod tests { use crate::parts::Part; }",
        ),
        ("parts/mod.rs", "mod part;\nmod tests_of;\npub use part::Part;\npub struct Whole;"),
        (
            "parts/part.rs",
            "use super::Whole;\npub struct Part(Whole, crate::User);\nimpl Part { #[cfg(test)] fn t(_: crate::parts::tests_of::T) { super::tests_of::f() } }",
        ),
        ("parts/tests_of.rs", "pub struct T(super::part::Part);\npub fn f() {}"),
    ];
    assert_eq!(circles_of(&files), [""; 0]);
}

//! The snippets of `docs/recipes`, which tests run as they are written there.

use std::path::Path;

/// The text of a page.
fn page(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/recipes").join(format!("{name}.md"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The block for a file below a heading: the first one after the line that names it.
pub(super) fn snippet(name: &str, heading: &str, file: &str) -> String {
    let page = page(name);
    let begin = page.find(&format!("# {heading}\n")).unwrap_or_else(|| panic!("{name}: no {heading}"));
    let section = &page[begin..];
    let section = section.find("\n## ").map_or(section, |end| &section[..end]);
    let named = section.find(&format!("`{file}`")).unwrap_or_else(|| panic!("{name}: no {file}"));
    let (_, block) = section[named..].split_once("\n```").unwrap_or_else(|| panic!("{name}: no block"));
    let (_, block) = block.split_once('\n').unwrap();
    block.split_once("```").unwrap_or_else(|| panic!("{name}: no end of the block")).0.to_owned()
}

#[test]
fn every_recipe_fits_on_a_screen_and_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/recipes");
    let list = page("README");
    let mut found = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".md").filter(|stem| *stem != "README") else { continue };
        let text = page(stem);
        assert!(text.lines().count() <= 60, "{name} is longer than a screen");
        assert!(list.contains(&format!("]({name})")), "{name} is not in the list");
        let is_run = text.contains("A test runs this page");
        let is_replayed = text.contains("Replayed from documentation");
        assert!(is_run != is_replayed, "{name} does not say whether a test runs it");
        found += 1;
    }
    assert_eq!(found, list.matches(".md) |").count(), "the list names a page that is not there");
}

//! Which file of a crate uses which: each path is followed to the item's file.
//!
//! A re-export (`pub use`) is passed through and is not a use by itself. Not counted are a `mod x;`
//! declaration, what is compiled for tests only, and what a module uses of the modules that it is
//! in: a parent may call its children, and they may use its types. Calls of methods are not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Ident, Item, ItemUse, UseTree, Visibility};

/// Each file with the files whose items it uses.
pub(crate) type Graph = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// Gives the text of a file, if it is there.
pub(crate) type Read<'r> = &'r dyn Fn(&Path) -> Option<String>;

/// The uses between the files of the crate with this root, `lib.rs` or `main.rs`.
pub(crate) fn graph(root: &Path, read: Read<'_>) -> Result<Graph, String> {
    let mut modules = ModuleTree::default();
    let folder = root.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let text = read(root).ok_or_else(|| format!("no file {}", root.display()))?;
    modules.file(root, &text, &folder, None, read)?;
    Ok(modules.graph())
}

/// A module; an inline one is in the file of its parent.
#[derive(Debug)]
struct Module {
    file: PathBuf,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    imports: Vec<Import>,
    /// The paths in its code, also those of one word.
    paths: BTreeSet<Vec<String>>,
}

/// One name that a `use` brings; a glob has none.
#[derive(Debug)]
struct Import {
    name: Option<String>,
    path: Vec<String>,
    is_export: bool,
}

/// What a path leads to: a module, or an item that this module defines.
#[derive(Clone, Copy, Debug)]
enum Target {
    Module(usize),
    ItemOf(usize),
}

/// All modules of a crate; the first is its root.
#[derive(Debug, Default)]
struct ModuleTree(Vec<Module>);

impl ModuleTree {
    fn file(
        &mut self,
        file: &Path,
        text: &str,
        folder: &Path,
        parent: Option<usize>,
        read: Read<'_>,
    ) -> Result<usize, String> {
        let parsed = syn::parse_file(text).map_err(|error| format!("{}: {error}", file.display()))?;
        let module = self.add(file, parent);
        self.items(module, parsed.items, folder, read)?;
        Ok(module)
    }

    fn add(&mut self, file: &Path, parent: Option<usize>) -> usize {
        self.0.push(Module {
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            items: BTreeSet::new(),
            imports: Vec::new(),
            paths: BTreeSet::new(),
        });
        self.0.len() - 1
    }

    fn items(&mut self, at: usize, items: Vec<Item>, folder: &Path, read: Read<'_>) -> Result<(), String> {
        for item in items {
            let (attributes, name) = head(&item);
            if attributes.iter().any(|attribute| is_for_tests(attribute.to_token_stream())) {
                continue;
            }
            let name = name.map(Ident::to_string);
            match item {
                Item::Mod(module) => {
                    let name = module.ident.to_string();
                    let below = folder.join(&name);
                    let child = if let Some((_, items)) = module.content {
                        let child = self.add(&self.0[at].file.clone(), Some(at));
                        self.items(child, items, &below, read)?;
                        child
                    } else {
                        let places = [folder.join(format!("{name}.rs")), below.join("mod.rs")];
                        let found = places.iter().find_map(|place| Some((place, read(place)?)));
                        let (file, text) = found.ok_or_else(|| format!("no file for {}", below.display()))?;
                        self.file(file, &text, &below, Some(at), read)?
                    };
                    self.0[at].children.insert(name, child);
                }
                Item::Use(import) => self.0[at].import(&import),
                other => {
                    self.0[at].items.extend(name);
                    self.0[at].scan(other.to_token_stream());
                }
            }
        }
        Ok(())
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        for (at, module) in self.0.iter().enumerate() {
            let imports = module.imports.iter().filter(|import| !import.is_export && import.name.is_some());
            let paths = imports.map(|import| &import.path).chain(&module.paths);
            let uses = graph.entry(module.file.clone()).or_default();
            for path in paths {
                if let Some(Target::ItemOf(other)) = self.follow(at, path, &mut Vec::new())
                    && !self.is_in(at, other)
                {
                    uses.insert(self.0[other].file.clone());
                }
            }
            uses.remove(&module.file);
        }
        graph
    }

    /// Whether a module is another one or somewhere in it.
    fn is_in(&self, module: usize, other: usize) -> bool {
        std::iter::successors(Some(module), |at| self.0[*at].parent).any(|around| around == other)
    }

    /// Resolves a path in this module; `None` for another crate or a local name.
    fn follow(&self, from: usize, path: &[String], seen: &mut Vec<(usize, String)>) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let mut target = match first.as_str() {
            "crate" => Target::Module(0),
            "self" | "super" => Target::Module(from),
            name => self.lookup(from, name, rest.is_empty(), seen)?,
        };
        if first == "super" {
            target = Target::Module(self.0[from].parent?);
        }
        for (nth, name) in rest.iter().enumerate() {
            let Target::Module(module) = target else { break };
            target = match name.as_str() {
                "self" => target,
                "super" => Target::Module(self.0[module].parent?),
                // What cannot be found there, a macro has made there.
                _ => self.lookup(module, name, nth + 1 == rest.len(), seen).unwrap_or(Target::ItemOf(module)),
            };
        }
        Some(target)
    }

    fn lookup(
        &self,
        at: usize,
        name: &str,
        is_last: bool,
        seen: &mut Vec<(usize, String)>,
    ) -> Option<Target> {
        let module = &self.0[at];
        let is_item = module.items.contains(name);
        if is_item && is_last {
            return Some(Target::ItemOf(at));
        }
        if let Some(child) = module.children.get(name) {
            return Some(Target::Module(*child));
        }
        if is_item {
            return Some(Target::ItemOf(at));
        }
        let asked = (at, name.to_owned());
        if seen.contains(&asked) {
            return None;
        }
        seen.push(asked);
        let named = module.imports.iter().filter(|import| import.name.as_deref() == Some(name));
        if let Some(target) = named.filter_map(|import| self.follow(at, &import.path, seen)).next() {
            return Some(target);
        }
        let globs = module.imports.iter().filter(|import| import.name.is_none());
        globs.into_iter().find_map(|glob| match self.follow(at, &glob.path, seen)? {
            Target::Module(other) => self.lookup(other, name, is_last, seen),
            Target::ItemOf(_) => None,
        })
    }
}

impl Module {
    fn import(&mut self, item: &ItemUse) {
        // `::name` is another crate.
        if item.leading_colon.is_none() {
            let is_export = !matches!(item.vis, Visibility::Inherited);
            self.tree(&item.tree, &mut Vec::new(), is_export);
        }
    }

    fn tree(&mut self, tree: &UseTree, path: &mut Vec<String>, is_export: bool) {
        let (last, name) = match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.tree(&step.tree, path, is_export);
                path.pop();
                return;
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.tree(tree, path, is_export));
            }
            UseTree::Glob(_) => (None, None),
            UseTree::Name(name) => (Some(name.ident.to_string()), Some(name.ident.to_string())),
            UseTree::Rename(rename) => (Some(rename.ident.to_string()), Some(rename.rename.to_string())),
        };
        // `use a::b::{self}` brings `b`.
        let is_self = last.as_deref() == Some("self");
        let name = if is_self && name == last { path.last().cloned() } else { name };
        let path = path.iter().cloned().chain(last.filter(|_| !is_self)).collect();
        self.imports.push(Import { name, path, is_export });
    }

    /// Collects the paths in these tokens, with those in the arguments of macros.
    fn scan(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |at: Option<usize>, wanted: char| {
            let token = at.and_then(|at| tokens.get(at));
            matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
        };
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let start = at;
            at += 1;
            match token {
                TokenTree::Group(group) if is(start.checked_sub(1), '#') && is_for_tests(group.stream()) => {
                    at = end_of_item(&tokens, at);
                }
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Ident(word) if word == "use" && !is(Some(at), '<') => {
                    let end = (at..tokens.len()).find(|end| is(Some(*end), ';')).unwrap_or(tokens.len() - 1);
                    let statement = tokens[start..=end].iter().cloned().collect();
                    if let Ok(import) = syn::parse2::<ItemUse>(statement) {
                        self.import(&import);
                        at = end + 1;
                    }
                }
                TokenTree::Ident(word) => {
                    let mut path = vec![word.to_string()];
                    while is(Some(at), ':')
                        && is(Some(at + 1), ':')
                        && let Some(TokenTree::Ident(next)) = tokens.get(at + 2)
                    {
                        path.push(next.to_string());
                        at += 3;
                    }
                    let before = start.checked_sub(1);
                    let is_method = is(before, '.') && !is(start.checked_sub(2), '.');
                    let is_tail = is(before, ':') && is(start.checked_sub(2), ':') || is(before, '\'');
                    let is_field = path.len() == 1 && is(Some(at), ':') && !is(Some(at + 1), ':');
                    if !is_method && !is_tail && !is_field {
                        self.paths.insert(path);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

/// Where the item, field or statement at `at` ends: body, semicolon or comma.
fn end_of_item(tokens: &[TokenTree], mut at: usize) -> usize {
    let mut generics = 0;
    let mut before = ' ';
    while let Some(token) = tokens.get(at) {
        at += 1;
        let punct = if let TokenTree::Punct(punct) = token { punct.as_char() } else { ' ' };
        match (token, punct) {
            (TokenTree::Group(group), _) if group.delimiter() == Delimiter::Brace => break,
            (_, ';') => break,
            (_, ',') if generics == 0 => break,
            (_, '<') => generics += 1,
            // Not the end of `->` or `=>`.
            (_, '>') if !matches!(before, '-' | '=') => generics -= 1,
            _ => {}
        }
        before = punct;
    }
    at
}

/// The attributes of an item and the name that it defines.
fn head(item: &Item) -> (&[Attribute], Option<&Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

/// Whether an attribute, with or without `#[…]`, is a `cfg` that only tests fulfil.
fn is_for_tests(attribute: TokenStream) -> bool {
    let text: String = attribute.to_string().split_whitespace().collect();
    let text = text.strip_prefix("#[").unwrap_or(&text);
    let Some(condition) = text.strip_prefix("cfg(") else { return false };
    condition.starts_with("test)") || condition.starts_with("all(test,") || condition.contains(",test)")
}

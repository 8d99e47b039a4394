//! Types of other crates in the public interface of the published ones.
//!
//! A type of rustls in a signature would make every new version of rustls a breaking change of this
//! crate. The crypto provider, which a program may pass in, is behind the feature `crypto-provider`
//! for that reason.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Fields, ImplItem, Item, TraitItem, UseTree, Visibility};

/// Crates whose types must not be in public signatures.
const PRIVATE: [&str; 9] = [
    "async_imap",
    "mago_syntax",
    "pavao",
    "rustls",
    "serde_json",
    "smb2",
    "sqlx",
    "suppaftp",
    "tokio_rustls",
];

/// The public items of a file that name a type of such a crate.
fn leaks(text: &str) -> Result<Vec<String>, syn::Error> {
    let mut found = Vec::new();
    look_at(&syn::parse_file(text)?.items, &mut found);
    Ok(found)
}

fn look_at(items: &[Item], found: &mut Vec<String>) {
    let mut names: BTreeSet<String> = PRIVATE.iter().map(|name| (*name).to_owned()).collect();
    let mut public = BTreeSet::new();
    for item in items {
        match item {
            Item::Use(import) => {
                let from_private = imported(&import.tree);
                if is_public(&import.vis) && !from_private.is_empty() {
                    found.push(format!("use {}", import.tree.to_token_stream()));
                }
                names.extend(from_private);
            }
            Item::Struct(item) if is_public(&item.vis) => drop(public.insert(item.ident.to_string())),
            Item::Enum(item) if is_public(&item.vis) => drop(public.insert(item.ident.to_string())),
            _ => {}
        }
    }
    let mut check = |attributes: &[Attribute], what: &dyn ToTokens| {
        let tokens = what.to_token_stream();
        if !is_exempt(attributes) && words(&tokens).any(|word| names.contains(&word)) {
            found.push(tokens.to_string());
        }
    };
    let mut inner = Vec::new();
    for item in items {
        match item {
            Item::Fn(item) if is_public(&item.vis) => check(&item.attrs, &item.sig),
            Item::Type(item) if is_public(&item.vis) => check(&item.attrs, &item.ty),
            Item::Struct(item) if is_public(&item.vis) => {
                for field in item.fields.iter().filter(|field| is_public(&field.vis)) {
                    check(&item.attrs, &field.ty);
                }
            }
            Item::Enum(item) if is_public(&item.vis) => {
                let fields = item.variants.iter().map(|variant| &variant.fields);
                fields.flat_map(Fields::iter).for_each(|field| check(&item.attrs, &field.ty));
            }
            Item::Trait(item) if is_public(&item.vis) => {
                for member in &item.items {
                    if let TraitItem::Fn(member) = member {
                        check(&member.attrs, &member.sig);
                    }
                }
            }
            Item::Impl(item) => {
                if let Some((_, of, _)) = &item.trait_
                    && words(&item.self_ty.to_token_stream()).any(|word| public.contains(&word))
                {
                    check(&item.attrs, of);
                }
                for member in &item.items {
                    if let ImplItem::Fn(member) = member
                        && is_public(&member.vis)
                    {
                        check(&member.attrs, &member.sig);
                    }
                }
            }
            Item::Mod(item) if !is_exempt(&item.attrs) => {
                inner.extend(item.content.as_ref().map(|(_, items)| items));
            }
            _ => {}
        }
    }
    for items in inner {
        look_at(items, found);
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Compiled for tests, or with the feature that puts the type into the interface.
fn is_exempt(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let text = attribute.to_token_stream().to_string();
        text.contains("crypto-provider") || words(&attribute.to_token_stream()).any(|word| word == "test")
    })
}

/// The names that a `use` brings from one of the crates.
fn imported(tree: &UseTree) -> Vec<String> {
    fn leaves(module: &str, tree: &UseTree, names: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => leaves(&path.ident.to_string(), &path.tree, names),
            UseTree::Name(name) if name.ident == "self" => names.push(module.to_owned()),
            UseTree::Name(name) => names.push(name.ident.to_string()),
            UseTree::Rename(rename) => names.push(rename.rename.to_string()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(module, tree, names)),
            UseTree::Glob(_) => {}
        }
    }
    let mut names = Vec::new();
    match tree {
        UseTree::Path(path) if PRIVATE.contains(&path.ident.to_string().as_str()) => {
            leaves(&path.ident.to_string(), &path.tree, &mut names);
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| names.extend(imported(tree))),
        _ => {}
    }
    names
}

fn words(tokens: &TokenStream) -> Box<dyn Iterator<Item = String>> {
    Box::new(tokens.clone().into_iter().flat_map(|token| -> Box<dyn Iterator<Item = String>> {
        match token {
            TokenTree::Ident(ident) => Box::new(std::iter::once(ident.to_string())),
            TokenTree::Group(group) => words(&group.stream()),
            _ => Box::new(std::iter::empty()),
        }
    }))
}

mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::step;

    fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }

    #[test]
    fn published_crates_show_no_types_of_private_crates() {
        let crates = ["password-policy", "user-backend", "user-backend-tower"];
        let folders = crates.map(|name| step::root().join("crates").join(name).join("src"));
        let mut files = Vec::new();
        folders.iter().filter(|folder| folder.exists()).for_each(|folder| sources(folder, &mut files));
        assert!(files.len() > 100, "{}", files.len());
        for file in files {
            let found = leaks(&fs::read_to_string(&file).unwrap()).unwrap();
            assert!(found.is_empty(), "{}: {found:#?}", file.display());
        }
    }

    #[test]
    fn private_types_in_public_signatures_are_found() {
        for (text, is_found) in [
            ("use rustls::ClientConfig; pub fn f() -> Arc<ClientConfig> {}", true),
            ("use rustls::ClientConfig; fn f() -> Arc<ClientConfig> {}", false),
            ("use rustls::ClientConfig; pub(crate) fn f() -> Arc<ClientConfig> {}", false),
            ("pub fn f(value: &serde_json::Value) {}", true),
            ("use a::{b, c}; use tokio_rustls::client::TlsStream as T; pub struct S(pub T);", true),
            ("use tokio_rustls::client::TlsStream; pub struct S(TlsStream);", false),
            ("pub enum E { A { inner: sqlx::Error } }", true),
            ("pub struct E; impl From<sqlx::Error> for E { fn from(e: sqlx::Error) -> E { E } }", true),
            ("struct E; impl From<sqlx::Error> for E { fn from(e: sqlx::Error) -> E { E } }", false),
            ("pub struct S; impl S { pub fn f(&self, c: &rustls::ClientConfig) {} }", true),
            (
                "pub struct S; impl S { #[cfg(feature = \"crypto-provider\")] pub fn f(c: rustls::P) {} }",
                false,
            ),
            ("pub trait T { fn f(&self) -> rustls::Error; }", true),
            ("use rustls::pem::{self, A}; pub fn f(&self) -> pem::Error {}", true),
            ("use rustls::pem::{self, A}; pub struct S; impl S { pub fn f(&self) {} }", false),
            ("pub use rustls::ClientConfig;", true),
            ("pub mod m { pub type T = rustls::Error; }", true),
            ("#[cfg(test)] mod m { pub type T = rustls::Error; }", false),
        ] {
            assert_eq!(!leaks(text).unwrap().is_empty(), is_found, "{text}");
        }
    }
}

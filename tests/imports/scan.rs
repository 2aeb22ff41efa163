//! Reads Rust source as tokens and says which file names something of which other file.
//!
//! What belongs to tests alone (`#[cfg(test)]`) is left out, and so is a `mod` declaration: a folder's
//! `mod.rs` names its children without using them. A name that a module re-exports (`pub use`) counts
//! as one of the file that defines it. Paths inside of macros and attributes count like any other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// From one file to another, with the path that is written there.
pub(crate) type Edges = BTreeMap<(PathBuf, PathBuf), String>;

/// A module by its path from the crate on; empty: the crate itself.
type Place = Vec<String>;

#[derive(Default)]
struct Module {
    file: PathBuf,
    /// The modules below it.
    children: BTreeSet<String>,
    /// What it defines itself.
    items: BTreeSet<String>,
    /// What each name that it imports stands for.
    imports: BTreeMap<String, Vec<String>>,
    /// The modules that it imports all of.
    globs: Vec<Vec<String>>,
    /// Every path that is written in it.
    paths: Vec<Vec<String>>,
}

/// All modules of a crate.
#[derive(Default)]
pub(crate) struct Crate(BTreeMap<Place, Module>);

/// Resolving gives up here: two names that import each other lead nowhere.
const DEEPEST: usize = 16;

impl Crate {
    /// Reads the crate whose root file is `lib.rs` in `folder`.
    pub(crate) fn read(folder: &Path) -> Self {
        Self::of(&|path| fs::read_to_string(folder.join(path)).ok())
    }

    /// The same from whoever gives the text of a file.
    pub(crate) fn of(text: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut all = Self::default();
        all.file(Vec::new(), PathBuf::from("lib.rs"), text);
        all
    }

    fn file(&mut self, at: Place, file: PathBuf, text: &dyn Fn(&Path) -> Option<String>) {
        let source = text(&file).unwrap_or_else(|| panic!("{} is not there", file.display()));
        let tokens = source.parse::<TokenStream>();
        let tokens = tokens.unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.0.entry(at.clone()).or_default().file.clone_from(&file);
        for below in self.walk(&at, tokens) {
            let mut place = at.clone();
            place.extend(below);
            let folder: PathBuf = place.iter().collect();
            let (beside, within) = (folder.with_extension("rs"), folder.join("mod.rs"));
            let there = text(&beside).is_some();
            self.file(place, if there { beside } else { within }, text);
        }
    }

    /// Collects what the tokens of a module name. Returns the modules below it that have files of
    /// their own.
    fn walk(&mut self, at: &Place, tokens: TokenStream) -> Vec<Place> {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let (mut i, mut files) = (0, Vec::new());
        while i < tokens.len() {
            i = match word(tokens.get(i)).as_deref() {
                Some("mod") => self.module(at, &tokens, i, &mut files),
                Some("use") => self.import(at, &tokens, i),
                // Who may see it is not what it uses.
                Some("pub") if delimiter(tokens.get(i + 1)) == Some(Delimiter::Parenthesis) => {
                    i + 2
                }
                Some(_) => self.path(at, &tokens, i),
                None if for_tests(&tokens[i..]) => end_of_item(&tokens, i + 2),
                None => match &tokens[i] {
                    TokenTree::Group(group) => {
                        files.extend(self.walk(at, group.stream()));
                        i + 1
                    }
                    // A path that goes on after a type's arguments, or that begins at the root.
                    _ if colons(&tokens, i) => i + 3,
                    _ => i + 1,
                },
            };
        }
        files
    }

    fn module(
        &mut self,
        at: &Place,
        tokens: &[TokenTree],
        i: usize,
        files: &mut Vec<Place>,
    ) -> usize {
        let Some(name) = word(tokens.get(i + 1)) else {
            return i + 1;
        };
        let here = self.here(at);
        here.children.insert(name.clone());
        let file = here.file.clone();
        if let Some(TokenTree::Group(body)) = tokens.get(i + 2) {
            let mut place = at.clone();
            place.push(name.clone());
            self.here(&place).file = file;
            for mut below in self.walk(&place, body.stream()) {
                below.insert(0, name.clone());
                files.push(below);
            }
        } else {
            files.push(vec![name]);
        }
        i + 3
    }

    fn import(&mut self, at: &Place, tokens: &[TokenTree], i: usize) -> usize {
        let end = (i..tokens.len()).find(|at| is(tokens.get(*at), ';'));
        let end = end.unwrap_or(tokens.len());
        let mut found = Vec::new();
        tree(&tokens[i + 1..end], &[], &mut found);
        let here = self.here(at);
        for (path, name) in found {
            match name.as_str() {
                "*" => here.globs.push(path.clone()),
                _ => drop(here.imports.insert(name, path.clone())),
            }
            here.paths.push(path);
        }
        end + 1
    }

    /// A path, an item that is defined, or a word.
    fn path(&mut self, at: &Place, tokens: &[TokenTree], mut i: usize) -> usize {
        const DEFINE: [&str; 9] = [
            "struct",
            "enum",
            "trait",
            "fn",
            "const",
            "static",
            "type",
            "union",
            "macro_rules",
        ];
        let mut path: Vec<String> = word(tokens.get(i)).into_iter().collect();
        if DEFINE.contains(&path[0].as_str()) {
            let name = i + if is(tokens.get(i + 1), '!') { 2 } else { 1 };
            self.here(at).items.extend(word(tokens.get(name)));
            return i + 1;
        }
        i += 1;
        while colons(tokens, i)
            && let Some(next) = word(tokens.get(i + 2))
        {
            path.push(next);
            i += 3;
        }
        if path.len() > 1 {
            self.here(at).paths.push(path);
        }
        i
    }

    fn here(&mut self, at: &Place) -> &mut Module {
        self.0.entry(at.clone()).or_default()
    }

    /// The files of the crate, but for those of tests.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let files = self.0.values().map(|module| module.file.clone());
        files.filter(|file| file != Path::new("")).collect()
    }

    /// Which file names which.
    pub(crate) fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (at, module) in &self.0 {
            for path in &module.paths {
                if let Some(file) = self.resolve(at, path, 0)
                    && file != module.file
                {
                    let edge = (module.file.clone(), file.to_owned());
                    edges.entry(edge).or_insert_with(|| path.join("::"));
                }
            }
        }
        edges
    }

    /// The file that defines what a path of this module names; none: it is nothing of this crate.
    fn resolve(&self, at: &Place, path: &[String], depth: usize) -> Option<&Path> {
        if depth > DEEPEST {
            return None;
        }
        let module = self.0.get(at)?;
        let (first, rest) = path.split_first()?;
        let from = |place: &Place| self.descend(place, rest, depth + 1);
        match first.as_str() {
            "crate" => from(&Vec::new()),
            "self" => from(at),
            "super" => {
                let above: Place = at[..at.len().checked_sub(1)?].to_vec();
                match rest.first().map(String::as_str) {
                    Some("super") => self.resolve(&above, rest, depth + 1),
                    _ => from(&above),
                }
            }
            name if module.children.contains(name) => self.descend(at, path, depth + 1),
            name => {
                let target = module.imports.get(name)?;
                // An import of another crate's name that is its own first word.
                (target.first() != Some(first)).then_some(())?;
                let whole: Vec<_> = target.iter().chain(rest).cloned().collect();
                self.resolve(at, &whole, depth + 1)
            }
        }
    }

    /// From a module down a path to the file that defines its end.
    fn descend(&self, at: &Place, path: &[String], depth: usize) -> Option<&Path> {
        let module = self.0.get(at)?;
        let Some((first, rest)) = path.split_first() else {
            return Some(&module.file);
        };
        if module.children.contains(first) {
            let mut below = at.clone();
            below.push(first.clone());
            return self.descend(&below, rest, depth);
        }
        if !module.items.contains(first) {
            if let Some(target) = module.imports.get(first) {
                let whole: Vec<_> = target.iter().chain(rest).cloned().collect();
                return self.resolve(at, &whole, depth + 1);
            }
            for glob in &module.globs {
                let whole: Vec<_> = glob.iter().chain(path).cloned().collect();
                let target = self.resolve(at, glob, depth + 1);
                let found = self.resolve(at, &whole, depth + 1);
                if found.is_some() && (found != target || self.defines(target, first)) {
                    return found;
                }
            }
        }
        Some(&module.file)
    }

    fn defines(&self, file: Option<&Path>, name: &str) -> bool {
        let mut of_file = self.0.values().filter(|m| Some(m.file.as_path()) == file);
        of_file.any(|module| module.items.contains(name))
    }
}

/// The paths of a `use`, each with the name that it has from then on.
fn tree(tokens: &[TokenTree], before: &[String], found: &mut Vec<(Vec<String>, String)>) {
    for one in tokens.split(|token| is(Some(token), ',')) {
        let (mut path, mut name, mut renamed) = (before.to_vec(), None, false);
        for token in one {
            match token {
                TokenTree::Group(group) => {
                    let inner: Vec<_> = group.stream().into_iter().collect();
                    tree(&inner, &path, found);
                    name = None;
                    path.clear();
                }
                TokenTree::Ident(ident) if *ident == "as" => renamed = true,
                TokenTree::Ident(ident) if renamed => name = Some(ident.to_string()),
                // `{self, …}` is the module itself.
                TokenTree::Ident(ident) if *ident == "self" && !path.is_empty() => {
                    name = path.last().cloned();
                }
                TokenTree::Ident(ident) => {
                    name = Some(ident.to_string());
                    path.push(ident.to_string());
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => name = Some("*".into()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        if let Some(name) = name {
            found.push((path, name));
        }
    }
}

/// Whether an attribute begins here that leaves the next item to tests.
fn for_tests(tokens: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(group)) = tokens.get(1) else {
        return false;
    };
    is(tokens.first(), '#') && group.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// Behind the item that begins here, if it is left to tests.
pub(crate) fn after_test_item(tokens: &[TokenTree], i: usize) -> Option<usize> {
    for_tests(&tokens[i..]).then(|| end_of_item(tokens, i + 2))
}

/// Behind the item that begins here, whatever attributes it has.
fn end_of_item(tokens: &[TokenTree], mut i: usize) -> usize {
    while is(tokens.get(i), '#') {
        i += 2;
    }
    let to_semicolon = tokens[i..]
        .iter()
        .filter_map(|token| word(Some(token)))
        .find(|word| word != "pub")
        .is_some_and(|word| ["use", "const", "static", "type"].contains(&word.as_str()));
    while let Some(token) = tokens.get(i) {
        i += 1;
        let body = delimiter(Some(token)) == Some(Delimiter::Brace);
        if is(Some(token), ';') || (body && !to_semicolon) {
            break;
        }
    }
    i
}

fn word(token: Option<&TokenTree>) -> Option<String> {
    match token? {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    }
}

fn is(token: Option<&TokenTree>, punct: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == punct)
}

fn colons(tokens: &[TokenTree], i: usize) -> bool {
    is(tokens.get(i), ':') && is(tokens.get(i + 1), ':')
}

fn delimiter(token: Option<&TokenTree>) -> Option<Delimiter> {
    match token? {
        TokenTree::Group(group) => Some(group.delimiter()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(files: &[(&str, &str)]) -> Vec<String> {
        let files: BTreeMap<_, _> = files.iter().copied().collect();
        let text = |path: &Path| Some((*files.get(path.to_str()?)?).to_owned());
        let edges = Crate::of(&text).edges();
        let shown = edges.keys().map(|(from, to)| {
            let short = |path: &Path| path.with_extension("").display().to_string();
            format!("{} -> {}", short(from), short(to))
        });
        shown.collect()
    }

    #[test]
    fn every_way_to_name_something_counts() {
        for line in [
            "use crate::b::Thing;",
            "use super::b::{self, Thing};",
            "use {crate::{b::{Thing as Other}}};",
            "use crate::b; fn f() { b::thing() }",
            "use super::b::*;",
            "fn f() { crate::b::thing() }",
            "fn f() -> Vec<super::b::Thing> { vec![] }",
            "fn f() { println!(\"{}\", crate::b::thing()) }",
            "#[error(\"{}\", crate::b::thing())] struct E;",
            "mod inner { use super::super::b::Thing; }",
            "use crate::Thing;",
            "use crate::renamed::Thing;",
            "use super::all::Thing;",
        ] {
            let found = edges(&[
                (
                    "lib.rs",
                    "mod a; mod all; mod b; mod renamed; pub use b::Thing;",
                ),
                ("a.rs", line),
                ("all.rs", "pub use crate::b::*;"),
                ("b.rs", "pub struct Thing; pub fn thing() {}"),
                (
                    "renamed.rs",
                    "pub use super::b as other; pub use other::Thing;",
                ),
            ]);
            assert!(found.contains(&"a -> b".to_owned()), "{line}: {found:?}");
            let only = |edge: &&String| edge.starts_with("a -> ") && *edge != "a -> b";
            assert_eq!(found.iter().find(only), None, "{line}");
        }
    }

    #[test]
    fn what_is_not_a_use_of_another_file_does_not_count() {
        for line in [
            "// crate::b::thing()",
            "const TEXT: &str = \"crate::b::thing()\";",
            "#[cfg(test)] mod tests { use crate::b::Thing; }",
            "#[cfg(test)] mod tests;",
            "#[cfg(test)] #[expect(dead_code)] pub(crate) fn f() { crate::b::thing() }",
            "#[cfg(test)] use crate::b::{Thing}; fn f() {}",
            "pub(in crate::b) fn f() {}",
            "use std::b::Thing;",
            "use other::b::{self}; fn f() { b::thing() }",
        ] {
            let found = edges(&[
                ("lib.rs", "mod a; mod b;"),
                ("a.rs", line),
                ("b.rs", "pub struct Thing; pub fn thing() {}"),
            ]);
            assert_eq!(found, Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn a_folders_own_file_is_used_for_what_it_defines_itself() {
        let files = |child| {
            edges(&[
                ("lib.rs", "mod folder;"),
                (
                    "folder/mod.rs",
                    "mod child; mod other; pub use other::Given; pub struct Own;",
                ),
                ("folder/child.rs", child),
                ("folder/other.rs", "pub struct Given;"),
            ])
        };
        let own = files("use super::Own;");
        assert!(
            own.contains(&"folder/child -> folder/mod".to_owned()),
            "{own:?}"
        );
        let given = files("use super::Given;");
        assert!(
            given.contains(&"folder/child -> folder/other".to_owned()),
            "{given:?}"
        );
        assert!(
            !given.contains(&"folder/child -> folder/mod".to_owned()),
            "{given:?}"
        );
    }
}

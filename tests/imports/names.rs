//! Which file names a service. A service is named in its room and in the list of rooms; what is written for
//! all services knows them by what they say of themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use ai_gateway::services;
use proc_macro2::{TokenStream, TokenTree};

use super::scan::{Crate, after_test_item};

/// The folders and files that may name a service, each with the reason.
const MAY_NAME: &[(&str, &str)] = &[
    ("services", "the rooms"),
    (
        "cli/stack",
        "the verbs that are about what single services do: a room is below the command line and has no verbs",
    ),
    (
        "probe",
        "a probe speaks a protocol, and one protocol has the name of a service",
    ),
    (
        "runtime/executor/effects.rs",
        "hands each kind of probe to who asks it, that one included",
    ),
];

/// Programs and libraries that only one service has.
const PARTS: [&str; 2] = ["prisma", "psql"];

/// All words by which a service is named, in the form of [`plain`].
fn forbidden() -> BTreeSet<String> {
    let names = services::ALL.iter().map(|service| service.built_in.name);
    let words = names.chain(services::titles()).chain(PARTS);
    words.map(plain).collect()
}

/// A word as it is whichever way it is written: `open-webui`, `Open WebUI` and `OPEN_WEBUI` are one.
fn plain(word: &str) -> String {
    let letters = word.chars().filter(|c| !['-', '_', ' '].contains(c));
    letters.collect::<String>().to_lowercase()
}

/// The names and texts in these tokens that name a service, comments that document something included, but for
/// those of tests.
fn named(tokens: TokenStream, forbidden: &BTreeSet<String>) -> Vec<String> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let (mut at, mut found) = (0, Vec::new());
    while at < tokens.len() {
        if let Some(behind) = after_test_item(&tokens, at) {
            at = behind;
            continue;
        }
        match &tokens[at] {
            TokenTree::Group(group) => found.extend(named(group.stream(), forbidden)),
            TokenTree::Punct(_) => {}
            token @ (TokenTree::Ident(_) | TokenTree::Literal(_)) => {
                let written = token.to_string();
                let word = plain(&written);
                if forbidden.iter().any(|name| word.contains(name)) {
                    found.push(written);
                }
            }
        }
        at += 1;
    }
    found
}

fn of_file(source: &str) -> Vec<String> {
    let tokens = source.parse::<TokenStream>().expect("it is Rust");
    named(tokens, &forbidden())
}

/// Each file that names a service, with what it names.
fn naming() -> BTreeMap<PathBuf, Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = Crate::read(&folder).files();
    let found = files.into_iter().map(|file| {
        let source = std::fs::read_to_string(folder.join(&file)).expect("it was read before");
        let words = of_file(&source);
        (file, words)
    });
    found.filter(|(_, words)| !words.is_empty()).collect()
}

#[test]
fn what_is_written_for_all_services_names_none() {
    let naming = naming();
    let text: String = naming
        .iter()
        .filter(|(file, _)| !MAY_NAME.iter().any(|(may, _)| file.starts_with(may)))
        .map(|(file, words)| format!("\n  src/{}: {}", file.display(), words.join(", ")))
        .collect();
    assert!(
        text.is_empty(),
        "these files name a service; what they say of it belongs into its room (ARCHITECTURE.md, \
         \"One room per service\"):{text}"
    );
    for (may, why) in MAY_NAME {
        let needed = naming.keys().any(|file| file.starts_with(may));
        assert!(needed, "src/{may} names no service any more ({why})");
    }
}

#[test]
fn a_name_is_found_in_whichever_way_it_is_written() {
    for line in [
        "const PORT: u16 = nginx::PORT;",
        "fn ask_litellm() {}",
        "struct OpenWebUi;",
        "const TEXT: &str = \"the port of Open WebUI\";",
        "fn f() { println!(\"{OPEN_WEBUI}\") }",
        "use crate::services::postgres;",
        "const LINE: &[u8] = b\"psql\";",
        "#[error(\"PostgreSQL is down\")] struct Down;",
        "/// As nginx has it.\nfn f() {}",
        "//! About LiteLLM.",
    ] {
        assert_eq!(of_file(line).len(), 1, "{line}");
    }
    for line in [
        "// As nginx has it.\nfn f() {}",
        "#[cfg(test)] mod tests { const NAME: &str = \"nginx\"; }",
        "#[cfg(test)] #[expect(dead_code)] fn nginx() {}\nfn other() {}",
        "const TEXT: &str = \"the front\";",
    ] {
        assert_eq!(of_file(line), Vec::<String>::new(), "{line}");
    }
}

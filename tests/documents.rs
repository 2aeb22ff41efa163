//! What the documents tell people to type exists.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, path::Path, process::Command};

/// Every document for people, by its path from the top.
fn documents() -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in [top.to_owned(), top.join("docs")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(top).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The lines of the shell blocks.
fn commands(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && !line.is_empty() => lines.push(line),
            _ => {}
        }
    }
    lines
}

/// Whether the program takes these words, but for what they would do.
fn is_understood(words: &[&str]) -> Result<(), String> {
    let verb = *words.first().ok_or("there is no verb")?;
    let help = |verbs: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ai-gateway"))
            .args(verbs)
            .arg("--help")
            .env_clear()
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(text)
    };
    let mut help_of_verb = help(&[verb]).ok_or(format!("there is no verb {verb}"))?;
    if help_of_verb.contains("<COMMAND>") {
        let second = words.get(1).copied().unwrap_or_default();
        help_of_verb = help(&[verb, second]).ok_or(format!("there is no verb {verb} {second}"))?;
    }
    let flags = words.iter().filter(|word| word.starts_with('-'));
    for flag in flags {
        let flag = flag.split('=').next().unwrap_or(flag);
        let known = help_of_verb
            .split([' ', ',', '\n'])
            .any(|word| word == flag);
        if !known {
            return Err(format!("{verb} has no {flag}"));
        }
    }
    Ok(())
}

#[test]
fn every_command_of_ours_in_a_document_exists() {
    let mut count = 0;
    for (name, text) in documents() {
        for line in commands(&text) {
            let words: Vec<_> = line.split_whitespace().collect();
            // A user or a unit of our name is no command of ours.
            let is_ours = |at: &usize| {
                words[*at] == "ai-gateway" && (*at == 0 || matches!(words[at - 1], "sudo" | "--"))
            };
            let Some(at) = (0..words.len()).find(is_ours) else {
                continue;
            };
            count += 1;
            if let Err(why) = is_understood(&words[at + 1..]) {
                panic!("{name}: `{line}`: {why}");
            }
        }
    }
    assert!(count > 10, "only {count} commands were found");
}

#[test]
fn every_file_that_a_document_links_to_is_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, text) in documents() {
        let folder = top.join(&name).parent().unwrap().to_owned();
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            assert!(folder.join(file).exists(), "{name} links to {target}");
        }
    }
}

/// The blocks of configuration in a text.
fn examples(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text.split("```toml\n").skip(1);
    blocks.filter_map(|block| block.split("```").next())
}

#[test]
fn the_configurations_in_the_documents_are_valid() {
    let mut count = 0;
    for (name, text) in documents() {
        for toml in examples(&text) {
            let home = tempfile::tempdir().unwrap();
            fs::write(home.path().join("gateway.toml"), toml).unwrap();
            let output = Command::new(env!("CARGO_BIN_EXE_ai-gateway"))
                .args(["config", "show", "--json"])
                .env_clear()
                .env("AI_GATEWAY_HOME", home.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{name}: {toml}{output:?}");
            count += 1;
        }
    }
    assert!(count > 3, "only {count} configurations were found");
}

//! What people read says things in the words that everybody uses for them.

use std::{fs, path::Path};

/// Each of these was taken for something else by somebody who read it, and what to say instead.
const FORBIDDEN: [(&str, &str); 17] = [
    ("answers always the same", "always gives the same answer"),
    ("mend", "fix"),
    ("mends", "fixes"),
    ("mended", "fixed"),
    ("one holds", "one is in effect"),
    ("that holds and", "that is in effect and"),
    ("what holds and", "what is in effect and"),
    ("value holds", "value is in effect"),
    ("limit holds", "limit is in effect"),
    ("configuration is right", "configuration is valid"),
    ("value is right", "value is valid"),
    ("restarts that nobody asked for", "unplanned restarts"),
    ("any that nobody asked for", "any unplanned one"),
    ("in the way", "blocking problem"),
    ("it has to be there", "required"),
    ("is somebody else's port", "is used by another program"),
    ("came to where it is", "explains the current state"),
];

/// Files and folders that people read, of this project's root.
const READ: [&str; 11] = [
    "ARCHITECTURE.md",
    "INSTALL.md",
    "README.md",
    "SECURITY.md",
    "docs",
    "gateway.example.toml",
    "packaging/ai-gateway.catalog",
    "src/control/io.aigateway.Control.varlink",
    "tests/cli/help.rs",
    "src/logs/messages.rs",
    "units",
];

/// Only words, in small letters and with one space around each, wherever lines end.
fn words(text: &str) -> String {
    let mut words = String::from(" ");
    for word in text
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
    {
        words += &word.to_lowercase();
        words.push(' ');
    }
    words
}

fn look_at(path: &Path, found: &mut Vec<String>) -> usize {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        return entries
            .map(|entry| look_at(&entry.unwrap().path(), found))
            .sum();
    }
    let Ok(text) = fs::read_to_string(path) else {
        return 0; // a picture
    };
    let words = words(&text);
    for (phrase, instead) in FORBIDDEN {
        if words.contains(&format!(" {phrase} ")) {
            found.push(format!(
                "{}: '{phrase}'; better '{instead}'",
                path.display()
            ));
        }
    }
    1
}

#[test]
fn what_people_read_has_the_usual_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for path in READ {
        assert!(look_at(&root.join(path), &mut found) > 0, "{path}");
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_phrase_is_found_over_the_end_of_a_line_and_not_within_a_word() {
    assert_eq!(words("It has\n  to BE there."), " it has to be there ");
    assert!(!words("I recommend amended rules").contains(" mend "));
}

//! Words of the commands that people are told to type, as a shell takes them. Pure.

/// A word, in quotes where it needs them.
pub(crate) fn quote(word: &str) -> String {
    if is_plain(word) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Whether a shell takes a word as it is.
pub(crate) fn is_plain(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%=".contains(c);
    !word.is_empty() && word.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_takes_each_word_as_it_was() {
        for (word, typed) in [
            ("/srv/a-b_c.d", "/srv/a-b_c.d"),
            ("KEY=a@b:1%", "KEY=a@b:1%"),
            ("", "''"),
            ("it's here", r"'it'\''s here'"),
            ("$HOME `id` \\ *", "'$HOME `id` \\ *'"),
            ("a\nb", "'a\nb'"),
        ] {
            assert_eq!(quote(word), typed);
            let script = format!("printf %s {typed}");
            let shell = Command::new("/bin/sh").args(["-c", &script]).output();
            assert_eq!(shell.unwrap().stdout, word.as_bytes(), "{typed}");
        }
    }
}

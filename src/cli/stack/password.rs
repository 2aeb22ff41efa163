//! A password that a person chooses: typed without echo, from standard input, or made up.

use std::io::{self, BufRead as _};

use crate::cli::{
    context::tell,
    failure::{CommandExit, Failure},
    prompt::{hidden_line, unreadable, without_end},
};
use crate::{secrets::Secret, services::open_webui};

/// bcrypt, with which Open WebUI hashes passwords, ignores everything after this many bytes.
const MOST_BYTES: usize = 72;

/// The first line of standard input.
///
/// # Errors
/// There is none, or it cannot be a password.
pub(in crate::cli) fn from_standard_input() -> Result<Secret, Failure> {
    let text = line()?.ok_or_else(|| no_password("standard input is empty"))?;
    checked(text).map_err(no_password)
}

/// Makes a random password.
///
/// # Errors
/// The operating system has no random numbers.
pub(in crate::cli) fn generated() -> Result<Secret, Failure> {
    Secret::generate(open_webui::ADMIN_PASSWORD).map_err(|e| Failure::of(CommandExit::Failed, &e))
}

/// Asks for a password twice, without echo. `None` if only Enter was typed.
///
/// # Errors
/// The input ended.
pub(in crate::cli) fn asked(question: &str) -> Result<Option<Secret>, Failure> {
    loop {
        let Some(first) = typed(question)? else {
            return Ok(None);
        };
        let second = typed("Again: ")?;
        if second.is_some_and(|second| second == first) {
            return Ok(Some(first));
        }
        tell("The two are not the same.\n");
    }
}

fn typed(question: &str) -> Result<Option<Secret>, Failure> {
    loop {
        let text = hidden_line(question)?
            .ok_or_else(|| Failure::new(CommandExit::Failed, "nothing was done"))?;
        if text.is_empty() {
            return Ok(None);
        }
        match checked(text) {
            Ok(password) => return Ok(Some(password)),
            Err(wrong) => tell(format!("That cannot be a password: {wrong}.\n")),
        }
    }
}

fn no_password(why: impl Into<String>) -> Failure {
    Failure::new(CommandExit::Usage, "there is no password that can be used").cause(why)
}

fn checked(text: String) -> Result<Secret, String> {
    if text.is_empty() {
        Err("it is empty".to_owned())
    } else if text.len() > MOST_BYTES {
        Err(format!("it has more than {MOST_BYTES} bytes"))
    } else if text.contains(char::is_control) {
        Err("it has characters that cannot be typed in a browser".to_owned())
    } else {
        Ok(Secret::chosen(text))
    }
}

/// One line without its end. `None` if the input has ended.
fn line() -> Result<Option<String>, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().read_line(&mut text);
    let read = read.map_err(|e| unreadable(&e))?;
    Ok((read > 0).then(|| without_end(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_open_webui_would_cut_off_or_a_browser_cannot_type_is_no_password() {
        let wrong = |text: &str| checked(text.to_owned()).err();
        assert_eq!(wrong("a long pass phrase"), None);
        assert_eq!(wrong(&"x".repeat(72)), None);
        assert_eq!(wrong("").as_deref(), Some("it is empty"));
        // Bytes, not letters.
        let long = wrong(&"ä".repeat(37));
        assert_eq!(long.as_deref(), Some("it has more than 72 bytes"));
        assert!(wrong("a\u{1b}[A").is_some());
    }
}

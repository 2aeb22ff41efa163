//! The owner of the first account.

use super::{Raw, Value, ValueKind, Wrong, is_plain};

impl ValueKind {
    /// Checks the address by which a person signs in: something before and after one `@`, with a dot after it
    /// or the word `localhost`. The result is in lower case, because accounts are looked up in this way.
    pub(super) fn email(self, raw: &Raw) -> Result<Value, Wrong> {
        let text = self.text(raw)?;
        if is_email(text) {
            Ok(Value::Text(text.to_lowercase()))
        } else {
            Err(self.unreadable(raw))
        }
    }

    pub(super) fn person_name(self, raw: &Raw) -> Result<Value, Wrong> {
        let text = self.text(raw)?.trim();
        if (1..=100).contains(&text.chars().count()) && !text.contains(char::is_control) {
            Ok(Value::Text(text.to_owned()))
        } else {
            Err(self.unreadable(raw))
        }
    }
}

/// Whether a text can be the address by which a person signs in.
pub fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let dotted = host
        .split_once('.')
        .is_some_and(|(first, rest)| !first.is_empty() && !rest.is_empty());
    is_plain(text)
        && text.len() <= 254
        && !name.is_empty()
        && !host.contains('@')
        && (dotted || host == "localhost")
}

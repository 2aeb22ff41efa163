//! The name of a service.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The longest name of a service, in bytes: it becomes a cgroup's and a file's name.
pub const NAME_MAX: usize = 32;

/// The name of a service: a lower-case letter, then lower-case letters, digits and dashes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(Arc<str>);

/// A text that cannot name a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} cannot name a service: expected a lower-case letter, then lower-case letters, \
     digits or dashes, at most {NAME_MAX} in all"
)]
pub struct InvalidName {
    /// The text as it was given.
    pub name: String,
}

impl ServiceName {
    /// Checks `name` against the grammar above.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
        let continues_well = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if starts_well && continues_well && name.len() <= NAME_MAX {
            Ok(Self(name.into()))
        } else {
            Err(InvalidName {
                name: name.to_owned(),
            })
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ServiceName {
    type Error = InvalidName;
    fn try_from(name: String) -> Result<Self, InvalidName> {
        Self::new(&name)
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl Borrow<str> for ServiceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for good in ["a", "open-webui", "litellm2"] {
            assert_eq!(ServiceName::new(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(NAME_MAX + 1);
        for bad in ["", "-a", "2a", "A", "a_b", "a/b", "é", &long] {
            assert_eq!(ServiceName::new(bad).unwrap_err().name, bad);
        }
    }
}

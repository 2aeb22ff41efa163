//! Generations: which set of payloads is in use, which was before it, and which state of the database
//! belongs to each.
//!
//! A generation is a set of payload folders together with the state that the database had when set-up
//! last ended with them. One is *current*, and the one that it has replaced is *previous*. Payload
//! folders of older generations stay on the disk. The values here are pure;
//! [`super::super::generations`] keeps them in the record of set-up, and replacing that file is the
//! one switch from a generation to the next.
//!
//! The database itself is one and has no copy. A previous generation says which state it had, so that
//! whoever wants to go back knows what a backup has to bring.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::database::DatabaseState;

/// The folder of one version of a payload: the payload's name, and the folder's.
pub type PayloadFolder = (String, String);

/// What is or was in use together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generation {
    /// The folder of each payload, by the payload's name.
    pub payloads: BTreeMap<String, String>,
    /// The state of the database when set-up last ended with these payloads.
    pub database: DatabaseState,
}

/// Those that are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generations {
    /// The one in use; none before the first set-up has come to its end.
    pub current: Option<Generation>,
    /// The one that it has replaced.
    pub previous: Option<Generation>,
}

impl Generations {
    /// Those of a set-up that kept no generations: what its links point at is in use, and what was
    /// before is not known.
    pub fn of_links(links: &BTreeMap<String, String>, database: &DatabaseState) -> Self {
        let current = (!links.is_empty()).then(|| Generation {
            payloads: links.clone(),
            database: database.clone(),
        });
        Self {
            current,
            previous: None,
        }
    }

    /// Returns the current folder of a payload.
    pub fn folder(&self, payload: &str) -> Option<&str> {
        let payloads = &self.current.as_ref()?.payloads;
        payloads.get(payload).map(String::as_str)
    }

    /// Returns the payloads as they are once these are in use. One that the settings do not want now stays as it is,
    /// because it may be wanted again tomorrow.
    pub fn payloads_with<'a>(
        &self,
        wanted: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> BTreeMap<String, String> {
        let current = self.current.iter();
        let mut payloads: BTreeMap<_, _> = current.flat_map(|c| c.payloads.clone()).collect();
        let wanted = wanted.into_iter();
        payloads.extend(wanted.map(|(name, folder)| (name.to_owned(), folder.to_owned())));
        payloads
    }

    /// Those after a switch to these payloads. With the payloads that are current already nothing
    /// is replaced, so that a switch may be done again.
    #[must_use]
    pub fn switched(&self, payloads: &BTreeMap<String, String>, database: &DatabaseState) -> Self {
        let next = Generation {
            payloads: payloads.clone(),
            database: database.clone(),
        };
        let same = self
            .current
            .as_ref()
            .is_some_and(|c| c.payloads == next.payloads);
        Self {
            previous: if same {
                self.previous.clone()
            } else {
                self.current.clone()
            },
            current: Some(next),
        }
    }

    /// The same, with the state of the database as it is now. A set-up that switches to nothing may
    /// have changed passwords or made a new cluster.
    #[must_use]
    pub fn with_database(mut self, database: &DatabaseState) -> Self {
        if let Some(current) = &mut self.current {
            database.clone_into(&mut current.database);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payloads(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        let own = of.iter().map(|(n, f)| ((*n).to_owned(), (*f).to_owned()));
        own.collect()
    }

    fn after(switches: &[&[(&str, &str)]]) -> Generations {
        let none = Generations::default();
        switches.iter().fold(none, |generations, of| {
            generations.switched(&payloads(of), &DatabaseState::default())
        })
    }

    #[test]
    fn the_one_that_is_replaced_is_the_previous_one() {
        let three = after(&[&[("a", "1")], &[("a", "2")], &[("a", "3"), ("b", "1")]]);
        assert_eq!(three.folder("a"), Some("3"));
        assert_eq!(three.folder("b"), Some("1"));
        assert_eq!(three.previous.unwrap().payloads, payloads(&[("a", "2")]));
    }

    #[test]
    fn a_switch_that_is_done_again_forgets_nothing() {
        let twice = after(&[&[("a", "1")], &[("a", "2")], &[("a", "2")]]);
        assert_eq!(twice.previous.unwrap().payloads["a"], "1");
    }

    #[test]
    fn the_database_may_change_below_the_same_payloads() {
        let database = DatabaseState {
            cluster: Some(7),
            ..DatabaseState::default()
        };
        let before = after(&[&[("a", "1")], &[("a", "2")]]);
        for now in [
            before.switched(&payloads(&[("a", "2")]), &database),
            before.clone().with_database(&database),
        ] {
            assert_eq!(now.current.unwrap().database, database);
            assert_eq!(now.previous, before.previous);
        }
        let none = Generations::default().with_database(&database);
        assert_eq!(none, Generations::default());
    }

    #[test]
    fn what_is_not_wanted_now_stays_as_it_is() {
        let of_both = after(&[&[("a", "1"), ("b", "1")]]);
        let wanted = of_both.payloads_with([("a", "2")]);
        assert_eq!(wanted, payloads(&[("a", "2"), ("b", "1")]));
    }

    #[test]
    fn links_without_a_record_are_one_generation() {
        let links = payloads(&[("a", "1")]);
        let taken_over = Generations::of_links(&links, &DatabaseState::default());
        assert_eq!(taken_over.folder("a"), Some("1"));
        assert_eq!(taken_over.previous, None);
        let none = Generations::of_links(&BTreeMap::new(), &DatabaseState::default());
        assert_eq!(none, Generations::default());
    }
}

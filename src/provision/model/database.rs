//! What set-up has done to the database.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::provision::fingerprints::Fingerprints;

/// What was done to the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseState {
    /// The cluster that all below was done to, by its system identifier.
    pub cluster: Option<u64>,
    /// The major version of the server that made it.
    pub major: Option<u32>,
    /// The hash of the roles' names and passwords.
    pub roles: Option<String>,
    /// The secrets that it was set up with.
    pub secrets: Option<Fingerprints>,
    /// The payload folder whose migrations each service's tables have, by the tables' name.
    pub migrations: BTreeMap<String, String>,
}

impl DatabaseState {
    /// The same state if it is about `cluster`, otherwise the state of a new one.
    #[must_use]
    pub fn about(self, cluster: Option<u64>) -> Self {
        if self.cluster == cluster {
            return self;
        }
        Self {
            cluster,
            ..Self::default()
        }
    }
}

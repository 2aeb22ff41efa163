//! Which function brings which tables up to date, and what it needs for that.

use super::{
    litellm,
    open_webui::{self, Alone},
    server::Server,
};
use crate::provision::{
    catalog::{LITELLM_TABLES, OPEN_WEBUI_TABLES},
    error::SetupError,
    execution::Execution,
    model::Tables,
};

/// Brings tables up to date.
#[derive(Clone, Copy)]
pub(in crate::provision) enum Migrate {
    /// Over a connection to set-up's own server.
    WithServer(fn(&mut Execution<'_>, &Server) -> Result<(), SetupError>),
    /// By a program that starts a server itself, and that outlives set-up.
    ByItself(fn(&mut Execution<'_>, &Alone) -> Result<(), SetupError>),
}

const ALL: [(Tables, Migrate); 2] = [
    (LITELLM_TABLES, Migrate::WithServer(litellm::migrate)),
    (OPEN_WEBUI_TABLES, Migrate::ByItself(open_webui::migrate)),
];

impl Migrate {
    /// That of these tables.
    pub(in crate::provision) fn of(tables: &Tables) -> Self {
        let mut all = ALL.iter();
        let found = all.find(|(of, _)| of.name == tables.name);
        found.expect("a test finds the function of all tables").1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::catalog::TABLES;

    #[test]
    fn all_tables_have_their_function() {
        assert_eq!(ALL.map(|(tables, _)| tables), TABLES);
    }
}

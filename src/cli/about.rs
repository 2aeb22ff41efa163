//! What the help says about verbs that concern all services: put together from the services.

use super::text::list;
use crate::services;

/// What the whole program is, in the long help.
pub(super) fn program() -> String {
    format!(
        "Run a self-hosted AI gateway without containers\n\n\
         {} as native processes under one supervisor.",
        list(&services::titles())
    )
}

/// What `setup` does.
pub(super) fn set_up() -> String {
    format!(
        "Install {}, make the database and the keys",
        list(&services::installed_titles())
    )
}

/// What `setup` does, in the long help.
pub(super) fn set_up_in_full() -> String {
    format!(
        "{}\n\n\
         Downloads what is missing, each package checked against its hash, into the gateway's own \
         folder. It may be cut off anywhere and run again; with nothing left to do it is done at \
         once.\n\n\
         On a terminal it proposes a profile, a budget and a port first, shows its plan, and asks \
         whether to go on.",
        set_up()
    )
}

/// What `version` prints.
pub(super) fn version() -> String {
    let installed = services::installed_titles();
    let all: Vec<_> = ["this program"].into_iter().chain(installed).collect();
    format!("Print the versions of {}", list(&all))
}

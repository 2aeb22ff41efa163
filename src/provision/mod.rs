//! Set-up: what `ai-gateway setup` does so that a start downloads, generates and migrates nothing.
//!
//! Each file uses only what is above it in this list, so that there is no circle:
//!
//! 1. [`model`]: what there can be, as plain data (payloads, generations, the record, steps, plans,
//!    problems); `tools` is the one payload that is no service's.
//! 2. What is on the disk: `record` (`setup.json`), `payload_folder` and `contents` (a payload),
//!    `generations` (which payloads are current, and which were before).
//! 3. [`facts`] looks at the machine and changes nothing.
//! 4. `plan` decides, from facts and what is wanted, and is pure.
//! 5. `execution` holds what the steps share (the runner of programs, the progress), and [`steps`] do
//!    one thing each.
//! 6. [`Catalog`] is the list of payloads, tables and roles with the functions for them. Whoever knows the
//!    services makes it, and what installs and migrates a single service is in its room.
//! 7. `execute` does the steps of a plan in their order.
//! 8. `setup` and `bundle` put these together; `installed` and `versions` say what set-up has left,
//!    and `new_secrets` makes what a newer program needs beside it.
//!
//! A payload is made beside its place and counts only when it is whole, a step of the database is a
//! transaction, and the switch to a new generation is the replacement of one file. So set-up can be
//! cut off anywhere and run again.

pub mod answer;
pub(crate) mod brought_python;
mod bundle;
pub(crate) mod catalog;
pub(crate) mod command;
pub(crate) mod contents;
pub mod environment;
pub mod error;
mod execute;
pub(crate) mod execution;
pub mod facts;
pub mod fingerprints;
#[cfg(test)]
mod fixtures;
pub(crate) mod folders;
mod generations;
pub(crate) mod hash;
mod installation;
mod installed;
pub(crate) mod interrupt;
pub mod model;
pub(crate) mod names;
mod new_secrets;
mod options;
mod orphans;
pub(crate) mod payload_folder;
mod plan;
pub mod progress;
mod record;
mod requirements;
pub(crate) mod roles;
mod scratch;
mod session;
mod setup;
pub(crate) mod site_packages;
mod sources;
pub(crate) mod steps;
pub(crate) mod tools;
mod versions;

pub use bundle::bundle;
pub use catalog::Catalog;
pub use environment::Environment;
pub use error::{NotSetUp, SetupError};
pub use fingerprints::{SecretsChanged, SecretsLost};
pub use installation::Installation;
pub use installed::{check_secrets, installed, is_set_up};
pub use model::Plan;
pub use new_secrets::{MissingSecrets, make_new_secrets};
pub use options::SetUpOptions;
pub use plan::plan;
pub use progress::Progress;
pub use setup::{setup, survey};
pub use versions::versions;

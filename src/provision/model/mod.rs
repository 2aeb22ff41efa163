//! What there can be in a set-up, as plain data: payloads, generations, records, steps and problems.
//!
//! Nothing here looks at the machine or changes it, and nothing here knows a service: which payloads,
//! programs and databases there are comes from [`super::Catalog`]. Every other file of provision may use it, and it
//! uses none but [`super::fingerprints`].

mod cluster;
mod damage;
mod database;
mod facts;
mod generation;
mod payload;
mod plan;
mod problem;
mod programs;
mod record;
mod size;
mod step;

pub use cluster::{Cluster, Role, UnreadableCluster};
pub use damage::Damage;
pub use database::DatabaseState;
pub use facts::Survey;
pub use generation::{Generation, Generations, PayloadFolder};
pub use payload::{EmbeddedFile, Packages, Payload, Tables, Wanted, version};
pub use plan::{Choice, ChosenPython, Plan};
pub use problem::Problem;
pub use programs::{
    Candidates, FoundProgram, Node, Program, ProgramFinder, ProgramPlace, Python, Runtimes,
};
pub use record::SetUpRecord;
pub use size::MB;
pub use step::{SetupStep, Switch};

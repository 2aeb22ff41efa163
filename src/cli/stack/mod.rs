//! The verbs that are about what single services do (accounts, keys, spending, a question), not about how they
//! run. What else in the command line names one is the questions of `setup`.

pub(super) mod admin;
pub(super) mod after_start;
pub(super) mod ask;
pub(super) mod budget;
pub(super) mod first_account;
pub(super) mod key;
mod password;
pub(super) mod spend;

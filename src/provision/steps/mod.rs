//! What each step of a plan does. The plan has decided; here it is done.
//!
//! Each file is one thing, and none of them knows the plan that it is a part of. What installs and migrates a single
//! service is in its room, and uses these.

pub(crate) mod brought_python;
pub(crate) mod migrate;
pub(crate) mod python;
pub(crate) mod server;
pub(crate) mod tools;

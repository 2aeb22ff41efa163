//! What `doctor` looks at for LiteLLM: the programs that it and Open WebUI run on.

mod node;
mod python;

use crate::doctor::Check;

pub(super) const ALL: &[Check] = &[python::CHECK, node::CHECK];

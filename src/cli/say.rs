//! What is printed of the daemon's answer to an order.

use super::{context::print, failure::Failure};
use crate::control::types::Reply;

/// Prints the lines of the daemon's answer, or `otherwise` if it has none.
pub(super) fn say(reply: &Reply, otherwise: &str) -> Result<(), Failure> {
    match reply {
        Reply::Done(lines) if !lines.is_empty() => print(lines.join("\n") + "\n"),
        Reply::Done(_) | Reply::Status(_) | Reply::Why(_) | Reply::Blame(_) | Reply::Preview(_) => {
            print(format!("{otherwise}\n"))
        }
    }
}

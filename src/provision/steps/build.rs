//! Which function installs which payload.

use std::path::Path;

use super::{engine, litellm, open_webui, tools};
use crate::provision::{
    catalog::{ENGINE, LITELLM, NATIVE_ENGINE, OPEN_WEBUI, TOOLS},
    error::SetupError,
    execution::Execution,
    model::Payload,
};

/// Makes the folder of a payload, from its beginning to its marker.
type Build = fn(&mut Execution<'_>, &Path) -> Result<(), SetupError>;

const ALL: [(Payload, Build); 5] = [
    (TOOLS, tools::build),
    (ENGINE, engine::build),
    (NATIVE_ENGINE, engine::build_native),
    (LITELLM, litellm::build),
    (OPEN_WEBUI, open_webui::build),
];

/// Makes the folder of this payload.
pub(in crate::provision) fn build(
    execution: &mut Execution<'_>,
    payload: Payload,
    folder: &Path,
) -> Result<(), SetupError> {
    let mut all = ALL.iter();
    let (_, build) = all
        .find(|(of, _)| *of == payload)
        .expect("a test finds the function of every payload");
    build(execution, folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::catalog::PAYLOADS;

    #[test]
    fn every_payload_has_its_function() {
        assert_eq!(ALL.map(|(payload, _)| payload), PAYLOADS);
    }
}

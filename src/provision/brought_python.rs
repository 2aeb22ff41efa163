//! The Python that set-up brings as a payload, for a machine that has none of a version that fits.
//!
//! It is a build of CPython that needs nothing of the machine but its C library. The version and the build are said
//! here, and uv, which is locked, has the hash of each build in itself.

use super::{
    model::{MB, Packages, Payload, Runtimes},
    names,
};

/// Its version.
pub(crate) const VERSION: &str = "3.12.16";
/// The release of python-build-standalone that it was built for, as uv names it.
pub(crate) const BUILD: &str = "20261110";

/// The folder of a bundle that has the archive, laid out as uv's mirrors are.
pub(crate) const IN_BUNDLE: &str = "python";

/// The Python itself. The folder has uv's own folder in it, and a link `bin` to the programs there.
pub(crate) const PYTHON: Payload = Payload {
    name: "python",
    title: "Python",
    what: "Python",
    versioned: true,
    bytes: 130 * MB,
    needed: "bin/python3",
    // It is one archive, whose hash uv compares.
    packages: Packages::None,
    runs_in_set_up: false,
};

/// The payload with the name of its folder, or `None` where the settings name a Python: then there is no other one.
pub(crate) fn for_runtimes(runtimes: &Runtimes) -> Option<(Payload, String)> {
    let folder = || names::of_parts(VERSION, &[VERSION, BUILD]);
    runtimes.python.is_none().then(|| (PYTHON, folder()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::model::Python;

    #[test]
    fn the_one_that_is_brought_is_one_that_fits() {
        let numbers: Vec<u32> = VERSION.split('.').map(|n| n.parse().unwrap()).collect();
        let python = Python {
            path: "/python3".into(),
            version: (numbers[0], numbers[1], numbers[2]),
            ensurepip: true,
        };
        assert!(python.fits());
    }
}

//! The Python of this program is in the folder `python`, and is embedded into the program where it is used: a
//! service's modules, and the scripts for its set-up and its commands, in its room; the scripts that are for no
//! single service here.
//!
//! A service's modules are written flat into its folder of rendered files, where they import each other by their
//! plain names. `python/tests` tests them on the locked packages. A test of the list of services holds that each
//! file of the folder is embedded once.

/// One module: the name of its file, and all of it.
pub(crate) type Module = (&'static str, &'static str);

/// The contents of a file of a folder of `python`.
macro_rules! contents {
    ($folder:literal, $name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/python/",
            $folder,
            "/",
            $name
        ))
    };
}

/// Modules of a folder of `python`, each with its name.
macro_rules! modules {
    ($folder:literal: $($name:literal)+) => {
        &[$(($name, $crate::python::contents!($folder, $name))),+]
    };
}

pub(crate) use {contents, modules};

/// Fetches a file.
pub(crate) const DOWNLOAD: &str = contents!("commands", "download.py");
/// Prints what an interpreter is, for any version of Python 3.
pub(crate) const INTERPRETER: &str = contents!("commands", "interpreter.py");

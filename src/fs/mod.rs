//! Files as a gateway has to treat them: opened without waiting, and replaced as a whole or not at all.
//!
//! - [`regular`] opens what people, set-up and services write, and nothing but regular files.
//! - [`draft`] writes a new file beside the one that it replaces.
//! - [`entry`] removes a name only while it stands for the file that was looked at.
//!
//! For everybody; it knows nobody.

pub mod draft;
pub mod entry;
pub mod regular;

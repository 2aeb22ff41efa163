//! The command line as people use it: the program itself, with nothing of the environment of
//! whoever runs the tests, against a daemon that serves what a test wants over the real socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bench;
mod blame;
mod config;
mod control;
mod daemon;
mod doctor;
mod exposed;
mod found;
mod help;
mod interrupted;
mod logs;
mod own_secrets;
mod pipes;
mod questions;
mod secrets;
mod set_up;
mod setup;
mod skipped;
mod start;
mod status;
mod stopped;
mod terminal;
mod umask;
mod unit;
mod why;
mod words;

//! The prefix that shows on a terminal which service a line is from.

use anstyle::{AnsiColor, Style};

/// Colours that are easy to tell apart on dark and on light backgrounds.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Yellow,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// The width of the column of names. A longer name makes its line's prefix longer.
const WIDTH: usize = 10;

/// The name of a service in its colour, with a bar after it. If there is no terminal, the colour is removed
/// by whoever prints it.
pub fn prefix(name: &str) -> String {
    let sum: usize = name.bytes().map(usize::from).sum();
    let style = Style::new().fg_color(Some(COLOURS[sum % COLOURS.len()].into()));
    format!("{style}{name:<WIDTH$} |{style:#} ")
}

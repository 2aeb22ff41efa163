//! The prefix that tells on a terminal who speaks.

use anstyle::{AnsiColor, Style};

/// Told apart well on dark and on light.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Yellow,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// Names up to this long stand in one column.
const WIDTH: usize = 10;

/// The name of a service in its colour, with a bar after it. Whoever prints it takes the colour
/// out where there is no terminal.
pub fn prefix(name: &str) -> String {
    let sum: usize = name.bytes().map(usize::from).sum();
    let style = Style::new().fg_color(Some(COLOURS[sum % COLOURS.len()].into()));
    format!("{style}{name:<WIDTH$} |{style:#} ")
}

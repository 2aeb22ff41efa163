//! The daemon's own log.

use std::{
    fmt,
    io::{self, Write},
    sync::Mutex,
};

use tracing::field::Field;
use tracing_subscriber::{
    filter::LevelFilter,
    fmt::{
        MakeWriter,
        format::{self, Writer},
    },
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{DAEMON, LogFile, Output, prefix};

/// Sends the daemon's own events to where the lines of its services go. This is done once in a process.
///
/// # Errors
/// The journal does not listen, or the file cannot be opened.
pub fn init(output: &Output) -> io::Result<()> {
    let registry = tracing_subscriber::registry().with(LevelFilter::INFO);
    match output {
        Output::Journal(_) => registry
            .with(
                tracing_journald::layer()?
                    .with_syslog_identifier(DAEMON.to_owned())
                    .with_field_prefix(None),
            )
            .init(),
        Output::Files { folder, terminal } => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .without_time()
                    .with_target(false)
                    .with_ansi(false)
                    .fmt_fields(format::debug_fn(field))
                    .with_writer(Lines {
                        file: Mutex::new(LogFile::open(folder, DAEMON)?),
                        terminal: *terminal,
                    }),
            )
            .init(),
    }
    Ok(())
}

/// What people read is in the message; the fields that only a journal can use are left out.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        "message_id" | "ai_gateway_service" => Ok(()),
        name => write!(writer, " {name}={value:?}"),
    }
}

/// Makes a writer for each event.
struct Lines {
    // Events come from wherever tracing is called; the file is written by one at a time.
    file: Mutex<LogFile>,
    terminal: bool,
}

/// Takes one event and writes it when it is whole.
struct Line<'a> {
    lines: &'a Lines,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;
    fn make_writer(&'a self) -> Line<'a> {
        Line {
            lines: self,
            text: Vec::new(),
        }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let text = self.text.trim_ascii();
        if let Ok(mut file) = self.lines.file.lock() {
            file.lines(&[text, b"\n"].concat());
        }
        if self.lines.terminal {
            let text = String::from_utf8_lossy(text);
            let _gone = writeln!(anstream::stdout(), "{}{text}", prefix(DAEMON));
        }
    }
}

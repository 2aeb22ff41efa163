//! The journal, read through `journalctl`, which knows where the journal is and who may read it.

use std::{
    io::{BufRead as _, BufReader},
    os::fd::AsFd as _,
    process::{Child, Stdio},
    time::{Duration, SystemTime},
};

use serde_json::Value;

use super::{
    args::Args,
    entry::{Entry, Printer},
};
use crate::cli::{
    failure::{CommandExit, Failure},
    systemd::{Manager, UNIT},
    wait::readable_and_read,
};

/// Prints what journalctl finds.
///
/// # Errors
/// It cannot be run, or says that something is wrong.
pub(super) fn show(args: &Args, manager: Manager, printer: &Printer) -> Result<(), Failure> {
    let failed = |e: std::io::Error| {
        Failure::new(CommandExit::Failed, "cannot run journalctl").cause(e.to_string())
    };
    let mut child = manager
        .command("journalctl")
        .args(arguments(args))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let lines = child.stdout.take().map(BufReader::new);
    let mut reader = Journalctl(child);
    if let Some(mut lines) = lines {
        loop {
            if lines.buffer().is_empty() && !readable_and_read(lines.get_ref().as_fd())? {
                return Err(Failure::BrokenPipe);
            }
            let mut line = Vec::new();
            if lines.read_until(b'\n', &mut line).map_err(failed)? == 0 {
                break;
            }
            if let Some(entry) = entry(line.trim_ascii_end()) {
                printer.print(&[entry])?;
            }
        }
    }
    let status = reader.0.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(
        CommandExit::Failed,
        "journalctl could not show the journal",
    ))
}

/// Runs journalctl. With `--follow` it does not end by itself.
#[derive(Debug)]
struct Journalctl(Child);

impl Drop for Journalctl {
    fn drop(&mut self) {
        // If it has ended already, both calls say so.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn arguments(args: &Args) -> Vec<String> {
    let mut arguments: Vec<String> = ["--unit", UNIT, "--output=json", "--no-pager", "--quiet"]
        .map(str::to_owned)
        .into();
    arguments.push(format!("--lines={}", args.lines));
    if let Some(service) = &args.service {
        arguments.push(format!("--identifier={service}"));
    }
    if args.follow {
        arguments.push("--follow".into());
    }
    arguments
}

/// A line of `--output=json` (systemd, JOURNAL_EXPORT_FORMATS.md). A message that is not text is a
/// list of bytes.
fn entry(line: &[u8]) -> Option<Entry> {
    let fields: Value = serde_json::from_slice(line).ok()?;
    let micros: u64 = fields["__REALTIME_TIMESTAMP"].as_str()?.parse().ok()?;
    let time = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
    let message = match &fields["MESSAGE"] {
        Value::String(text) => text.clone(),
        Value::Array(bytes) => {
            let bytes = bytes
                .iter()
                .filter_map(|byte| byte.as_u64()?.try_into().ok());
            String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
        }
        _ => return None,
    };
    let service = fields["SYSLOG_IDENTIFIER"].as_str().unwrap_or("systemd");
    Some(Entry {
        time: humantime::format_rfc3339_micros(time).to_string(),
        service: service.to_owned(),
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_journal_is_a_line_like_ours() {
        let line = br#"{"__REALTIME_TIMESTAMP":"1795486353123456","SYSLOG_IDENTIFIER":"litellm","MESSAGE":"up"}"#;
        let wanted = Entry {
            time: "2026-11-24T02:12:33.123456Z".into(),
            service: "litellm".into(),
            message: "up".into(),
        };
        assert_eq!(entry(line), Some(wanted));
    }

    #[test]
    fn a_message_that_is_no_text_comes_as_bytes() {
        let line = br#"{"__REALTIME_TIMESTAMP":"0","MESSAGE":[104,105,255]}"#;
        assert_eq!(entry(line).unwrap().message, "hi\u{fffd}");
        assert_eq!(entry(b"-- No entries --"), None);
    }
}

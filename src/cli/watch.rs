//! `ai-gateway status --watch`: the table, drawn again at each change and each second.

use std::{
    io::{self, Write as _},
    os::fd::AsFd as _,
    time::Duration,
};

use nix::sys::signal::Signal;

use super::{
    context::{Context, Screen, now, print, variable},
    failure::{CommandExit, Failure},
    table::{self, Sample},
    text::Line,
    wait::{Signals, readable_and_read, wait_for},
};
use crate::control::{
    client::{Client, ClientError},
    types::GatewayStatus,
};

/// How often memory and CPU are measured again.
const REFRESH_MS: u16 = 1000;

/// A share of the CPU over a shorter time says little.
const SAMPLE_MIN: Duration = Duration::from_millis(900);

pub(super) fn run(client: Client, context: &Context, json: bool) -> Result<(), Failure> {
    let dumb = variable("TERM").is_none_or(|terminal| terminal.is_empty() || terminal == "dumb");
    if json || dumb || !Screen::find().terminal {
        return follow(client, json);
    }
    print(draw(client, context)?)
}

/// Without a terminal each change is printed once.
fn follow(mut client: Client, json: bool) -> Result<(), Failure> {
    client.watch()?;
    loop {
        if !client.has_answer() && !readable_and_read(client.as_fd())? {
            return Err(Failure::BrokenPipe);
        }
        let Some(status) = client.next_status()? else {
            return Ok(());
        };
        if json {
            let line =
                serde_json::to_string(&status).map_err(|e| Failure::of(CommandExit::Failed, &e))?;
            print(line + "\n")?;
        } else {
            let lines = table::lines(&status, Screen::find(), now(), None);
            print(rendered(&lines, usize::MAX, "\n") + "\n")?;
        }
    }
}

/// The alternate screen, without a cursor. Dropping this restores the old screen.
struct Stage;

impl Stage {
    fn enter() -> Result<Self, Failure> {
        let stage = Self;
        draw_text("\x1b[?1049h\x1b[?25l")?;
        Ok(stage)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to restore.
        let _gone = draw_text("\x1b[?25h\x1b[?1049l");
    }
}

/// Draws until Ctrl-C or the end of the daemon, and returns what is to be printed then.
fn draw(mut changes: Client, context: &Context) -> Result<&'static str, Failure> {
    let mut figures = context.connect()?;
    changes.watch()?;
    let mut signals = Signals::take(&[
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGWINCH,
    ])?;
    let _stage = Stage::enter()?;
    let mut samples = Samples::default();
    loop {
        let readable = wait_for(&[changes.as_fd(), signals.fd()], samples.patience())?;
        while let Some(signal) = signals.next() {
            if signal != Signal::SIGWINCH {
                return Err(Failure::AlreadyReported(CommandExit::by(signal)));
            }
        }
        if readable[0] && !drain(&mut changes)? {
            return Ok("ai-gateway has stopped\n");
        }
        // The figures change without any change of state, so they are asked for each time.
        let status = match figures.status() {
            Ok(status) => status,
            Err(ClientError::Gone) => return Ok("ai-gateway has stopped\n"),
            Err(other) => return Err(other.into()),
        };
        samples.show(&status)?;
    }
}

/// Takes the status messages that have arrived. Returns false if no more will come.
fn drain(changes: &mut Client) -> Result<bool, ClientError> {
    loop {
        if changes.next_status()?.is_none() {
            return Ok(false);
        }
        if !changes.has_answer() {
            return Ok(true);
        }
    }
}

/// Two samples of the CPU time. The share between them is shown until the next one.
#[derive(Default)]
struct Samples {
    earlier: Option<Sample>,
    newest: Option<Sample>,
}

impl Samples {
    /// The first picture is drawn at once.
    fn patience(&self) -> Option<u16> {
        Some(if self.newest.is_some() { REFRESH_MS } else { 0 })
    }

    fn show(&mut self, status: &GatewayStatus) -> Result<(), Failure> {
        let (now, screen) = (now(), Screen::find());
        let old = self.newest.as_ref().is_none_or(|newest| {
            now.duration_since(newest.at)
                .is_ok_and(|passed| passed >= SAMPLE_MIN)
        });
        if old {
            self.earlier = self.newest.replace(Sample::of(status, now));
        }
        // Before there are two samples, the total time would look like a share.
        let earlier = self.earlier.as_ref().or(self.newest.as_ref());
        let mut lines = table::lines(status, screen, now, earlier);
        lines.truncate(screen.height.saturating_sub(1));
        let picture = rendered_for_screen(&lines, screen.width);
        draw_text(&format!("\x1b[H{picture}\x1b[J"))
    }
}

/// The lines for a screen, with colours if those are wanted.
fn rendered_for_screen(lines: &[Line], width: usize) -> String {
    let coloured = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    let line = |line: &Line| {
        let line = line.render(width);
        let line = if coloured {
            line
        } else {
            anstream::adapter::strip_str(&line).to_string()
        };
        line + "\x1b[K\r\n"
    };
    lines.iter().map(line).collect()
}

/// Writes to the terminal, including sequences that move the cursor. Those are not colours, so they are not
/// filtered if colours are not wanted.
fn draw_text(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

fn rendered(lines: &[Line], width: usize, end: &str) -> String {
    lines.iter().map(|line| line.render(width) + end).collect()
}

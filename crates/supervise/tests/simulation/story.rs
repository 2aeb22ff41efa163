//! The story of a run: each step with its effects and the states after it, up to the promise that was
//! broken. It is text for people; a replay needs only its first line.
//!
//! A run follows from its seed, so a replay simulates it again. If the replay differs from what was written
//! down, the code has changed since, and the replay says at which step.

use std::{
    any::Any,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use supervise::{effect::Effect, event::Time, machine::Machine};

const APART: &str = "-- the code is another one: from here on it goes another way than was written down, which was:";

/// The kind of world of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Everything goes wrong, but the supervisor does not die.
    Chaos,
    /// The supervisor dies as well.
    Mortal,
    /// Days of services that leak.
    Leaks,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Chaos, Self::Mortal, Self::Leaks];

    /// The variable with the seed of a run of this kind.
    pub(crate) const fn seed(self) -> &'static str {
        match self {
            Self::Chaos => "SIMULATION_SEED",
            Self::Mortal => "MORTAL_SEED",
            Self::Leaks => "LEAKS_SEED",
        }
    }
}

/// A story that is being written.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) kind: Kind,
    pub(crate) seed: u64,
    text: String,
    steps: usize,
    replay: Option<Replay>,
}

#[derive(Debug)]
struct Replay {
    written: String,
    /// The first step that differs from what was written down.
    apart: Option<usize>,
    /// Whether each step is printed, and the step after which everything that the machine knows is printed.
    aloud: Option<Aloud>,
}

/// What a replay prints besides each step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aloud {
    /// The step after which everything that the machine knows is printed.
    pub(crate) shows: Option<usize>,
}

impl Story {
    pub(crate) fn new(kind: Kind, seed: u64) -> Self {
        Self {
            kind,
            seed,
            text: format!("{}={seed}\n", kind.seed()),
            steps: 0,
            replay: None,
        }
    }

    /// The story in this file, to be repeated and written again. `aloud` says what is printed on the way.
    pub(crate) fn again(path: &Path, aloud: Option<Aloud>) -> Result<Self, String> {
        let written = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let first = written.lines().next().unwrap_or_default();
        let run = Kind::ALL.into_iter().find_map(|kind| {
            let seed = first.strip_prefix(kind.seed())?.strip_prefix('=')?;
            Some((kind, seed.parse().ok()?))
        });
        let (kind, seed) = run.ok_or_else(|| {
            let path = path.display();
            format!("{path}: expected a line such as SIMULATION_SEED=7, found {first:?}")
        })?;
        let replay = Replay {
            written,
            apart: None,
            aloud,
        };
        Ok(Self {
            replay: Some(replay),
            ..Self::new(kind, seed)
        })
    }

    /// Begins a step, with what happens. It is written before the machine handles it, because that may
    /// panic.
    pub(crate) fn begin(&mut self, now: Time, what: &str) {
        self.steps += 1;
        let line = format!("{} at {:.3} s: {what}\n", self.steps, now.0.as_secs_f64());
        self.add(&line);
    }

    /// Adds what the step has caused.
    pub(crate) fn came(&mut self, effects: &[Effect], machine: &Machine) {
        let mut lines = String::new();
        for effect in effects {
            let effect = serde_json::to_string(effect).expect("it is plain data");
            writeln!(lines, "    -> {effect}").expect("a String takes all");
        }
        let states = machine.states();
        let states: Vec<_> = states.map(|(name, s)| format!("{name} {s}")).collect();
        writeln!(lines, "    {}", states.join(", ")).expect("a String takes all");
        self.add(&lines);
        let aloud = self.replay.as_ref().and_then(|replay| replay.aloud);
        if aloud.and_then(|aloud| aloud.shows) == Some(self.steps) {
            say(&format!("{machine:#?}\n"));
        }
    }

    /// Ends the story with the promise that was broken.
    pub(crate) fn broken(&mut self, cause: &(dyn Any + Send)) {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("without words");
        self.add(&format!("broken: {text}\n"));
    }

    fn add(&mut self, part: &str) {
        let from = self.text.len();
        self.text.push_str(part);
        let Some(replay) = &mut self.replay else {
            return;
        };
        let was = replay.written.get(from..).unwrap_or_default();
        if replay.apart.is_none() && !was.starts_with(part) {
            replay.apart = Some(self.steps);
            let lines: Vec<_> = was.lines().take(part.lines().count()).collect();
            if replay.aloud.is_some() {
                say(&format!("{APART}\n{}\n-- and is:\n", lines.join("\n")));
            }
        }
        if replay.aloud.is_some() {
            say(part);
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The first step at which a replay differs.
    pub(crate) fn apart(&self) -> Option<usize> {
        self.replay.as_ref()?.apart
    }

    /// Writes the story to a file of its own, and returns where.
    pub(crate) fn write(&self) -> io::Result<PathBuf> {
        let kind = self.kind.seed().to_lowercase().replace('_', "-");
        let name = format!("{kind}-{}.story", self.seed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, &self.text)?;
        Ok(path)
    }
}

/// Prints past what captures the output of tests, because a replay is there to be read.
pub(crate) fn say(text: &str) {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).expect("somebody reads");
}

//! The story of a run: each step with the effects that came of it and the states after it, up to the promise
//! that was broken. It is text for people, and its first line is what a replay goes by.
//!
//! A run follows from its seed, so a replay lives through it again. Where it goes another way than was
//! written down, the code is another one by now, and the replay says at which step.

use std::{
    any::Any,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use supervise::{effect::Effect, event::Time, machine::Machine};

const APART: &str = "-- the code is another one: from here on it goes another way than was written down, which was:";

/// What kind of world a run is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Everything goes wrong but the supervisor.
    Chaos,
    /// The supervisor dies as well.
    Mortal,
    /// Days of services that leak.
    Leaks,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Chaos, Self::Mortal, Self::Leaks];

    /// The variable that has the seed of a run.
    pub(crate) const fn seed(self) -> &'static str {
        match self {
            Self::Chaos => "SIMULATION_SEED",
            Self::Mortal => "MORTAL_SEED",
            Self::Leaks => "LEAKS_SEED",
        }
    }
}

/// A story, as far as it has come.
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
    /// The first step that is not as it was written down.
    apart: Option<usize>,
    /// Each step is printed, and all that the machine knows after this one.
    aloud: Option<Aloud>,
}

/// What a replay prints besides each step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aloud {
    /// All that the machine knows is shown after this step.
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

    /// The story in this file, to be lived through and told once more. `aloud`: it is printed as it goes.
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

    /// A step begins: what happens. It is told before anything comes of it, which may be a panic.
    pub(crate) fn begin(&mut self, now: Time, what: &str) {
        self.steps += 1;
        let line = format!("{} at {:.3} s: {what}\n", self.steps, now.0.as_secs_f64());
        self.add(&line);
    }

    /// What has come of the step.
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

    /// The promise that was broken.
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

    /// The first step at which a replay went another way.
    pub(crate) fn apart(&self) -> Option<usize> {
        self.replay.as_ref()?.apart
    }

    /// Writes it to a file of its own; where.
    pub(crate) fn write(&self) -> io::Result<PathBuf> {
        let kind = self.kind.seed().to_lowercase().replace('_', "-");
        let name = format!("{kind}-{}.story", self.seed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, &self.text)?;
        Ok(path)
    }
}

/// Past whatever captures the output of tests: a replay is there to be read.
pub(crate) fn say(text: &str) {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).expect("somebody reads");
}

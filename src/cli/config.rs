//! `ai-gateway config`: what the configuration says and whether it is valid.

use serde_json::{Map, Value, json};

use super::{
    context::{Context, print, tell},
    failure::{CommandExit, Failure},
    owner::Owner,
    preview, settings,
    status::pretty,
    text::{self, BOLD, DIM, Line},
    trust,
};
use crate::{
    config::{Loaded, example, ports, report::Report},
    control::{client::ClientError, types::Preview},
    plan, services,
};

/// Check, show, change or explain the configuration
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Find everything that is wrong with it, ports that are taken included
    ///
    /// Exits with 78 if something is.
    Check {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        /// Say what a reload would do to each service, and each changed key alone
        #[arg(long)]
        diff: bool,
    },
    /// Show every value that is in effect, and where it comes from
    Show {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Set one key in gateway.toml, if the result is valid
    ///
    /// All else in the file stays as it is, and a daemon that runs takes it up.
    Set {
        /// The key with its table, such as listen.admin_port
        key: String,
        /// Its value
        #[arg(allow_negative_numbers = true)]
        value: String,
    },
    /// Print a gateway.toml with every key that there is, explained
    Example,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    match &args.verb {
        Verb::Check { json, diff } => check(context, *json, *diff),
        Verb::Show { json } => show(&settings::read(context, &[])?, *json),
        Verb::Set { key, value } => settings::set(context, key, value),
        Verb::Example => print(example::example(services::schema())),
    }
}

fn check(context: &Context, json: bool, diff: bool) -> Result<(), Failure> {
    let read = trust::check(context).and_then(|()| settings::read(context, &[]));
    let mut told = Vec::new();
    let checked = read.and_then(|loaded| {
        let reader = Owner::find(context).reader();
        let own = plan::environment::own_secrets(&context.paths);
        told = plan::environment::add(&mut loaded.settings.clone(), reader, &own)?;
        let taken = taken_ports(context, &loaded);
        if taken.is_empty() {
            Ok(loaded)
        } else {
            Err(taken.into())
        }
    });
    let exposed = checked.as_ref().ok();
    let exposed = exposed.and_then(|loaded| settings::exposed(context, loaded));
    let exposed = exposed.map(|found| settings::warning(&found));
    let told = told.iter().map(|text| format!("warning: {text}\n"));
    let told: Vec<_> = told.chain(exposed).collect();
    let running = context.connect().and_then(|mut client| client.status());
    let differs = running.map_or_else(|_| Vec::new(), |status| status.configuration.differs);
    let diff = (diff && checked.is_ok()).then(|| compared(context));
    if json {
        return check_as_json(checked, &told, &differs, diff);
    }
    let loaded = checked?;
    settings::warn(&loaded);
    told.into_iter().for_each(tell);
    let path = &context.paths.config;
    print(if path.exists() {
        format!("{} is valid.\n", path.display())
    } else {
        format!(
            "There is no {}: the defaults are in effect.\n",
            path.display()
        )
    })?;
    match diff {
        Some(Ok(Some(diff))) => return preview::show(&diff, false),
        Some(Err(failure)) => return Err(failure),
        Some(Ok(None)) | None => {}
    }
    if !differs.is_empty() {
        print(format!(
            "What runs differs from it: {}; 'ai-gateway reload' applies it.\n",
            text::list(&differs.iter().map(String::as_str).collect::<Vec<_>>())
        ))?;
    }
    Ok(())
}

/// The same for scripts. `diff` is what a reload would change, if that was asked for.
fn check_as_json(
    checked: Result<Loaded, Failure>,
    told: &[String],
    differs: &[String],
    diff: Option<Result<Option<Preview>, Failure>>,
) -> Result<(), Failure> {
    let (ok, report) = match &checked {
        Ok(loaded) => {
            let warnings = [loaded.warnings.render(false), told.concat()];
            (true, warnings.join("\n").trim().to_owned())
        }
        Err(failure) => (false, plain(&failure.text())),
    };
    let mut answer = json!({ "ok": ok, "report": report, "differs": differs });
    match diff {
        Some(Ok(diff)) => answer["preview"] = json!(diff),
        Some(Err(failure)) => answer["preview_refused"] = json!(plain(&failure.text())),
        None => {}
    }
    print(pretty(&answer)?)?;
    checked.map(drop).map_err(|failure| match failure {
        Failure::BrokenPipe => failure,
        _ => Failure::AlreadyReported(CommandExit::Configuration),
    })
}

/// What a reload would change. `None` if no gateway runs.
fn compared(context: &Context) -> Result<Option<Preview>, Failure> {
    match context.connect() {
        Ok(_) => preview::ask(context).map(Some),
        Err(ClientError::NotRunning { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// If our own daemon has the ports, they are not taken by others.
fn taken_ports(context: &Context, loaded: &Loaded) -> Report {
    if context.connect().is_ok() {
        return Report::default();
    }
    ports::report(loaded, &ports::in_use(loaded))
}

fn plain(text: &str) -> String {
    let text = anstream::adapter::strip_str(text).to_string();
    text.trim_end().to_owned()
}

fn show(loaded: &Loaded, json: bool) -> Result<(), Failure> {
    if json {
        let rows = loaded.rows.iter().map(|row| {
            let value = loaded.values.json(&row.key);
            let entry = json!({ "value": value, "origin": row.origin.to_string() });
            (row.key.clone(), entry)
        });
        return print(pretty(&rows.collect::<Map<String, Value>>())?);
    }
    settings::warn(loaded);
    let values: Vec<&str> = loaded
        .rows
        .iter()
        .map(|row| row.value.as_deref().unwrap_or(row.unset))
        .collect();
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0);
    let keys = widest(&mut loaded.rows.iter().map(|row| row.key.len()));
    // One long path must not push the other columns off the screen.
    let width = widest(
        &mut values
            .iter()
            .map(|value| value.chars().count())
            .filter(|w| *w <= 32),
    );
    let lines = loaded.rows.iter().zip(values).map(|(row, value)| {
        let style = if row.value.is_some() { BOLD } else { DIM };
        Line::new()
            .plain(format!("{:<keys$}  ", row.key))
            .and(style, format!("{value:<width$}"))
            .and(DIM, format!("  {}", row.origin))
            .render(usize::MAX)
            + "\n"
    });
    print(lines.collect::<String>())
}

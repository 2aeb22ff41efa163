//! What a reload would change: for `reload --dry-run` and `config check --diff`.

use supervise::spec::ServiceName;

use super::{
    context::{Context, print},
    failure::{CommandExit, Failure},
    status::pretty,
    text::{BOLD, DIM, Line},
};
use crate::control::types::{Call, KeyPreview, Preview, ReloadStep, Reply, ServicePreview};

/// Asks the daemon, which knows what runs. Nothing changes.
pub(super) fn ask(context: &Context) -> Result<Preview, Failure> {
    match context.connect()?.ask(&Call::Preview)? {
        Reply::Preview(preview) => Ok(*preview),
        Reply::Done(_) | Reply::Status(_) | Reply::Why(_) | Reply::Blame(_) => Err(Failure::new(
            CommandExit::Failed,
            "the daemon answered something else",
        )),
    }
}

/// Prints the preview, for people or as one JSON object.
pub(super) fn show(preview: &Preview, json: bool) -> Result<(), Failure> {
    if json {
        return print(pretty(preview)?);
    }
    let lines = lines(preview);
    print(
        lines
            .iter()
            .map(|line| line.render(usize::MAX) + "\n")
            .collect::<String>(),
    )
}

/// A line for each service, and one for each key. This is pure.
fn lines(preview: &Preview) -> Vec<Line> {
    if preview.services.is_empty() && preview.keys.is_empty() {
        return vec![Line::new().plain("A reload would change nothing.")];
    }
    let mut lines: Vec<_> = preview.services.iter().map(service).collect();
    if lines.is_empty() {
        lines.push(Line::new().plain("A reload would touch no service."));
    }
    if preview.keys.is_empty() {
        return lines;
    }
    let width = preview
        .keys
        .iter()
        .map(|key| key.key.len())
        .max()
        .unwrap_or(0);
    lines.push(Line::new());
    lines.extend(preview.keys.iter().map(|found| key(found, width)));
    lines
}

fn service(preview: &ServicePreview) -> Line {
    let line = Line::new().and(BOLD, preview.service.as_str());
    let line = line.plain(format!(" {}", sentence(preview.step)));
    let line = if preview.fields.is_empty() {
        line
    } else {
        line.and(DIM, format!(" ({})", preview.fields.join(", ")))
    };
    match &preview.over_limit {
        Some(why) => line.plain(format!(": {why}")),
        None => line,
    }
}

const fn sentence(step: ReloadStep) -> &'static str {
    match step {
        ReloadStep::Start => "is new and starts",
        ReloadStep::Live => "goes on with what is new",
        ReloadStep::Reload => "goes on and reads its files again",
        ReloadStep::Restart => "restarts",
        ReloadStep::NextStart => "does not run, and has it at its next start",
        ReloadStep::Stop => "is gone and stops",
    }
}

const fn word(step: ReloadStep) -> &'static str {
    match step {
        ReloadStep::Start => "starts",
        ReloadStep::Live => "goes on",
        ReloadStep::Reload => "reads its files again",
        ReloadStep::Restart => "restarts",
        ReloadStep::NextStart => "next start",
        ReloadStep::Stop => "stops",
    }
}

fn key(preview: &KeyPreview, width: usize) -> Line {
    let of = |(name, step): (&ServiceName, &ReloadStep)| match preview.over_limit.get(name) {
        Some(why) => format!("{name} {} because {why}", word(*step)),
        None => format!("{name} {}", word(*step)),
    };
    let services: Vec<_> = preview.services.iter().map(of).collect();
    let what = if services.is_empty() {
        "alone it touches no service".to_owned()
    } else {
        services.join(", ")
    };
    Line::new()
        .plain(format!("{:<width$}  ", preview.key))
        .and(DIM, what)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn name(name: &str) -> ServiceName {
        ServiceName::new(name).unwrap()
    }

    fn text(preview: &Preview) -> String {
        let lines = lines(preview);
        let text: String = lines
            .iter()
            .map(|line| line.render(usize::MAX) + "\n")
            .collect();
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(
            text(&Preview::default()),
            "A reload would change nothing.\n"
        );
    }

    #[test]
    fn each_service_and_each_key_has_a_line() {
        let service = |of, step, fields: &[&str]| ServicePreview {
            service: name(of),
            step,
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            over_limit: None,
        };
        let key = |key: &str, services: &[(&str, ReloadStep)]| KeyPreview {
            key: key.to_owned(),
            services: services
                .iter()
                .map(|(of, step)| (name(of), *step))
                .collect(),
            over_limit: BTreeMap::new(),
        };
        let preview = Preview {
            services: vec![
                service("litellm", ReloadStep::Restart, &["command", "limits"]),
                service("mine", ReloadStep::Start, &[]),
                service("nginx", ReloadStep::Reload, &["files"]),
            ],
            keys: vec![
                key(
                    "limits.litellm.memory_max",
                    &[("litellm", ReloadStep::Live)],
                ),
                key("listen.port", &[]),
                key("service.mine", &[("mine", ReloadStep::Start)]),
            ],
        };
        insta::assert_snapshot!(text(&preview), @"
        litellm restarts (command, limits)
        mine is new and starts
        nginx goes on and reads its files again (files)

        limits.litellm.memory_max  litellm goes on
        listen.port                alone it touches no service
        service.mine               mine starts
        ");
        let untouched = Preview {
            services: Vec::new(),
            keys: vec![KeyPreview {
                key: "open_webui.admin_name".to_owned(),
                services: BTreeMap::new(),
                over_limit: BTreeMap::new(),
            }],
        };
        assert!(text(&untouched).starts_with("A reload would touch no service.\n\n"));
    }

    /// The same key with a limit that leaves room is one that the service notices nothing of.
    #[test]
    fn a_limit_that_takes_a_restart_says_why_for_its_service_and_its_key() {
        let why = "it holds 812 MB, and its new limit is 500 MB".to_owned();
        let limit = |step, why: Option<&String>| KeyPreview {
            key: "limits.litellm.memory_max".to_owned(),
            services: [(name("litellm"), step)].into(),
            over_limit: why
                .map(|why| (name("litellm"), why.clone()))
                .into_iter()
                .collect(),
        };
        let preview = Preview {
            services: vec![ServicePreview {
                service: name("litellm"),
                step: ReloadStep::Restart,
                fields: vec!["limits".to_owned()],
                over_limit: Some(why.clone()),
            }],
            keys: vec![
                limit(ReloadStep::Restart, Some(&why)),
                limit(ReloadStep::Live, None),
            ],
        };
        insta::assert_snapshot!(text(&preview), @"
        litellm restarts (limits): it holds 812 MB, and its new limit is 500 MB

        limits.litellm.memory_max  litellm restarts because it holds 812 MB, and its new limit is 500 MB
        limits.litellm.memory_max  litellm goes on
        ");
    }
}

//! How much of the budget was spent, and when the next period begins. This asks the database itself, which
//! knows it even while LiteLLM is down, and waits only for a limited time.

use std::{
    io::{Read as _, Write as _},
    os::fd::AsFd as _,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use serde::Serialize;
use supervise::effect::StateName;

use crate::cli::{context::Context, text, wait::wait_for};
use crate::{
    config::settings::Settings,
    control::types::GatewayStatus,
    secrets::SecretStore,
    services::{
        self, litellm,
        postgres::{
            self,
            psql::{Session, Timeouts},
        },
    },
};

/// A status does not wait longer than this for the answer.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What psql is given. First LiteLLM's own sum for the whole gateway, and what it holds it against, with
/// times in UTC. Then models that have answered within 30 days and cost nothing: LiteLLM counts a model
/// without a price as free, so no budget stops it; until another one has used the budget up, which then
/// stops all of them. The demo model is meant to be free.
///
/// Our sums are by the name by which a model is requested. LiteLLM's are by the provider's name, under one
/// of the model's names. LiteLLM's count for models that ours do not have: from before our sums existed, or
/// if there is no journal.
const QUESTIONS: &str = r#"
SELECT spend, max_budget, to_char(budget_reset_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM "LiteLLM_UserTable" WHERE user_id = 'litellm-proxy-budget';
SELECT to_regclass('ai_gateway.model_spend') IS NOT NULL AS is_there \gset
\if :is_there
\set ours 'SELECT model, spend, tokens FROM ai_gateway.model_spend WHERE day >= current_date - 30'
\else
\set ours 'SELECT NULL::text AS model, 0::float8 AS spend, 0::bigint AS tokens WHERE false'
\endif
WITH ours AS (:ours),
theirs AS (
    SELECT model_group AS model, spend, prompt_tokens + completion_tokens AS tokens
    FROM "LiteLLM_DailyUserSpend"
    WHERE date >= to_char(current_date - 30, 'YYYY-MM-DD') AND model_group NOT IN (SELECT model FROM ours)
)
SELECT model FROM (SELECT * FROM ours UNION ALL SELECT * FROM theirs) AS known
WHERE model <> 'demo' GROUP BY model HAVING sum(spend) = 0 AND sum(tokens) > 0 ORDER BY model LIMIT 20;
"#;

/// What was spent of the budget.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::cli) struct Spend {
    /// The amount in US dollars since the current period began.
    pub(in crate::cli) spent_usd: f64,
    /// The budget that LiteLLM enforces, in US dollars.
    pub(in crate::cli) budget_usd: Option<f64>,
    /// When the next period begins, RFC 3339.
    pub(in crate::cli) resets_at: Option<String>,
    /// Models that have answered and have no price.
    pub(in crate::cli) free_models: Vec<String>,
}

impl Spend {
    /// The result of [`Self::ask`], if the database is up.
    pub(in crate::cli) fn of_running(
        status: &GatewayStatus,
        context: &Context,
        settings: &Settings,
    ) -> Option<Self> {
        let mut services = status.services.iter();
        let up = services.any(|(name, service)| {
            name.as_str() == postgres::NAME && service.state == StateName::Ready
        });
        up.then(|| Self::ask(context, settings)).flatten()
    }

    /// Asks the database. `None` if it does not run, has no sums yet, or does not answer in time.
    pub(in crate::cli) fn ask(context: &Context, settings: &Settings) -> Option<Self> {
        let installed = services::installed(&context.paths, settings).ok()?;
        let secrets = SecretStore::new(context.paths.secrets());
        let password = secrets.read(litellm::DATABASE_PASSWORD).ok()?;
        let folder = postgres::socket_folder(&context.paths);
        // Without a socket there is nothing to start a program for.
        if !folder.join(format!(".s.PGSQL.{}", postgres::PORT)).exists() {
            return None;
        }
        let session = Session {
            socket_folder: &folder,
            database: "litellm",
            role: Some(("litellm", &password)),
            timeouts: Some(Timeouts {
                connect: Duration::from_secs(2),
                lock: Duration::from_secs(1),
                statement: Duration::from_secs(1),
            }),
        };
        let command = session.command(&postgres::program(&installed, "psql"));
        Self::parse(&answer(command, QUESTIONS, PATIENCE)?)
    }

    /// Reads the output of psql: first the line of the whole gateway, then one model's name in each line.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut fields = lines.next()?.trim().split('|');
        Some(Self {
            spent_usd: fields.next()?.parse().ok()?,
            budget_usd: fields.next()?.parse().ok(),
            resets_at: fields
                .next()
                .filter(|time| !time.is_empty())
                .map(str::to_owned),
            free_models: lines.map(str::to_owned).collect(),
        })
    }

    /// A sentence for people about models that no budget counts, and what to do. `None` if every model has
    /// a price.
    pub(in crate::cli) fn warning(&self) -> Option<String> {
        (!self.free_models.is_empty()).then(|| {
            format!(
                "No budget stops what has no price: {} answered in the last 30 days and cost nothing. \
                 If it is paid for, set its price on the admin page (input and output cost); once the \
                 budget is used up, it is refused like the others.",
                self.free_models.join(", ")
            )
        })
    }

    /// For a person: `$3.21 of $15.00 spent; it starts anew on 2026-12-28 (in 29 d)`.
    pub(in crate::cli) fn sentence(&self, now: SystemTime) -> String {
        let of = self
            .budget_usd
            .map_or_else(String::new, |budget| format!(" of {}", usd(budget)));
        let anew = self.resets_at.as_deref().map_or_else(String::new, |at| {
            let day = at.split('T').next().unwrap_or(at);
            format!("; it starts anew on {day}{}", until(at, now))
        });
        format!("{}{of} spent{anew}", usd(self.spent_usd))
    }
}

fn until(timestamp: &str, now: SystemTime) -> String {
    let then = humantime::parse_rfc3339(timestamp).ok();
    then.and_then(|then| then.duration_since(now).ok())
        .map_or_else(String::new, |left| format!(" (in {})", text::length(left)))
}

/// An amount. Below a cent it gets as many digits as are needed.
pub(in crate::cli) fn usd(amount: f64) -> String {
    if amount > 0.0 && amount < 0.01 {
        format!("${amount:.6}")
    } else {
        format!("${amount:.2}")
    }
}

/// The output of a program that gets a text on its standard input, if it succeeds in time.
fn answer(mut command: Command, question: &str, patience: Duration) -> Option<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // The text is shorter than what a pipe holds, so this does not block. If the program is gone, there is
    // no answer.
    let _gone = child.stdin.take()?.write_all(question.as_bytes());
    let mut out = child.stdout.take()?;
    let mut text = Vec::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "a deadline of the command line's own, which nothing else knows of"
    )]
    let now = Instant::now;
    let deadline = now() + patience;
    let ended = loop {
        let left = deadline.saturating_duration_since(now()).as_millis();
        let readable = wait_for(&[out.as_fd()], u16::try_from(left).ok());
        if !readable.is_ok_and(|readable| readable[0]) {
            break false;
        }
        let mut chunk = [0; 1024];
        match out.read(&mut chunk) {
            Ok(0) => break true,
            Ok(length) => text.extend_from_slice(&chunk[..length]),
            Err(_) => break false,
        }
    };
    if !ended {
        let _gone = child.kill();
    }
    let status = child.wait().ok()?;
    (ended && status.success()).then(|| String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_database_is_told_in_a_sentence() {
        let now = humantime::parse_rfc3339("2026-11-28T12:00:00Z").unwrap();
        for (line, sentence) in [
            (
                "3.2149|15|2026-12-28T00:00:00Z\n",
                "$3.21 of $15.00 spent; it starts anew on 2026-12-28 (in 29 d)",
            ),
            ("0.00021|200|", "$0.000210 of $200.00 spent"),
            (
                "0||2026-11-28T00:00:00Z",
                "$0.00 spent; it starts anew on 2026-11-28",
            ),
        ] {
            assert_eq!(Spend::parse(line).unwrap().sentence(now), sentence);
        }
        let free = Spend::parse("3|15|\nlocal-llama\nvision\n").unwrap();
        assert_eq!(free.sentence(now), "$3.00 of $15.00 spent");
        assert!(
            free.warning()
                .unwrap()
                .contains("local-llama, vision answered")
        );
        assert_eq!(Spend::parse("3|15|\n").unwrap().warning(), None);
        assert_eq!(Spend::parse(""), None);
        assert_eq!(Spend::parse("ERROR"), None);
    }

    #[test]
    fn what_does_not_answer_is_not_waited_for() {
        let shell = |script: &str, seconds| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            answer(command, "2\n", Duration::from_secs(seconds))
        };
        assert_eq!(shell("echo 1", 60).as_deref(), Some("1\n"));
        assert_eq!(shell("cat", 60).as_deref(), Some("2\n"));
        assert_eq!(shell("echo 1; exit 1", 60), None);
        assert_eq!(shell("echo 1; exec sleep 3600", 0), None);
    }
}

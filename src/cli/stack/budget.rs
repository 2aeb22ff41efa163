//! `ai-gateway budget`: what may be spent.

use serde_json::json;

use super::spend::Spend;
use crate::cli::{
    context::{Context, now, print},
    failure::Failure,
    settings,
    status::pretty,
};

/// Show or set what may be spent at the providers in 30 days
///
/// Without a value, shows it, where it comes from, what was spent of it and when it starts anew.
/// With one, writes it to gateway.toml, and a daemon that runs takes it up.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// test (15 US dollars), prod (200), unlimited (1000), or an amount
    #[arg(
        value_name = "test|prod|unlimited|AMOUNT",
        allow_negative_numbers = true
    )]
    budget: Option<String>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "budget")]
    json: bool,
}

pub(in crate::cli) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if let Some(budget) = &args.budget {
        return settings::set(context, "budget", budget);
    }
    let loaded = settings::read(context, &[])?;
    let spend = Spend::ask(context, &loaded.settings);
    if args.json {
        return print(pretty(&json!({
            "usd": loaded.settings.budget.usd,
            "origin": loaded.origin("budget").to_string(),
            "spend": spend,
        }))?);
    }
    print(format!(
        "${:.2} in 30 days (budget is {}: {})\n",
        loaded.settings.budget.usd,
        settings::value(&loaded, "budget"),
        loaded.origin("budget")
    ))?;
    print(match spend {
        Some(spend) => {
            let warning = spend.warning().map(|text| text + "\n");
            format!("{}\n{}", spend.sentence(now()), warning.unwrap_or_default())
        }
        None => "What was spent is not known: the database does not tell.\n".to_owned(),
    })
}

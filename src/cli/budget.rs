//! `ai-gateway budget`: what may be spent.

use super::{
    context::{Context, print},
    failure::Failure,
    settings,
};

/// Show or set what may be spent at the providers in 30 days
///
/// Without a value, shows it and where it comes from. With one, writes it to gateway.toml, and a
/// daemon that runs takes it up.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// test (15 US dollars), prod (200), unlimited (1000), or an amount
    #[arg(
        value_name = "test|prod|unlimited|AMOUNT",
        allow_negative_numbers = true
    )]
    budget: Option<String>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if let Some(budget) = &args.budget {
        return settings::set(context, "budget", budget);
    }
    let loaded = settings::read(context, &[])?;
    print(format!(
        "${:.2} in 30 days (budget is {}: {})\n",
        loaded.settings.budget.usd,
        settings::value(&loaded, "budget"),
        loaded.origin("budget")
    ))
}

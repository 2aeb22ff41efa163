//! What people may say to `ai-gateway logs`.

use supervise::spec::ServiceName;

/// Show what the services and the daemon say
///
/// From the journal where a unit is installed, otherwise from the gateway's own files. Times are
/// in UTC. The daemon's own log is called ai-gateway.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The service, or ai-gateway; without it, all of them
    #[arg(value_parser = ServiceName::new)]
    pub(super) service: Option<ServiceName>,
    /// Go on with new lines until Ctrl-C
    #[arg(long, short)]
    pub(super) follow: bool,
    /// Begin with the last N lines
    #[arg(
        long,
        short = 'n',
        value_name = "N",
        default_value_t = 100,
        allow_negative_numbers = true,
        value_parser = number_of_lines
    )]
    pub(super) lines: usize,
    /// Print one JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

fn number_of_lines(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| {
        "expected a number of lines such as 20; 0 shows none of those that there are".to_owned()
    })
}

//! `ai-gateway unit`: systemd's units, as they fit this machine.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use super::{
    context::{Context, print, variable},
    failure::{CommandExit, Failure},
    owner, settings,
};
use crate::systemd::unit::{self, GatewayUnit};

/// Print the systemd unit
///
/// With the path of this program, and with what the systemd of this machine knows. For root and
/// the gateway's own user it is the machine's unit, for others their own. A port below 1024 adds
/// the capability that it takes. With AI_GATEWAY_HOME it is the unit of the gateway in that folder.
///
/// As root: ai-gateway unit > /etc/systemd/system/ai-gateway.service
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The unit of one user
    #[arg(long, conflicts_with = "system")]
    user: bool,
    /// The unit of the machine
    #[arg(long)]
    system: bool,
    /// The slice, with the profile's total as its limits
    #[arg(long)]
    slice: bool,
    /// The path of the program, if it is to be another than this one's
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let loaded = settings::read(context, &[])?;
    if args.slice {
        return print(unit::slice(&loaded.settings));
    }
    let program = match &args.program {
        Some(program) => program.clone(),
        None => env::current_exe().map_err(|e| {
            Failure::new(CommandExit::Failed, "cannot tell where this program is")
                .cause(e.to_string())
        })?,
    };
    let user = args.user || !(args.system || context.system);
    let low_ports = unit::low_ports(&loaded.settings);
    if user && low_ports {
        return Err(Failure::new(
            CommandExit::Failed,
            "a user's own gateway cannot have a port below 1024",
        )
        .hint("as root: sysctl -w net.ipv4.ip_unprivileged_port_start=80 lets everybody")
        .hint("or run the machine's gateway: 'ai-gateway unit --system'"));
    }
    let home = variable("AI_GATEWAY_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from);
    let owner = owner::gateway_user();
    print(unit::service(&GatewayUnit {
        home: home.as_deref().map(|home| (home, owner.as_str())),
        user,
        program: &program,
        systemd: version(),
        low_ports,
    }))
}

/// Of the systemd that is there, if one is.
fn version() -> Option<u32> {
    let answer = Command::new("systemctl")
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    unit::version(&String::from_utf8_lossy(&answer.stdout))
}

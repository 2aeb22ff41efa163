//! Units, printed for this machine.

use insta::assert_snapshot;
use nix::unistd::{Uid, User};

use crate::bench::Bench;

fn bench(configuration: &str) -> Bench {
    let bench = Bench::new();
    bench.write("gateway.toml", configuration);
    bench
}

fn lines(unit: &str, start: &str) -> Vec<String> {
    let lines = unit.lines().filter(|line| line.starts_with(start));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_unit_runs_the_program_that_printed_it_or_the_one_that_is_named() {
    let bench = bench("profile = \"local\"\n");
    let unit = bench.answer("unit --user");
    let [start] = &lines(&unit, "ExecStart=")[..] else {
        panic!("{unit}")
    };
    assert!(start.ends_with("/ai-gateway run"), "{start}");
    let unit = bench.answer("unit --system --program /opt/gw");
    assert_eq!(lines(&unit, "ExecStart="), ["ExecStart=/opt/gw run"]);
    // The folder is the gateway's user's; root's is for the machine's.
    let us = Uid::effective();
    let owner = match User::from_uid(us).unwrap() {
        Some(user) if !us.is_root() => user.name,
        _ => "ai-gateway".to_owned(),
    };
    assert_eq!(lines(&unit, "User="), [format!("User={owner}")]);
}

#[test]
fn a_low_port_takes_a_capability_which_a_user_does_not_have() {
    let bench = bench("profile = \"local\"\n[listen]\nport = 80\n");
    let unit = bench.answer("unit --system");
    assert_eq!(
        lines(&unit, "AmbientCapabilities="),
        ["AmbientCapabilities=CAP_NET_BIND_SERVICE"]
    );
    assert_snapshot!(bench.run("unit --user"), @"
    exit: 1
    --- stderr ---
    error: a user's own gateway cannot have a port below 1024
    hint: as root: sysctl -w net.ipv4.ip_unprivileged_port_start=80 lets everybody
    hint: or run the machine's gateway: 'ai-gateway unit --system'
    ");
}

#[test]
fn the_slice_holds_what_the_profile_adds_up_to() {
    let slice = bench("profile = \"tiny\"\n").answer("unit --slice");
    assert_snapshot!(slice, @"
    # What all of the gateway may use together. `ai-gateway unit --slice` adds the profile's total.
    [Unit]
    Description=Slice of the AI gateway
    Documentation=man:ai-gateway(1)

    [Slice]
    # The services of profile tiny together. Made again after a change of profile.
    MemoryMax=1022108864
    ");
    let slice = bench("profile = \"local\"\n").answer("unit --slice");
    assert!(!slice.contains("[Slice]"), "{slice}");
}

#[test]
fn a_unit_is_for_the_folder_that_is_named_or_for_the_usual_places() {
    let bench = bench("profile = \"local\"\n");
    let home = bench.home().display().to_string();
    let named = format!("Environment=AI_GATEWAY_HOME={home}");
    let unit = bench.answer("unit --user");
    assert_eq!(lines(&unit, "Environment="), [named.as_str()]);
    let unit = bench.answer("unit --system");
    assert_eq!(lines(&unit, "Environment="), [named.as_str()]);
    assert_eq!(
        lines(&unit, "ReadWritePaths="),
        [format!("ReadWritePaths={home}")]
    );
    for folder in [
        "ConfigurationDirectory",
        "StateDirectory",
        "RuntimeDirectory",
    ] {
        assert!(lines(&unit, folder).is_empty(), "{unit}");
    }
    for flag in ["--user", "--system"] {
        let mut command = bench.as_person(&format!("unit {flag}"));
        let usual = bench.seen(command.env_remove("AI_GATEWAY_HOME"));
        assert!(usual.starts_with("exit: 0\n"), "{usual}");
        assert!(!usual.contains("AI_GATEWAY_HOME"), "{usual}");
        let folders = lines(&usual, "StateDirectory=").len();
        assert_eq!(folders, usize::from(flag == "--system"), "{usual}");
    }
}

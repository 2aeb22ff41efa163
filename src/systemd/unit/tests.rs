//! The units as they are printed, and what systemd itself says of them.

use std::{
    fs,
    process::{Command, Output},
};

use super::*;

const DEBIAN_12: u32 = 252;
const DEBIAN_13: u32 = 257;

/// What `systemd-analyze security` may say at most of the system's unit, in tenths. Lower is
/// better; SYSTEMD.md names the figure.
const EXPOSURE_MAX: u32 = 22;

fn target(user: bool, program: &Path) -> GatewayUnit<'_> {
    GatewayUnit {
        user,
        program,
        systemd: Some(DEBIAN_12),
        low_ports: false,
        home: None,
    }
}

#[test]
fn a_gateway_in_a_folder_of_its_own_has_it_in_its_unit() {
    let program = Path::new(PACKAGED);
    let home = Path::new("/home/al ice/gw%1");
    let of = |user| {
        service(&GatewayUnit {
            home: Some((home, "alice")),
            ..target(user, program)
        })
    };
    for unit in [of(false), of(true)] {
        assert_eq!(
            lines(&unit, "Environment"),
            ["Environment=\"AI_GATEWAY_HOME=/home/al ice/gw%%1\""]
        );
        for key in [
            "ConfigurationDirectory",
            "StateDirectory",
            "RuntimeDirectory",
            "RuntimeDirectoryMode",
        ] {
            assert!(lines(&unit, key).is_empty(), "{key}");
        }
    }
    let unit = of(false);
    assert_eq!(lines(&unit, "User"), ["User=alice"]);
    assert_eq!(lines(&unit, "ProtectHome"), ["ProtectHome=no"]);
    assert_eq!(lines(&unit, "PrivateTmp"), ["PrivateTmp=yes"]);
    assert_eq!(
        lines(&unit, "ReadWritePaths"),
        ["ReadWritePaths=\"/home/al ice/gw%%1\""]
    );
}

fn lines<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let of = |line: &&str| line.split_once('=').is_some_and(|(k, _)| k == key);
    unit.lines().filter(of).collect()
}

#[test]
fn on_debian_12_what_is_printed_is_what_a_package_installs() {
    let program = Path::new(PACKAGED);
    assert_eq!(service(&target(false, program)), SYSTEM);
    assert_eq!(service(&target(true, program)), USER);
    let unknown = GatewayUnit {
        systemd: None,
        ..target(false, program)
    };
    assert_eq!(service(&unknown), SYSTEM);
}

/// A start is over when everything is ready, which may take a person: the job that waits for it, and
/// nothing else, is ended by the clock (systemd.unit(5), `JobTimeoutSec=`).
#[test]
fn nobody_waits_for_a_start_for_ever() {
    for unit in [SYSTEM, USER] {
        assert_eq!(
            lines(unit, "JobRunningTimeoutSec"),
            ["JobRunningTimeoutSec=5min"]
        );
        assert!(lines(unit, "JobTimeoutAction").is_empty());
    }
}

#[test]
fn a_newer_systemd_reloads_by_notification() {
    let program = Path::new(PACKAGED);
    let newer = GatewayUnit {
        systemd: Some(DEBIAN_13),
        ..target(false, program)
    };
    let unit = service(&newer);
    assert_eq!(lines(&unit, "Type"), ["Type=notify-reload"]);
    assert!(lines(&unit, "ExecReload").is_empty());
}

#[test]
fn the_program_is_where_it_is_and_survives_systemds_quoting() {
    for (path, written) in [
        ("/usr/local/bin/ai-gateway", "/usr/local/bin/ai-gateway"),
        ("/home/a b/ai-gateway", "\"/home/a b/ai-gateway\""),
        ("/100%/$x/ai-gateway", "/100%%/$$x/ai-gateway"),
        ("/a\"b\\c/x", r#""/a\"b\\c/x""#),
    ] {
        let unit = service(&target(true, Path::new(path)));
        assert_eq!(
            lines(&unit, "ExecStart"),
            [format!("ExecStart={written} run")]
        );
        assert_eq!(
            lines(&unit, "ExecReload"),
            [format!("ExecReload={written} internal reload")]
        );
    }
}

#[test]
fn a_capability_comes_only_with_a_low_port() {
    let program = Path::new(PACKAGED);
    let unit = service(&target(false, program));
    assert!(!unit.contains("CAP_NET_BIND_SERVICE"));
    let low = GatewayUnit {
        low_ports: true,
        ..target(false, program)
    };
    let unit = service(&low);
    for key in ["CapabilityBoundingSet", "AmbientCapabilities"] {
        assert_eq!(lines(&unit, key), [format!("{key}=CAP_NET_BIND_SERVICE")]);
    }
}

#[test]
fn the_version_is_read_from_every_distributions_words() {
    assert_eq!(version("systemd 252 (252.38-1~deb12u1)\n+PAM"), Some(252));
    assert_eq!(version("systemd 257~rc1 (x)"), Some(257));
    assert_eq!(version("systemd 249"), Some(249));
    assert_eq!(version("busybox"), None);
}

/// A folder with the units as they are printed, for a program that is there.
fn units(user: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let unit = service(&target(user, Path::new("/bin/true")));
    fs::write(folder.path().join("ai-gateway.service"), unit).unwrap();
    fs::write(folder.path().join("ai-gateway.slice"), SLICE).unwrap();
    folder
}

fn analyze(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("systemd-analyze")
        .args(arguments)
        .arg(folder.join("ai-gateway.service"))
        // A user's manager has a folder of its own, which a machine of tests need not have.
        .env("XDG_RUNTIME_DIR", folder)
        .output()
        .expect("systemd-analyze is there: ./test installs it")
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    for (user, manager) in [(false, "--system"), (true, "--user")] {
        let folder = units(user);
        let output = analyze(folder.path(), &[manager, "verify", "--man=no"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let ours: Vec<_> = said.lines().filter(|l| l.contains("ai-gateway")).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
}

#[test]
fn the_exposure_is_no_higher_than_is_written_down() {
    let folder = units(false);
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let arguments = ["security", "--offline=true", "--no-pager", &threshold];
    let output = analyze(folder.path(), &arguments);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    // As systemd 252 says it; later ones judge by more.
    let written = format!("exposure {}.{}", EXPOSURE_MAX / 10, EXPOSURE_MAX % 10);
    let guide = include_str!("../../../SYSTEMD.md");
    assert!(guide.contains(&written), "SYSTEMD.md says otherwise");
}

/// What people copy from SYSTEMD.md is what the units and the messages say.
#[test]
fn the_guide_is_in_step() {
    let guide = include_str!("../../../SYSTEMD.md");
    let out_of_memory = crate::logs::messages::SERVICE_OUT_OF_MEMORY.id;
    assert!(guide.contains(out_of_memory));
    let mut said = 0;
    for line in guide.lines().filter(|line| line.starts_with("| `")) {
        let cells = line.split('`').nth(1).unwrap_or_default();
        let Some((key, value)) = cells.split_once('=') else {
            continue;
        };
        let value = value.trim_start_matches("… ");
        let known = |unit: &str| {
            let mut lines = unit.lines();
            lines.any(|l| {
                l.split_once('=')
                    .is_some_and(|(k, v)| k == key && v.contains(value))
            })
        };
        assert!(known(SYSTEM) && known(USER) || key == "RemoveIPC", "{line}");
        said += 1;
    }
    assert!(said > 8, "the table is not where it was");
}

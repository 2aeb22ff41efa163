//! Machines that are not this one, and every check on what it has to tell apart.

use super::{
    facts::{Facts, ProgramAnswer},
    *,
};
use crate::{config::tests::generated::assert_generated, services};

mod sketch;
mod table;

use sketch::{debian_12, python, said};

/// What is not as it should be, a line each.
fn troubles(facts: &Facts) -> String {
    let findings = examine(&services::checks(), facts);
    let troubles = findings.iter().filter(|finding| finding.level != Level::Ok);
    let lines = troubles.map(
        |Finding {
             id,
             level,
             found,
             fix,
             ..
         }| {
            let fix = fix
                .as_ref()
                .map_or(String::new(), |fix| format!("    $ {fix}\n"));
            format!("{level:?} {id}: {found}\n{fix}")
        },
    );
    lines.collect()
}

#[test]
fn a_good_machine_has_nothing_but_a_gateway_to_start() {
    insta::assert_snapshot!(troubles(&debian_12().facts()), @r"
    Warning daemon: it does not run
        $ systemctl --user start ai-gateway
    ");
    insta::assert_snapshot!(troubles(&debian_12().of_the_system().facts()), @r"
    Warning daemon: it does not run
        $ systemctl start ai-gateway
    ");
}

#[test]
fn debian_13_has_all_that_set_up_takes() {
    let sketch = debian_12()
        .with(&[(
            "etc/os-release",
            "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\nVERSION_ID=\"13\"\n",
        )])
        .says("systemctl --version", said("systemd 257 (257.8-1~deb13u2)"));
    let mut facts = sketch.facts();
    facts.gateway.provision.programs.pythons = vec![python(13)];
    insta::assert_snapshot!(troubles(&facts), @r"
    Warning daemon: it does not run
        $ systemctl --user start ai-gateway
    ");
    assert_eq!(facts.systemd.version, Some(257));
}

#[test]
fn proxmox_gives_a_container_what_its_host_says() {
    let sketch = debian_12()
        .with(&[
            ("run/systemd/container", "lxc\n"),
            ("proc/sys/kernel/osrelease", "6.8.12-4-pve\n"),
            ("proc/sys/kernel/hostname", "gw\n"),
            ("proc/self/uid_map", "         0     100000      65536\n"),
            // lxcfs shows the limit here, but not every LXC has it.
            ("proc/meminfo", "MemTotal:       65000000 kB\n"),
            ("sys/fs/cgroup/memory.max", "536870912\n"),
            (
                "run/systemd/system/service.d/zzz-lxc-service.conf",
                "[Service]\nProcSubset=all\nProtectProc=default\nNoNewPrivileges=no\nLoadCredential=\nReadWritePaths=/x\n",
            ),
        ])
        .without("proc/pressure")
        .of_the_system();
    let mut facts = sketch.facts();
    facts.machine.landlock = None;
    facts.machine.synchronised = Some(false);
    facts.gateway.provision.free = Some(150_000_000);
    assert!(facts.machine.unprivileged);
    insta::assert_snapshot!("proxmox", troubles(&facts));
}

#[test]
fn a_container_that_may_nest_and_masks_the_drop_in_is_well() {
    let mut sketch = debian_12()
        .with(&[
            ("run/systemd/container", "lxc\n"),
            (
                "run/systemd/system/service.d/zzz-lxc-service.conf",
                "[Service]\nLoadCredential=\n",
            ),
            (
                "proc/self/mountinfo",
                "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n\
                 40 23 0:50 / /dev/.lxc/proc rw - proc proc rw\n",
            ),
        ])
        .of_the_system();
    sketch.links.push((
        "etc/systemd/system/ai-gateway.service.d/zzz-lxc-service.conf",
        "/dev/null",
    ));
    let facts = sketch.facts();
    assert!(facts.machine.nesting);
    assert!(
        facts
            .systemd
            .lxc_drop_in
            .as_ref()
            .is_some_and(|drop_in| drop_in.masked)
    );
    insta::assert_snapshot!(troubles(&facts), @r"
    Warning daemon: it does not run
        $ systemctl start ai-gateway
    ");
    // Hidden from all units there is none.
    sketch.links.push((
        "etc/systemd/system/service.d/zzz-lxc-service.conf",
        "/dev/null",
    ));
    assert_eq!(sketch.facts().systemd.lxc_drop_in, None);
}

#[test]
fn a_container_for_one_program_has_no_systemd() {
    let sketch = debian_12()
        .without("run/")
        .without("sys/")
        .with(&[(".dockerenv", ""), ("proc/self/mountinfo", "")])
        .says("systemctl --version", ProgramAnswer::Missing)
        .says("systemd-detect-virt", ProgramAnswer::Missing);
    let mut facts = sketch.facts();
    assert_eq!(
        facts.machine.kind,
        facts::Virtualization::Container("docker".into())
    );
    facts.systemd.unit = None;
    insta::assert_snapshot!("no_systemd", troubles(&facts));
}

#[test]
fn an_old_kernel_command_line_leaves_the_controllers_to_version_1() {
    let facts = debian_12()
        .with(&[(
            "proc/self/mountinfo",
            "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
             32 31 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
             33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
        )])
        .facts();
    insta::assert_snapshot!("hybrid", troubles(&facts));
}

#[test]
fn logind_is_asked_in_the_order_in_which_it_reads() {
    let remove =
        |files: &[(&'static str, &'static str)]| debian_12().with(files).facts().systemd.remove_ipc;
    assert!(remove(&[]).removes);
    assert!(remove(&[("etc/systemd/logind.conf", "[Login]\n#RemoveIPC=no\n")]).removes);
    let off = ("etc/systemd/logind.conf", "[Login]\nRemoveIPC=no\n");
    assert!(!remove(&[off]).removes);
    let on = (
        "usr/lib/systemd/logind.conf.d/10-on.conf",
        "[Login]\nRemoveIPC=yes\n",
    );
    assert!(remove(&[off, on]).removes);
    let hides = ("etc/systemd/logind.conf.d/10-on.conf", "[Login]\n");
    assert!(!remove(&[off, on, hides]).removes);
    let last = (
        "run/systemd/logind.conf.d/90-last.conf",
        "[Login]\nRemoveIPC=yes\n",
    );
    let said = remove(&[off, on, hides, last]);
    assert!(said.removes);
    assert_eq!(
        said.file,
        Some("/run/systemd/logind.conf.d/90-last.conf".into())
    );
}

#[test]
fn every_check_has_a_name_of_its_own_and_is_in_the_reference() {
    let mut seen = std::collections::BTreeSet::new();
    for check in services::checks() {
        assert!(seen.insert(check.id), "{}", check.id);
        assert!(docs::reference(&services::checks()).contains(&format!("### `{}`\n", check.id)));
        for text in [check.looks, check.why] {
            assert!(
                text.ends_with('.') && !text.contains("  "),
                "{}: {text}",
                check.id
            );
        }
    }
    // The text walks the groups, the list the checks: they have to agree.
    let groups: Vec<_> = services::checks().iter().map(|check| check.group).collect();
    let mut in_order = groups.clone();
    in_order.sort_by_key(|group| Group::ALL.iter().position(|other| other == group));
    assert_eq!(groups, in_order);
}

#[test]
fn the_reference_is_in_step_with_the_checks() {
    assert_generated("docs/doctor.md", &docs::reference(&services::checks()));
}

#[test]
fn what_is_handed_over_as_a_whole_is_handed_over_once() {
    let mut facts = debian_12().facts();
    let entry = |path: &str, owner, mode| facts::Entry {
        path: path.into(),
        owner,
        group: 1000,
        mode,
        folder: true,
        sharing: facts::Sharing::Private,
    };
    facts.gateway.entries = vec![
        entry("/srv/state", 0, 0o700),
        entry("/srv/state/secrets", 0, 0o755),
        entry("/srv/stated", 1000, 0o750),
    ];
    let findings = examine(&services::checks(), &facts);
    let found = findings.iter().find(|finding| finding.id == "permissions");
    assert_eq!(
        found.and_then(|finding| finding.fix.as_deref()),
        Some(
            "sudo chown -R alice: /srv/state && sudo chmod go-rwx /srv/state/secrets && \
             chmod go-rwx /srv/stated"
        )
    );
}

#[test]
fn the_gateway_can_still_read_roots_file_when_it_was_closed() {
    let mut facts = debian_12().facts();
    let config = facts.scope.paths.config.clone();
    facts.gateway.entries = vec![facts::Entry {
        path: config,
        owner: 0,
        group: 0,
        mode: 0o644,
        folder: false,
        sharing: facts::Sharing::RootsGroup,
    }];
    facts.scope.gid = Some(4_000_000);
    let findings = examine(&services::checks(), &facts);
    let found = findings.iter().find(|finding| finding.id == "permissions");
    assert_eq!(
        found.and_then(|finding| finding.fix.as_deref()),
        Some("sudo chgrp 4000000 /srv/gateway.toml && sudo chmod 0640 /srv/gateway.toml")
    );
}

//! Every check and what it has to tell apart: a change of a good machine, and the verdict.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use super::*;
use crate::{
    config::{
        self, Origin,
        ports::{Reason, TakenPort},
    },
    control::types::{
        ConfigurationState, DietState, GatewayState, GatewayStatus, LimitsState, SkippedMeasure,
        Urls,
    },
    disk::Room,
    doctor::facts::{
        Configuration, ContainerManager, Daemon, Entry, Hierarchy, Packages, Port, Sharing, Unit,
        Virtualization as Make,
    },
    provision::{facts::Node, model::FoundProgram},
    services,
    services::litellm,
    trust::{Danger, How},
};
use Level::{Ok as Fine, Problem, Warning};

type Row = (&'static str, fn(&mut Facts), Level, &'static str);

/// Settings with these lines of a file.
fn with(lines: &str) -> config::settings::Settings {
    config::of_profile(services::schema(), "tiny", lines).unwrap()
}

/// By check: what is changed, how bad that is, and words that tell it.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("system", |_| {}, Fine, "Debian GNU/Linux 12 (bookworm), Linux 6.1.0-28-amd64, in a virtual machine (kvm)"),
    ("system", |f| f.machine.kind = Make::Bare, Fine, "on bare metal"),
    ("system", |f| lxc(f), Fine, "in a container (lxc)"),
    ("system", |f| { lxc(f); f.machine.keeper = Some(ContainerManager::Incus); f.machine.unprivileged = true; }, Fine, "in an unprivileged container (lxc, Incus)"),
    ("nesting", |_| {}, Fine, "not an LXC"),
    ("nesting", |f| lxc(f), Warning, "may not nest"),
    ("nesting", |f| { lxc(f); f.machine.keeper = Some(ContainerManager::Proxmox); }, Warning, "may not nest"),
    ("nesting", |f| { lxc(f); f.machine.keeper = Some(ContainerManager::Incus); }, Warning, "may not nest"),
    ("nesting", |f| { lxc(f); f.machine.keeper = Some(ContainerManager::Lxd); }, Warning, "may not nest"),
    ("nesting", |f| { lxc(f); f.machine.nesting = true; }, Fine, "may nest"),
    ("memory", |_| {}, Fine, "profile small gives its services"),
    ("memory", |f| f.machine.resources = None, Warning, "neither"),
    ("memory", |f| f.gateway.memory = 0, Fine, "limits nothing"),
    ("memory", |f| f.gateway.memory = 6_000_000_000, Problem, "profile small gives them 6000 MB"),
    ("memory", |f| memory(f, 500_000_000), Problem, "the smallest profile needs"),
    ("disk", |_| {}, Fine, "20000 MB left"),
    ("disk", |f| f.gateway.provision.needed = Ok(30_000_000_000), Problem, "set-up needs 30000 MB"),
    ("disk", |f| f.gateway.provision.needed = Ok(1_000_000_000), Fine, "set-up needs 1000 MB"),
    ("disk", |f| f.gateway.provision.free = Some(900_000_000), Warning, "900 MB left"),
    ("disk", |f| f.gateway.provision.free = Some(100_000_000), Problem, "100 MB left"),
    ("disk", |f| { lxc(f); f.machine.keeper = Some(ContainerManager::Incus); f.gateway.provision.free = Some(0); }, Problem, "0 MB left"),
    ("disk", |f| f.gateway.provision.needed = Err("no".into()), Warning, "cannot be told: no"),
    ("disk", |f| f.gateway.disks = vec![Room { folder: "/srv/state".into(), bytes: 0, inodes: None, least: 1 }], Problem, "the disk of /srv/state is full"),
    ("clock", |_| {}, Fine, "synchronised"),
    ("clock", |f| f.machine.synchronised = Some(false), Warning, "nothing keeps"),
    ("clock", |f| f.machine.synchronised = None, Warning, "does not say"),
    ("clock", |f| f.machine.year = 1970, Problem, "1970"),
    ("open-files", |_| {}, Fine, "65536 may be open"),
    ("open-files", |f| f.gateway.open_files = Some(1024), Warning, "only 1024 files"),
    ("open-files", |f| f.gateway.open_files = Some(128), Problem, "only 128 files"),
    ("open-files", |f| f.gateway.open_files = None, Warning, "does not tell"),
    ("psi", |_| {}, Fine, "tells it"),
    ("psi", |f| f.machine.psi = false, Warning, "does not tell"),
    ("psi", |f| { f.machine.psi = false; f.machine.psi_is_built = true; }, Warning, "does not tell"),
    ("landlock", |_| {}, Fine, "version 4"),
    ("landlock", |f| f.machine.landlock = None, Warning, "has it not"),
    ("systemd", |_| {}, Fine, "version 252"),
    ("systemd", |f| f.systemd.version = Some(247), Warning, "version 247"),
    ("systemd", |f| f.systemd.version = None, Warning, "not installed"),
    ("systemd", |f| f.systemd.booted = false, Warning, "not booted with it"),
    ("user", |_| {}, Fine, "alice (1000)"),
    ("user", |f| f.scope.uid = None, Problem, "there is no user alice"),
    ("user-bus", |_| {}, Fine, "/run/user/1000/bus"),
    ("user-bus", |f| f.systemd.user_manager = false, Warning, "no manager"),
    ("user-bus", |f| f.systemd.user_bus = false, Warning, "no /run/user/1000/bus"),
    ("user-bus", |f| f.systemd.runtime_dir = None, Warning, "not set"),
    ("user-bus", |f| f.systemd.runtime_dir = Some("/run/user/0".into()), Warning, "is /run/user/0 and not"),
    ("user-bus", |f| f.scope.mode = Mode::System, Fine, "not needed"),
    ("linger", |_| {}, Fine, "alice lingers"),
    ("linger", |f| f.systemd.linger = false, Warning, "does not linger"),
    ("linger", |f| { f.systemd.linger = false; f.scope.mode = Mode::System; }, Fine, "not needed"),
    ("remove-ipc", |_| {}, Fine, "but not for one who lingers"),
    ("remove-ipc", |f| f.systemd.linger = false, Warning, "on, by default, and alice"),
    ("remove-ipc", |f| { f.systemd.linger = false; f.scope.uid = Some(999); }, Fine, "system user"),
    ("remove-ipc", |f| { f.systemd.linger = false; f.systemd.remove_ipc.removes = false; }, Fine, "off"),
    ("lxc-drop-in", |_| {}, Fine, "none"),
    ("lxc-drop-in", |f| drop_in(f, &["LoadCredential"]), Warning, "takes from every unit: LoadCredential"),
    ("lxc-drop-in", |f| drop_in(f, &[]), Fine, "takes nothing away"),
    ("lxc-drop-in", |f| { drop_in(f, &["LoadCredential"]); f.scope.mode = Mode::User; }, Fine, "only for units of the system"),
    ("cgroups", |_| {}, Fine, "version 2"),
    ("cgroups", |f| f.machine.hierarchy = Hierarchy::Legacy, Warning, "version 1"),
    ("cgroups", |f| f.machine.hierarchy = Hierarchy::Hybrid, Warning, "beside version 1"),
    ("cgroups", |f| f.machine.hierarchy = Hierarchy::None, Warning, "not mounted"),
    ("controllers", |_| {}, Fine, "cpu, memory, pids, but not io"),
    ("controllers", |f| f.machine.controllers = Some(vec!["memory".into(), "pids".into()]), Warning, "not delegated: cpu"),
    ("controllers", |f| f.machine.controllers = None, Warning, "no manager"),
    ("unit", |_| {}, Fine, "enabled and active"),
    ("unit", |f| unit(f, "not-found", "", "inactive"), Warning, "not installed"),
    ("unit", |f| unit(f, "masked", "masked", "inactive"), Problem, "masked"),
    ("unit", |f| unit(f, "bad-setting", "enabled", "inactive"), Problem, "(bad-setting)"),
    ("unit", |f| unit(f, "loaded", "enabled", "failed"), Problem, "has failed"),
    ("unit", |f| unit(f, "loaded", "disabled", "active"), Warning, "not started at boot"),
    ("unit", |f| f.systemd.unit = None, Warning, "no manager answers"),
    ("unit", |f| f.scope.mode = Mode::Folder, Fine, "folder of its own"),
    ("ports", |_| {}, Fine, "3000 and 4000 are free"),
    ("ports", |f| { taken(f, Reason::Held { pid: 7, name: "grafana".into(), }, Some(3001)) }, Problem, "127.0.0.1:3000 (listen.port): grafana (process 7) listens on it"),
    ("ports", |f| taken(f, Reason::NotOurs, None), Problem, "does not have that address"),
    ("ports", |f| taken(f, Reason::Privileged, None), Fine, "free"),
    ("ports", own_address_taken, Problem, "127.0.0.1:8080 (service.web.listen): another"),
    ("ports", |f| runs(f, GatewayState::Ready), Fine, "are the gateway's"),
    ("queues", |_| {}, Fine, "4096 connections"),
    ("queues", |f| f.machine.queue = Some(65_535), Fine, "65535 connections"),
    ("queues", |f| f.machine.queue = Some(128), Warning, "only 128 connections"),
    ("queues", |f| f.machine.queue = Some(4095), Warning, "only 4095 connections"),
    ("queues", |f| f.machine.queue = None, Warning, "does not tell"),
    ("low-ports", |_| {}, Fine, "from 1024 on"),
    ("low-ports", |f| f.gateway.ports[0].number = 80, Problem, "listen on 80"),
    ("low-ports", |f| { f.gateway.ports[0].number = 80; f.machine.first_port = 80; }, Fine, "from 80 on"),
    ("dns", |_| {}, Fine, "names resolve (192.0.2.53)"),
    ("dns", |f| f.machine.nameservers = None, Warning, "no /etc/resolv.conf"),
    ("dns", |f| f.machine.nameservers = Some(Vec::new()), Fine, "names no server"),
    ("dns", |f| f.machine.resolves = ProgramAnswer::Failed(String::new()), Warning, "do not resolve"),
    ("dns", |f| f.machine.resolves = ProgramAnswer::Late, Warning, "nobody answers"),
    ("dns", |f| { f.machine.resolves = ProgramAnswer::Late; f.machine.nameservers = Some(vec!["127.0.0.53".into()]); }, Warning, "nobody answers"),
    ("dns", |f| f.machine.resolves = ProgramAnswer::Missing, Warning, "no getent"),
    ("dns", |f| { f.machine.resolves = ProgramAnswer::Late; proxy(f, "https_proxy", "http://p:1"); }, Fine, "the proxy's to do"),
    ("proxy", |_| {}, Fine, "none is set"),
    ("proxy", |f| proxy(f, "https_proxy", "http://p:1"), Warning, "does not spare loopback"),
    ("proxy", |f| proxy(f, "https_proxy", "p:1"), Warning, "is no address"),
    ("proxy", |f| { proxy(f, "https_proxy", "http://p:1"); proxy(f, "HTTPS_PROXY", "http://q:1"); }, Warning, "not the same"),
    ("proxy", |f| { proxy(f, "https_proxy", "http://p:1"); proxy(f, "no_proxy", "a, localhost"); }, Fine, "loopback is spared"),
    ("python", |_| {}, Fine, "3.11.2 (/usr/bin/python3.11)"),
    ("python", |f| f.gateway.provision.programs.pythons.clear(), Problem, "no Python 3.8 or newer"),
    ("python", |f| f.gateway.provision.programs.pythons = vec![python(13)], Fine, "3.13.2 (/usr/bin/python3.13)"),
    ("python", |f| f.gateway.provision.programs.pythons = vec![python(14)], Fine, "only 3.14.2 (/usr/bin/python3.14), so set-up brings 3."),
    ("python", |f| { f.gateway.provision.programs.pythons = vec![python(14)]; f.gateway.provision.programs.pythons[0].ensurepip = false; }, Problem, "3.14.2 (/usr/bin/python3.14) cannot make environments"),
    ("python", |f| f.gateway.provision.programs.pythons = vec![python(7)], Problem, "no Python 3.8 or newer"),
    ("python", |f| f.gateway.provision.programs.pythons[0].ensurepip = false, Problem, "cannot make environments"),
    ("postgres", |_| {}, Fine, "15 (/usr/lib/postgresql/15/bin)"),
    ("postgres", |f| found(f, "postgres_bin").clear(), Problem, "not found"),
    ("postgres", |f| found(f, "postgres_bin")[0].version = Some("12".into()), Problem, "13 or newer"),
    ("postgres", |f| f.gateway.provision.programs.cluster_major = Some(14), Problem, "made by version 14"),
    ("nginx", |_| {}, Fine, "1.22.1 (/usr/sbin/nginx)"),
    ("nginx", |f| found(f, "nginx").clear(), Problem, "not found"),
    ("nginx", |f| found(f, "nginx")[0].version = None, Problem, "does not tell"),
    ("node", |_| {}, Fine, "18 (/usr/bin/node)"),
    ("node", |f| f.gateway.provision.programs.node = None, Fine, "takes one from its tools"),
    ("node", |f| node(f, 16), Problem, "version 16"),
    ("node", |f| { node(f, 18); f.gateway.provision.programs.node = None; }, Problem, "names none"),
    ("node", |f| { f.gateway.provision.programs.node = None; f.gateway.settings = with("engine = { kind = \"program\", path = \"/x\" }"); }, Fine, "only set-up"),
    ("named-programs", |_| {}, Fine, "all are there"),
    ("named-programs", |f| { f.gateway .not_programs .insert("programs.nginx".into(), "/opt/a b".into()); }, Problem, "programs.nginx names /opt/a b"),
    ("configuration", |_| {}, Fine, "no /srv/gateway.toml, so the defaults are in effect; profile small"),
    ("configuration", |f| { entry(f, 0, 0o644, Sharing::NotWritable); f.scope.paths.config = f.gateway.entries[0].path.clone(); }, Fine, "is valid; profile small"),
    ("configuration", |f| f.gateway.configuration = Configuration::Wrong(vec!["no key 'x'".into()]), Problem, "no key 'x'"),
    ("configuration", |f| { runs(f, GatewayState::Ready); configured(f).refused = Some("no key 'x'".into()); }, Warning, "the last reload was refused: no key 'x'"),
    ("configuration", |f| { runs(f, GatewayState::Ready); configured(f).differs = vec!["budget".into()]; }, Warning, "differs from what runs: budget"),
    ("configuration", |f| { runs(f, GatewayState::Ready); configured(f).differs = vec!["budget".into()]; f.gateway.configuration = Configuration::Wrong(vec!["no key 'x'".into()]); }, Problem, "no key 'x'"),
    ("configuration", |f| { f.gateway.configuration = Configuration::Right { warnings: vec!["odd".into()], } }, Warning, "odd"),
    ("environment", |_| {}, Fine, "is known"),
    ("environment", |f| unknown(f, "AI_GATEWAY_PROT", Some("AI_GATEWAY_PORT")), Warning, "AI_GATEWAY_PORT was probably meant"),
    ("environment", |f| unknown(f, "AI_GATEWAY_XYZZY", None), Warning, "AI_GATEWAY_XYZZY is unknown"),
    ("permissions", |_| {}, Fine, "nothing is there yet"),
    ("permissions", |f| entry(f, 1000, 0o700, Sharing::Private), Fine, "only the gateway's user"),
    ("permissions", |f| entry(f, 1000, 0o755, Sharing::NotWritable), Fine, "only the gateway's user"),
    ("permissions", |f| entry(f, 1000, 0o740, Sharing::Private), Problem, "has mode 0740"),
    ("permissions", |f| entry(f, 1000, 0o775, Sharing::NotWritable), Problem, "has mode 0775"),
    ("permissions", |f| entry(f, 0, 0o700, Sharing::Private), Problem, "belongs to user 0"),
    ("permissions", |f| entry(f, 1000, 0o600, Sharing::RootsGroup), Fine, "only the gateway's user"),
    ("permissions", |f| entry(f, 1000, 0o640, Sharing::RootsGroup), Problem, "has mode 0640"),
    // As `config set` of root's makes it: the gateway reads it by its group.
    ("permissions", |f| roots_keys(f, 1000, 0o640), Fine, "only the gateway's user"),
    ("permissions", |f| roots_keys(f, 1000, 0o660), Problem, "has mode 0660"),
    ("permissions", |f| roots_keys(f, 1000, 0o644), Problem, "has mode 0644"),
    ("permissions", |f| roots_keys(f, 100, 0o640), Problem, "has mode 0640"),
    ("permissions", |f| roots_keys(f, 0, 0o644), Problem, "has mode 0644"),
    ("permissions", |f| { f.scope.uid = None; f.scope.gid = None; roots_keys(f, 100, 0o640); }, Fine, "only the gateway's user"),
    ("permissions", |f| f.gateway.dangers = vec![writable("/srv")], Problem, "/srv can be written by every user (mode 0777)"),
    ("secrets", |_| {}, Fine, "all are there"),
    ("secrets", |f| f.gateway.secrets_missing = vec![litellm::SALT_KEY], Problem, "restore it from a backup"),
    ("secrets", |f| f.gateway.secrets_missing = vec![litellm::MASTER_KEY], Problem, "missing: litellm-master-key"),
    ("secrets", |f| f.gateway.secrets_empty = vec![litellm::MASTER_KEY], Problem, "nothing is in"),
    ("secrets", |f| f.gateway.secrets_changed = vec![litellm::SALT_KEY], Problem, "not those that the database was set up with: litellm-salt-key"),
    ("secrets", |f| f.gateway.database = false, Fine, "set-up makes them"),
    ("setup", |_| {}, Fine, "complete"),
    ("setup", |f| f.gateway.provision.missing = Some("litellm is missing".into()), Problem, "litellm is missing"),
    ("daemon", |_| {}, Warning, "does not run"),
    ("daemon", |f| runs(f, GatewayState::Ready), Fine, "all 0 services are ready"),
    ("daemon", outdated, Warning, "nginx goes on with its old files: line 3"),
    ("daemon", |f| runs(f, GatewayState::Degraded), Problem, "not all"),
    ("daemon", |f| runs(f, GatewayState::Stopped), Warning, "are stopped"),
    ("daemon", |f| f.gateway.daemon = Daemon::Silent("strange".into()), Problem, "strange"),
    ("diet", |_| {}, Fine, "no"),
    ("diet", |f| runs(f, GatewayState::Ready), Fine, "no measure is skipped"),
    ("diet", |f| skip(f), Warning, "litellm skips lazy_types: another layout"),
    ("limits", |_| {}, Fine, "once the gateway runs"),
    ("limits", |f| runs(f, GatewayState::Ready), Warning, "not enforced: no cgroup"),
    ("limits", |f| { runs(f, GatewayState::Ready); enforce(f); }, Fine, "enforced"),
];

fn lxc(facts: &mut Facts) {
    facts.machine.kind = Make::Container("lxc".into());
    facts.machine.keeper = Some(ContainerManager::Lxc);
}

fn memory(facts: &mut Facts, bytes: u64) {
    facts.machine.resources = Some(config::Resources {
        memory_bytes: bytes,
        cpus: 1,
    });
    lxc(facts);
}

fn drop_in(facts: &mut Facts, takes: &[&str]) {
    facts.scope.mode = Mode::System;
    facts.systemd.lxc_drop_in = Some(facts::DropIn {
        file: "/run/systemd/system/service.d/zzz-lxc-service.conf".into(),
        takes: takes.iter().map(|name| (*name).to_owned()).collect(),
        masked: false,
    });
}

fn unit(facts: &mut Facts, load: &str, file: &str, active: &str) {
    facts.systemd.unit = Some(Unit {
        load: load.into(),
        file: file.into(),
        active: active.into(),
    });
}

fn taken(facts: &mut Facts, reason: Reason, free: Option<u16>) {
    facts.gateway.ports[0].taken = Some(TakenPort {
        key: "listen.port".into(),
        address: "127.0.0.1:3000".parse().unwrap(),
        origin: Origin::Default,
        reason,
        free,
    });
}

fn own_address_taken(facts: &mut Facts) {
    let key = "service.web.listen".to_owned();
    facts.gateway.ports.push(Port {
        key: key.clone(),
        number: 8080,
        taken: Some(TakenPort {
            key,
            address: "127.0.0.1:8080".parse().unwrap(),
            origin: Origin::Default,
            reason: Reason::Other("another".into()),
            free: Some(8081),
        }),
    });
}

fn proxy(facts: &mut Facts, name: &str, value: &str) {
    facts.machine.proxies.insert(name.into(), value.into());
}

fn node(facts: &mut Facts, major: u32) {
    facts.gateway.settings = with("programs.node = \"/opt/node\"");
    facts.gateway.provision.programs.node = Some(Node {
        path: "/opt/node".into(),
        major,
    });
}

/// What was found of a program.
fn found<'a>(facts: &'a mut Facts, program: &str) -> &'a mut Vec<FoundProgram> {
    let programs = &mut facts.gateway.provision.programs.programs;
    programs.get_mut(program).unwrap()
}

fn unknown(facts: &mut Facts, name: &str, near: Option<&str>) {
    let near = near.map(str::to_owned);
    facts.gateway.unknown.insert(name.into(), near);
}

fn writable(path: &str) -> Danger {
    let (mode, group) = (0o777, false);
    Danger {
        path: path.into(),
        how: How::Writable { mode, group },
    }
}

fn entry(facts: &mut Facts, owner: u32, mode: u32, sharing: Sharing) {
    facts.gateway.entries.push(Entry {
        path: "/srv/it's here".into(),
        owner,
        group: owner,
        mode,
        folder: true,
        sharing,
    });
}

/// A configuration of root's with keys in it.
fn roots_keys(facts: &mut Facts, group: u32, mode: u32) {
    entry(facts, 0, mode, Sharing::RootsGroup);
    let entry = facts.gateway.entries.last_mut().unwrap();
    (entry.path, entry.group) = (facts.scope.paths.config.clone(), group);
}

fn runs(facts: &mut Facts, state: GatewayState) {
    facts.gateway.daemon = Daemon::Runs(Box::new(GatewayStatus {
        state,
        profile: "small".into(),
        limits: LimitsState {
            enforced: false,
            reason: Some("no cgroup".into()),
        },
        urls: Urls::default(),
        configuration: ConfigurationState::default(),
        diet: DietState::default(),
        services: BTreeMap::new(),
    }));
}

/// nginx has refused its files.
fn outdated(facts: &mut Facts) {
    runs(facts, GatewayState::Ready);
    let service = serde_json::json!({
        "state": "ready", "since": "", "reason": "", "pid": null, "restarts": 0, "outdated": "line 3",
        "cgroup": null, "memory": {}, "cpu": {},
    });
    if let Daemon::Runs(status) = &mut facts.gateway.daemon {
        let nginx = supervise::spec::ServiceName::new("nginx").unwrap();
        let service = serde_json::from_value(service).unwrap();
        status.services.insert(nginx, service);
    }
}

fn skip(facts: &mut Facts) {
    runs(facts, GatewayState::Ready);
    if let Daemon::Runs(status) = &mut facts.gateway.daemon {
        status.diet.skipped.push(SkippedMeasure {
            service: supervise::spec::ServiceName::new("litellm").unwrap(),
            measure: "lazy_types".into(),
            reason: "another layout".into(),
        });
    }
}

fn configured(facts: &mut Facts) -> &mut ConfigurationState {
    match &mut facts.gateway.daemon {
        Daemon::Runs(status) => &mut status.configuration,
        Daemon::Stopped | Daemon::Silent(_) => panic!("it does not run"),
    }
}

/// Why a finding matters follows from what was found, where one check finds different things.
#[test]
fn a_configuration_that_is_valid_is_not_said_to_keep_the_gateway_from_starting() {
    let mut facts = debian_12().facts();
    runs(&mut facts, GatewayState::Ready);
    configured(&mut facts).differs = vec!["budget".into()];
    let differs = finding(&facts, "configuration").why;
    configured(&mut facts).refused = Some("no key 'x'".into());
    let refused = finding(&facts, "configuration").why;
    facts.gateway.configuration = Configuration::Wrong(vec!["no key 'x'".into()]);
    let wrong = finding(&facts, "configuration").why;
    assert!(wrong.contains("does not start"), "{wrong}");
    assert!(!differs.contains("does not start"), "{differs}");
    assert!(!refused.contains("does not start"), "{refused}");
    assert_ne!(differs, refused);
}

fn enforce(facts: &mut Facts) {
    if let Daemon::Runs(status) = &mut facts.gateway.daemon {
        status.limits.enforced = true;
    }
}

fn finding(facts: &Facts, id: &str) -> Finding {
    let mut all = examine(&services::checks(), facts).into_iter();
    all.find(|finding| finding.id == id)
        .unwrap_or_else(|| panic!("no check {id}"))
}

#[test]
fn each_check_tells_good_from_bad() {
    let good = debian_12().facts();
    for (id, change, level, words) in TABLE {
        let mut facts = good.clone();
        change(&mut facts);
        let found = finding(&facts, id);
        assert_eq!(found.level, *level, "{id}: {found:?}");
        assert!(
            found.found.contains(words),
            "{id}: {words:?} is not in {found:?}"
        );
    }
}

#[test]
fn the_table_has_each_check_in_a_good_and_a_bad_state() {
    for check in services::checks() {
        let levels = || {
            TABLE
                .iter()
                .filter(|(id, ..)| *id == check.id)
                .map(|row| row.2)
        };
        assert!(levels().any(|level| level == Fine), "{}", check.id);
        // What the machine is can be no mistake.
        let bad = levels().any(|level| level != Fine);
        assert!(bad || check.id == "system", "{}", check.id);
    }
}

/// What a command may begin with; another one is looked at before it is told to anybody.
#[rustfmt::skip]
const PROGRAMS: [&str; 30] = [
    "./quickstart", "\"${EDITOR:-vi}\"", "ai-gateway", "apt", "chgrp", "chmod", "chown", "dnf", "echo",
    "export", "grubby", "incus", "journalctl", "ln", "loginctl", "lxc", "mkdir", "pct", "pipx", "printf",
    "reboot", "sed", "sysctl", "systemctl", "tee", "timedatectl", "unset", "update-grub",
    "useradd", "~/.local/bin/uv",
];

/// Verbs of ours that a command may have.
const VERBS: [&str; 6] = ["config", "reload", "restart", "setup", "start", "status"];

/// The commands of a line in words, without sudo and runuser.
fn commands(line: &str) -> Vec<Vec<&str>> {
    let line = line.split("  # ").next().unwrap_or(line);
    let parts = line.split(" && ").flat_map(|part| part.split(" || "));
    let commands = parts.flat_map(|part| part.split(" | ")).map(|command| {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.strip_prefix(&["sudo"]).unwrap_or(&words) {
            ["runuser", "-u", _, "--", rest @ ..] => rest.to_vec(),
            rest => rest.to_vec(),
        }
    });
    commands.collect()
}

/// Every command that the table brings about, for whoever asks on whichever distribution.
fn all_fixes() -> BTreeSet<String> {
    let good = debian_12().facts();
    let mut fixes = BTreeSet::new();
    for root in [false, true] {
        for packages in [Packages::Apt, Packages::Dnf, Packages::Other] {
            for (id, change, ..) in TABLE {
                let mut facts = good.clone();
                change(&mut facts);
                facts.scope.root = root;
                facts.machine.packages = packages;
                let found = finding(&facts, id);
                assert!(found.level != Fine || found.fix.is_none(), "{found:?}");
                fixes.extend(found.fix);
            }
        }
    }
    fixes
}

#[test]
fn every_command_that_mends_something_is_one() {
    let fixes = all_fixes();
    assert!(fixes.len() > 60, "{}", fixes.len());
    for fix in &fixes {
        assert!(!fix.contains(['\n', '<', '>']), "{fix}");
        let parsed = Command::new("/bin/sh")
            .args(["-n", "-c", fix])
            .output()
            .unwrap();
        let silent = parsed.status.success() && parsed.stderr.is_empty();
        assert!(silent, "{fix}: {parsed:?}");
        // What awk is given within quotes is no command of the line.
        for words in commands(fix)
            .into_iter()
            .filter(|_| !fix.starts_with("pct "))
        {
            assert!(PROGRAMS.contains(&words[0]), "{words:?} in {fix}");
            let ours = words[0] == "ai-gateway";
            assert!(!ours || VERBS.contains(&words[1]), "{words:?} in {fix}");
        }
    }
}

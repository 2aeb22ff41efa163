//! The whole plan, against what it was when a person last looked at it.

mod changes;
mod environments;
mod one_more;
mod python;
mod request_timeout;
mod valkey;

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use supervise::{
    graph::Graph,
    spec::{Listener, StopStep},
};

use supervise::spec::{EnvValue, RestartMode, ServiceName, ServiceSpec};

use super::{postgres::Pools, process::percent, *};
use crate::{
    config::{
        self,
        paths::Paths,
        settings::{CustomKind, CustomProbe, CustomReload, CustomService, Settings},
    },
    secrets::{SecretKind, SecretStore},
    stack::{RenderedFile, Stack},
};

pub(super) fn settings(profile: &str) -> Settings {
    settings_with(profile, "")
}

/// With these lines of a file.
pub(super) fn settings_with(profile: &str, lines: &str) -> Settings {
    config::of_profile(schema(), profile, lines).unwrap()
}

const WITHOUT_OPEN_WEBUI: &str = "open_webui.enabled = false";

fn paths() -> Paths {
    Paths {
        config: "/gw/gateway.toml".into(),
        state: "/gw/state".into(),
        run: "/gw/run".into(),
    }
}

/// What set-up leaves for these services: what they have declared, and nothing else.
fn installed(services: &[&Service], settings: &Settings) -> Installation {
    let catalog = catalog_of(services);
    let programs = catalog.wanted(settings).programs.into_iter();
    let programs = programs.map(|(program, named)| {
        let found = match program.name {
            "postgres_bin" => "/pg/bin".into(),
            name => Path::new("/usr/sbin").join(name),
        };
        (program.name, named.unwrap_or(found))
    });
    let payloads = catalog.needed(settings).into_iter();
    let payloads =
        payloads.map(|payload| (payload.name, Path::new("/payloads").join(payload.name)));
    Installation {
        programs: programs.collect(),
        node_bin: "/payloads/tools/bin".into(),
        payloads: payloads.collect(),
        parts: [(open_webui::FRONTEND, "/payloads/open-webui/frontend".into())].into(),
        ai_gateway: "/usr/bin/ai-gateway".into(),
    }
}

/// Values that could be nothing else, and that need escaping in an address.
fn fake(kind: SecretKind) -> String {
    format!("sk-FAKE/{}@:%?&", kind.file_name)
}

fn secrets() -> Secrets {
    let folder = tempfile::tempdir().unwrap();
    let store = SecretStore::new(folder.path().to_owned());
    for kind in catalog().secrets().iter().copied() {
        fs::write(store.path(kind), fake(kind)).unwrap();
        fs::set_permissions(store.path(kind), fs::Permissions::from_mode(0o600)).unwrap();
    }
    Secrets::load(&store).unwrap()
}

fn custom() -> CustomService {
    CustomService {
        name: ServiceName::new("ticker").unwrap(),
        kind: CustomKind::Daemon,
        success_exit: [3].into(),
        reload: Some(CustomReload::Signal(1)),
        command: ["/usr/bin/ticker", "--quiet"].map(str::to_owned).to_vec(),
        environment: [("TOKEN".to_owned(), "theirs".to_owned())].into(),
        environment_file: None,
        listen: vec![
            Listener::Tcp(([127, 0, 0, 1], 8080).into()),
            Listener::Unix("/srv/ticker.sock".into()),
        ],
        requires: vec![litellm::SERVICE.service_name()],
        probe: Some(CustomProbe::Http("http://127.0.0.1:9/up".into())),
        restart: RestartMode::OnFailure,
        start_timeout: Duration::from_secs(7),
        recycle: true,
        stop_timeout: Duration::from_secs(8),
    }
}

fn planned(settings: &Settings) -> Stack {
    plan(
        &ALL,
        settings,
        &paths(),
        &installed(&ALL, settings),
        &secrets(),
        Some(65_536),
    )
}

fn every_command(spec: &ServiceSpec) -> Vec<&supervise::spec::Command> {
    let mut commands = vec![&spec.command];
    commands.extend(&spec.startup.post_start);
    for step in &spec.stop {
        if let StopStep::Run { command, .. } = step {
            commands.push(command);
        }
    }
    commands
}

fn file<'a>(stack: &'a Stack, name: &str) -> &'a str {
    let found = stack.files.iter().find(|file| file.path.ends_with(name));
    &found.unwrap().contents
}

#[test]
fn the_plan_of_a_small_machine() {
    let mut settings = settings("small");
    settings.custom = vec![custom()];
    let stack = planned(&settings);
    insta::assert_snapshot!("folders", lines(&stack.folders));
    for spec in &stack.services {
        insta::assert_debug_snapshot!(format!("service_{}", spec.name), spec);
    }
    // What is copied as it stands needs no second copy.
    let rendered = |file: &&RenderedFile| file.path.extension().is_none_or(|kind| kind != "py");
    for file in stack.files.iter().filter(rendered) {
        let name = file.path.file_name().unwrap().to_str().unwrap();
        insta::assert_snapshot!(format!("file_{name}"), file.contents);
    }
}

fn lines(paths: &[PathBuf]) -> String {
    paths.iter().fold(String::new(), |mut text, path| {
        writeln!(text, "{}", path.display()).unwrap();
        text
    })
}

fn pools(settings: &Settings) -> Pools {
    let pools = ALL.iter().map(|of| (of.database_pools)(settings));
    Pools::plan(settings, pools.sum())
}

/// What a profile changes: sizes, workers and pools.
#[test]
fn the_plans_of_the_profiles() {
    let mut text = String::new();
    for profile in ["tiny", "small", "medium", "large", "local"] {
        let settings = settings(profile);
        let stack = planned(&settings);
        writeln!(text, "# {profile}: {:?}", pools(&settings)).unwrap();
        for service in &stack.services {
            writeln!(text, "{}: {:?}", service.name, service.limits).unwrap();
        }
        let sizes = [
            "_mem ",
            "_buffers",
            "_cache",
            "max_wal",
            "max_conn",
            "worker_processes",
        ];
        let of_programs = |file: &&RenderedFile| file.path.extension() != Some("py".as_ref());
        let files = stack.files.iter().filter(of_programs);
        for line in files.flat_map(|file| file.contents.lines()) {
            if sizes.iter().any(|size| line.contains(size)) {
                writeln!(text, "{line}").unwrap();
            }
        }
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

#[test]
fn no_secret_is_in_arguments_plain_variables_or_debug_output() {
    let mut settings = settings("small");
    settings.custom = vec![custom()];
    let stack = planned(&settings);
    let secret = |text: &str| text.contains("FAKE") || text.contains("theirs");
    for spec in &stack.services {
        for command in every_command(spec) {
            assert!(!command.args.iter().any(|argument| secret(argument)));
            for (name, value) in &command.env {
                if let EnvValue::Plain(value) = value {
                    assert!(!secret(value), "{name}");
                }
            }
        }
    }
    assert!(!secret(&format!("{stack:?} {:?}", secrets())));
}

#[test]
fn every_secret_reaches_whom_it_is_for() {
    let stack = planned(&settings("small"));
    let has = |service: &str, variable: &str, value: &str| {
        let spec = stack
            .services
            .iter()
            .find(|spec| spec.name.as_str() == service);
        let found = spec.unwrap().command.env[variable].expose();
        assert!(found.contains(value), "{service} {variable}: {found}");
    };
    has(
        litellm::NAME,
        "LITELLM_MASTER_KEY",
        &fake(litellm::MASTER_KEY),
    );
    has(litellm::NAME, "LITELLM_SALT_KEY", &fake(litellm::SALT_KEY));
    has(litellm::NAME, "UI_PASSWORD", &fake(litellm::UI_PASSWORD));
    has(
        litellm::NAME,
        "DATABASE_URL",
        &percent(&fake(litellm::DATABASE_PASSWORD)),
    );
    has(
        open_webui::NAME,
        "WEBUI_SECRET_KEY",
        &fake(open_webui::SECRET_KEY),
    );
    has(
        open_webui::NAME,
        "OPENAI_API_KEY",
        &fake(open_webui::VIRTUAL_KEY),
    );
    has(
        open_webui::NAME,
        "DATABASE_URL",
        &percent(&fake(open_webui::DATABASE_PASSWORD)),
    );
    let master = fake(litellm::MASTER_KEY);
    for spec in stack
        .services
        .iter()
        .filter(|spec| spec.name.as_str() != litellm::NAME)
    {
        let environment = spec.command.env.values();
        assert!(
            environment
                .map(EnvValue::expose)
                .all(|value| value != master)
        );
    }
}

#[test]
fn every_service_has_a_folder_of_its_own_and_every_folder_is_made() {
    let mut settings = settings("local");
    settings.custom = vec![custom()];
    let stack = planned(&settings);
    let mut own: Vec<_> = stack
        .services
        .iter()
        .map(|spec| &spec.command.cwd)
        .collect();
    own.sort();
    own.dedup();
    assert_eq!(own.len(), stack.services.len());
    assert!(own.iter().all(|folder| stack.folders.contains(folder)));
    for file in &stack.files {
        assert!(
            stack
                .folders
                .contains(&file.path.parent().unwrap().to_owned())
        );
    }
    // A folder comes after the one that it is in.
    for (place, folder) in stack.folders.iter().enumerate() {
        let above = folder.parent().unwrap();
        let found = stack.folders.iter().position(|other| other == above);
        assert!(
            found.is_none_or(|found| found < place),
            "{}",
            folder.display()
        );
    }
}

/// Without cgroups, what is left of a service is found by the folder that it works in.
#[test]
fn the_database_is_started_where_its_processes_go() {
    let stack = planned(&settings("local"));
    let postgres = stack
        .services
        .iter()
        .find(|spec| spec.name.as_str() == "postgres");
    let command = &postgres.unwrap().command;
    let data = command.args.iter().skip_while(|arg| *arg != "-D").nth(1);
    assert_eq!(Some(command.cwd.as_path()), data.map(Path::new));
}

/// The budget is in LiteLLM's file and nowhere else: a reload compares specifications.
#[test]
fn a_file_that_changes_changes_the_service_that_reads_it() {
    let mut settings = settings("small");
    let before = planned(&settings);
    assert_eq!(before.services, planned(&settings).services);
    settings.budget.usd = 200.0;
    let after = planned(&settings);
    let services = before.services.iter().zip(&after.services);
    let changed: Vec<&str> = services
        .filter(|(before, after)| before != after)
        .map(|(_, after)| after.name.as_str())
        .collect();
    assert_eq!(changed, [litellm::NAME]);
}

#[test]
fn the_services_make_a_graph() {
    for (lines, count) in [("", 5), (WITHOUT_OPEN_WEBUI, 4)] {
        let mut settings = settings_with("small", lines);
        settings.custom = vec![custom()];
        let stack = planned(&settings);
        Graph::new(&stack.services).unwrap();
        assert_eq!(stack.services.len(), count);
    }
}

#[test]
fn without_open_webui_the_front_says_so_and_nobody_gets_its_key() {
    let settings = settings_with("small", WITHOUT_OPEN_WEBUI);
    let stack = planned(&settings);
    let config = file(&stack, "nginx.conf");
    assert!(config.contains("Open WebUI is not a part of this gateway"));
    assert!(!config.contains("open-webui/http.sock"));
    let text = format!("{:?}", stack.services);
    assert!(!text.contains("AI_GATEWAY_PSQL"));
}

#[test]
fn an_address_for_everybody_is_reached_by_loopback() {
    let mut settings = settings("small");
    for (all, loopback) in [
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("10.0.0.7", "10.0.0.7"),
    ] {
        settings.listen.admin_address = all.parse().unwrap();
        let stack = planned(&settings);
        let config = file(&stack, "nginx.conf");
        let listen = SocketAddr::new(settings.listen.admin_address, 4000);
        assert!(config.contains(&format!("listen {listen};")), "{config}");
        // The other port is where it was.
        assert!(config.contains("listen 127.0.0.1:3000;"), "{config}");
        let asked = format!("http://{loopback}:4000/v1");
        assert_eq!(open_webui::api_base(&settings.listen), asked);
    }
}

//! Machines as data, and what is to be done on them.

use super::*;
use crate::{
    config,
    config::settings::Settings,
    provision::{
        fixtures::{self, ENGINE, LITELLM, NATIVE_ENGINE, OPEN_WEBUI, TOOLS},
        model::{
            ChosenPython, DatabaseState, FoundProgram, Generation, Generations, Python,
            SetUpRecord, Tables,
        },
    },
    services,
};

fn settings() -> Settings {
    settings_with("")
}

/// With these lines of a file.
fn settings_with(lines: &str) -> Settings {
    config::of_profile(services::schema(), "local", lines).unwrap()
}

fn paths() -> Paths {
    Paths::find(
        |n| (n == "AI_GATEWAY_HOME").then(|| "/srv/gw".into()),
        false,
    )
    .unwrap()
}

mod brought_python;

/// Debian 12 with everything that the packages bring, and nothing set up.
fn fresh() -> Survey {
    Survey {
        pythons: vec![python("/usr/bin/python3.11", (3, 11, 2))],
        node: Some(Node {
            path: "/usr/bin/node".into(),
            major: 18,
        }),
        programs: [
            (
                "postgres_bin",
                vec![found("/usr/lib/postgresql/15/bin", "15")],
            ),
            ("nginx", vec![found("/usr/sbin/nginx", "1.22.1")]),
        ]
        .into(),
        disk_free: 10_000 * MB,
        secrets_missing: crate::services::catalog().secrets().to_vec(),
        ..Survey::default()
    }
}

fn found(path: &str, version: &str) -> FoundProgram {
    FoundProgram {
        path: path.into(),
        version: Some(version.into()),
    }
}

fn python(path: &str, version: (u32, u32, u32)) -> Python {
    Python {
        path: path.into(),
        version,
        ensurepip: true,
    }
}

/// The same machine after set-up.
fn done(wanted: &Wanted) -> Survey {
    let named = wanted.payloads.iter();
    let named = named.map(|(payload, folder)| (payload.name.to_owned(), folder.clone()));
    let payloads: BTreeMap<_, _> = named.collect();
    let migrations = wanted.tables.iter();
    let migrations = migrations.filter_map(|tables| {
        let folder = wanted.folder(tables.payload.name)?;
        Some((tables.name.to_owned(), folder.to_owned()))
    });
    let database = DatabaseState {
        cluster: Some(1),
        roles: Some("roles".into()),
        migrations: migrations.collect(),
        ..DatabaseState::default()
    };
    Survey {
        complete: wanted.payloads.iter().cloned().collect(),
        folders: payloads.clone().into_iter().collect(),
        links: payloads.clone(),
        generations: Generations {
            current: Some(Generation {
                payloads,
                database: database.clone(),
            }),
            previous: None,
        },
        cluster: Some(1),
        cluster_major: Some(15),
        secrets_missing: vec![],
        roles: Some("roles".into()),
        record: SetUpRecord {
            database,
            ..SetUpRecord::default()
        },
        ..fresh()
    }
}

fn roles() -> SetupStep {
    SetupStep::Roles(fixtures::roles())
}

fn migrate(tables: Tables, wanted: &Wanted) -> SetupStep {
    let folder = wanted.folder(tables.payload.name).unwrap();
    SetupStep::Migrate(tables, folder.to_owned())
}

fn make(settings: &Settings, facts: &Survey) -> Plan {
    plan(&paths(), facts, &fixtures::wanted(settings))
}

#[test]
fn a_fresh_machine_gets_everything_in_an_order_that_works() {
    let plan = make(&settings(), &fresh());
    assert_eq!(plan.problems, []);
    let folders = fixtures::wanted(&settings());
    let text = folders
        .payloads
        .iter()
        .filter_map(|(_, folder)| folder.rsplit_once('-'))
        .fold(plan.to_string(), |text, (version, _)| {
            text.replace(version, "VERSION")
        });
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_is_done_twice() {
    let wanted = fixtures::wanted(&settings());
    let plan = make(&settings(), &done(&wanted));
    assert_eq!(
        (plan.steps, plan.problems, plan.needed),
        (vec![], vec![], 0)
    );
}

#[test]
fn what_installs_is_always_our_own_whatever_the_machine_has() {
    let steps = make(&settings(), &fresh()).steps;
    let built = |payload| {
        let is = |step: &SetupStep| matches!(step, SetupStep::Build(made, _) if *made == payload);
        steps.iter().position(is).unwrap()
    };
    assert!(built(TOOLS) < built(ENGINE));
    assert!(built(TOOLS) < built(LITELLM));
}

#[test]
fn an_old_node_is_not_used() {
    let mut facts = fresh();
    facts.node = Some(Node {
        path: "/usr/bin/node".into(),
        major: 12,
    });
    let plan = make(&settings(), &facts);
    assert_eq!(plan.choice.node, None);
    assert_eq!(plan.problems, [], "the tools bring one");
}

#[test]
fn a_python_without_ensurepip_is_a_problem_only_for_the_tools() {
    let mut facts = fresh();
    facts.pythons[0].ensurepip = false;
    let problems = make(&settings(), &facts).problems;
    assert!(
        problems[0]
            .to_string()
            .contains("sudo apt install python3.11-venv"),
        "{problems:?}"
    );
    let wanted = fixtures::wanted(&settings());
    let tools = wanted.folder(TOOLS.name).unwrap().to_owned();
    facts.complete.insert((TOOLS, tools));
    assert_eq!(make(&settings(), &facts).problems, []);
}

#[test]
fn a_python_with_ensurepip_is_preferred() {
    let mut facts = fresh();
    facts.pythons[0].ensurepip = false;
    facts.pythons.push(python("/opt/python3.12", (3, 12, 4)));
    let plan = make(&settings(), &facts);
    let chosen = ChosenPython::OfTheMachine("/opt/python3.12".into());
    assert_eq!(plan.choice.python, Some(chosen));
}

#[test]
fn too_little_disk_is_said_with_its_sum_before_anything_is_done() {
    let mut facts = fresh();
    facts.disk_free = 900 * MB;
    let problem = make(&settings(), &facts).problems[0].to_string();
    assert!(
        problem.contains("900 MB free and 2010 MB are needed (tools 270 + engine 20 + litellm 600 + open-webui 800 + database 120 + spare 200)"),
        "{problem}"
    );
    let wanted = fixtures::wanted(&settings());
    let full = Survey {
        disk_free: 0,
        ..done(&wanted)
    };
    assert_eq!(
        make(&settings(), &full).problems,
        [],
        "nothing to do needs nothing"
    );
}

#[test]
fn all_that_is_in_the_way_is_said_at_once() {
    let facts = Survey {
        disk_free: 10_000 * MB,
        ..Survey::default()
    };
    let problems = make(&settings(), &facts).problems;
    let kinds: Vec<_> = problems
        .iter()
        .map(|problem| match problem {
            Problem::NoPython(_) => "python",
            Problem::NoProgram { name, .. } => name,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(kinds, ["python", "postgres_bin", "nginx"]);
}

#[test]
fn a_cluster_needs_the_programs_that_made_it() {
    let wanted = fixtures::wanted(&settings());
    let mut facts = done(&wanted);
    facts.cluster_major = Some(13);
    let problem = make(&settings(), &facts).problems[0].to_string();
    assert!(
        problem.contains("PostgreSQL 13") && problem.contains("/srv/gw/state/postgres"),
        "{problem}"
    );
    let server = facts.programs.get_mut("postgres_bin").unwrap();
    server.push(found("/usr/lib/postgresql/13/bin", "13"));
    let plan = make(&settings(), &facts);
    assert_eq!(plan.problems, []);
    let chosen = plan.choice.programs.iter();
    let chosen: Vec<_> = chosen
        .map(|(program, path)| (program.name, path.clone()))
        .collect();
    let server = ("postgres_bin", "/usr/lib/postgresql/13/bin".into());
    assert!(chosen.contains(&server), "{chosen:?}");
}

#[test]
fn another_cluster_gets_roles_and_migrations_again() {
    let wanted = fixtures::wanted(&settings());
    let mut facts = done(&wanted);
    facts.cluster = Some(2);
    assert_eq!(
        make(&settings(), &facts).steps,
        [
            roles(),
            migrate(fixtures::LITELLM_TABLES, &wanted),
            migrate(fixtures::OPEN_WEBUI_TABLES, &wanted),
        ]
    );
}

#[test]
fn a_changed_password_is_set_and_nothing_else_is_done() {
    let wanted = fixtures::wanted(&settings());
    let mut facts = done(&wanted);
    facts.roles = Some("other".into());
    assert_eq!(make(&settings(), &facts).steps, [roles()]);
}

#[test]
fn a_running_gateway_is_in_the_way_of_its_database_only() {
    let wanted = fixtures::wanted(&settings());
    let mut facts = done(&wanted);
    facts.server = Some(4711);
    assert_eq!(make(&settings(), &facts).problems, []);
    facts.roles = Some("other".into());
    let problem = make(&settings(), &facts).problems[0].to_string();
    assert!(
        problem.contains("process 4711") && problem.contains("ai-gateway stop"),
        "{problem}"
    );
}

#[test]
fn without_open_webui_nothing_of_it_is_made() {
    let settings = settings_with("open_webui.enabled = false");
    let text = make(&settings, &fresh()).to_string();
    assert!(
        !text.contains("Open WebUI") && !text.contains("open-webui/"),
        "{text}"
    );
}

#[test]
fn a_native_engine_is_one_more_payload_or_a_program_that_must_be_there() {
    let settings = settings_with(&format!(
        "[engine]\nkind = \"download\"\nurl = \"https://h.example/engine\"\nsha256 = \"{}\"",
        "0123456789abcdef".repeat(4)
    ));
    let steps = make(&settings, &fresh()).steps;
    let folder = "sha256-01234567".to_owned();
    assert!(steps.contains(&SetupStep::Build(NATIVE_ENGINE, folder)));
    let settings = settings_with("[engine]\nkind = \"program\"\npath = \"/opt/engine\"");
    let problems = make(&settings, &fresh()).problems;
    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["[engine] path names /opt/engine, which is no program"]
    );
    let mut facts = fresh();
    let engine = FoundProgram {
        path: "/opt/engine".into(),
        version: None,
    };
    facts.programs.insert("query_engine", vec![engine]);
    assert_eq!(make(&settings, &facts).problems, []);
}

#[test]
fn another_lock_is_another_folder() {
    let wanted = fixtures::wanted(&settings());
    let mut facts = done(&wanted);
    facts.complete.retain(|(payload, _)| *payload != OPEN_WEBUI);
    let folder = wanted.folder(OPEN_WEBUI.name).unwrap().to_owned();
    let old = |payloads: &mut BTreeMap<String, String>, name: &str| {
        payloads.insert(name.to_owned(), "0.1-01234567".to_owned());
    };
    old(&mut facts.links, "open-webui");
    old(
        &mut facts.generations.current.as_mut().unwrap().payloads,
        "open-webui",
    );
    old(&mut facts.record.database.migrations, "open_webui");
    let payloads = wanted.payloads.iter();
    let payloads = payloads.map(|(payload, folder)| (payload.name.to_owned(), folder.clone()));
    assert_eq!(
        make(&settings(), &facts).steps,
        [
            SetupStep::Build(OPEN_WEBUI, folder.clone()),
            migrate(fixtures::OPEN_WEBUI_TABLES, &wanted),
            SetupStep::Switch(Switch {
                payloads: payloads.collect(),
                changed: vec![(OPEN_WEBUI, folder)],
            }),
        ]
    );
}

#[test]
fn a_payload_that_is_switched_off_stays_in_the_generation() {
    let with = fixtures::wanted(&settings());
    let facts = done(&with);
    let settings = settings_with("open_webui.enabled = false");
    assert_eq!(make(&settings, &facts).steps, []);
}

#[test]
fn a_link_that_points_elsewhere_is_put_right() {
    let wanted = fixtures::wanted(&settings());
    let mut facts = done(&wanted);
    facts.links.remove("litellm");
    let steps = make(&settings(), &facts).steps;
    let [SetupStep::Switch(switch)] = &steps[..] else {
        panic!("{steps:?}");
    };
    let folder = wanted.folder(LITELLM.name).unwrap().to_owned();
    assert_eq!(switch.changed, [(LITELLM, folder)]);
}

//! What a person who writes `gateway.toml` sees.

use super::*;

/// A machine with "2 GB", as it reports itself.
const SMALL: Machine = Machine {
    memory_bytes: 2_083_000_000,
    cpus: 2,
};

pub(super) fn load_text(text: &str) -> Result<Loaded, Report> {
    load_all(text, &[], &[], Some(SMALL))
}

fn load_all(
    text: &str,
    env: &[(&str, &str)],
    flags: &[(&str, &str)],
    machine: Option<Machine>,
) -> Result<Loaded, Report> {
    load(&Input {
        file: Some(("gateway.toml".into(), text.into())),
        env: &|name| {
            let found = env.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        },
        flags,
        machine,
    })
}

fn report(text: &str) -> String {
    load_text(text).unwrap_err().to_string()
}

/// The titles of the problems that there are.
fn titles(text: &str) -> Vec<String> {
    let report = load_text(text).unwrap_err();
    report.titles().map(str::to_owned).collect()
}

#[test]
fn nothing_said_is_enough() {
    let loaded = load_text("").unwrap();
    assert_eq!(loaded.settings.profile, "small");
    assert_eq!(loaded.settings.listen.port, 3000);
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let no_file = Input {
        file: None,
        env: &|_| None,
        flags: &[],
        machine: Some(SMALL),
    };
    let without = load(&no_file).unwrap();
    assert_eq!(without.settings, loaded.settings);
    assert_eq!(without.rows, loaded.rows);
}

fn row<'a>(loaded: &'a Loaded, key: &str) -> (Option<&'a str>, String) {
    let row = loaded.rows.iter().find(|row| row.key == key).unwrap();
    (row.value.as_deref(), row.origin.to_string())
}

#[test]
fn every_layer_covers_the_one_below_and_says_so() {
    let key = "litellm.workers";
    let file = "profile = \"small\"\n[litellm]\nworkers = 2\n";
    let env: &[_] = &[("AI_GATEWAY_WORKERS", "3")];
    let flags: &[_] = &[(key, "4"), ("listen.port", "80")];
    let profile = load_all("profile = \"small\"", &[], &[], None).unwrap();
    assert_eq!(row(&profile, key), (Some("1"), "profile small".into()));
    assert_eq!(row(&profile, "profile").1, "gateway.toml:1");
    assert_eq!(
        row(&profile, "listen.port"),
        (Some("3000"), "default".into())
    );
    let loaded = load_all(file, &[], &[], None).unwrap();
    assert_eq!(row(&loaded, key), (Some("2"), "gateway.toml:3".into()));
    let loaded = load_all(file, env, &[], None).unwrap();
    let from_env = "environment AI_GATEWAY_WORKERS".into();
    assert_eq!(row(&loaded, key), (Some("3"), from_env));
    let loaded = load_all(file, env, flags, None).unwrap();
    assert_eq!(
        row(&loaded, key),
        (Some("4"), "flag litellm.workers".into())
    );
    assert_eq!(loaded.settings.litellm.workers, 4);
    let from_flag = "flag --port".into();
    assert_eq!(row(&loaded, "listen.port"), (Some("80"), from_flag));
}

#[test]
fn a_profile_that_does_not_fit_is_shown_with_its_sum() {
    insta::assert_snapshot!(report("profile = \"medium\""), @r#"
    error: profile "medium" does not fit this machine
     --> gateway.toml:1:11
      |
    1 | profile = "medium"
      |           ^^^^^^^^ 3200 MB for the services, and this machine has 2020 MB for them
      |
      = note: the memory limits are
                postgres          480 MB
                litellm          1780 MB
                open-webui        880 MB
                nginx              60 MB
                sum              3200 MB
                this machine     2020 MB, 97 % of 2083 MB
      = help: profile = "small" is the largest that fits, with 1600 MB
    "#);
}

#[test]
fn services_in_a_circle_are_shown_with_the_path() {
    let text = r#"
[service.a]
command = ["/a"]
requires = ["b"]
[service.b]
command = ["/b"]
requires = ["c", "postgres"]
[service.c]
command = ["/c"]
requires = ["a"]
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: services require each other in a circle: a -> b -> c -> a
      --> gateway.toml:4:13
       |
     4 | requires = ["b"]
       |             ^^^ a waits for b
    ...
     7 | requires = ["c", "postgres"]
       |             ^^^ b waits for c
    ...
    10 | requires = ["a"]
       |             ^^^ c waits for a
       |
       = help: none of them could ever start: take one of these away
    "#);
}

#[test]
fn every_mistake_is_shown_at_once() {
    let text = r#"profile = "smal"
budget = -5
[listen]
prot = 80
port = 70000
admin_port = "4000"
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: `profile` has no such value
     --> gateway.toml:1:11
      |
    1 | profile = "smal"
      |           ^^^^^^ expected "tiny", "small", "medium", "large" or "local"
      |
      = help: did you mean "small"?

    error: `budget` is below zero
     --> gateway.toml:2:10
      |
    2 | budget = -5
      |          ^^ expected 0.01 or more
      |
      = help: to have all requests refused: 'ai-gateway stop litellm'

    error: there is no key `listen.prot`
     --> gateway.toml:4:1
      |
    4 | prot = 80
      | ^^^^ not known in [listen]
      |
      = help: did you mean `port`?

    error: `listen.port` is out of range
     --> gateway.toml:5:8
      |
    5 | port = 70000
      |        ^^^^^ expected a port from 1 to 65535
      |
      = help: for example: port = 3000

    error: `listen.admin_port` has the wrong type
     --> gateway.toml:6:14
      |
    6 | admin_port = "4000"
      |              ^^^^^^ expected a port from 1 to 65535, found text
      |
      = help: write it without quotes: 4000
    "#);
}

#[test]
fn every_mistake_with_services_is_shown_at_once() {
    let text = r#"[limits.litllm]
cpus = 1
[limits.nginx]
memory_max = "1 MB"
memory_high = "20M"
cpus = 0
[service.mailer]
command = "/bin/mailer -v"
requires = ["postgrs"]
[service.nginx]
command = ["bin/nginx"]
[service.Big]
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: there is no service "litllm" to limit
     --> gateway.toml:1:9
      |
    1 | [limits.litllm]
      |         ^^^^^^ not known
      |
      = help: did you mean `litellm`?

    error: `limits.nginx.memory_max` is too small
     --> gateway.toml:4:14
      |
    4 | memory_max = "1 MB"
      |              ^^^^^^ nginx cannot run in 1 MB
      |
      = help: at least "8 MB"

    error: `limits.nginx.memory_high` is not clear
     --> gateway.toml:5:15
      |
    5 | memory_high = "20M"
      |               ^^^^^ thousands or 1024s?
      |
      = help: "20 MB" counts in thousands, "20 MiB" in 1024s

    error: `limits.nginx.cpus` is out of range
     --> gateway.toml:6:8
      |
    6 | cpus = 0
      |        ^ with 0 CPUs it would never run
      |
      = help: for example: cpus = 0.9

    error: `service.mailer.command` has the wrong type
     --> gateway.toml:8:11
      |
    8 | command = "/bin/mailer -v"
      |           ^^^^^^^^^^^^^^^^ expected an array: the program and its arguments, found text
      |
      = help: no shell reads it: ["/bin/mailer", "-v"]

    error: "mailer" requires "postgrs", and there is no such service
     --> gateway.toml:9:13
      |
    9 | requires = ["postgrs"]
      |             ^^^^^^^^^ not known
      |
      = help: did you mean `postgres`?

    error: the name "nginx" is taken
      --> gateway.toml:10:10
       |
    10 | [service.nginx]
       |          ^^^^^ the gateway has a service of that name
       |
       = help: its limits are set in [limits.nginx]

    error: `service.nginx.command` is not an absolute path
      --> gateway.toml:11:12
       |
    11 | command = ["bin/nginx"]
       |            ^^^^^^^^^^^ has to begin with /
       |
       = help: for example: command = ["/usr/local/bin/mailer", "--port", "8025"]

    error: "Big" cannot name a service
      --> gateway.toml:12:10
       |
    12 | [service.Big]
       |          ^^^ expected a lower-case letter, then lower-case letters, digits or dashes, at most 32 in all
    "#);
}

#[test]
fn variables_and_flags_are_shown_as_they_were_typed() {
    let env: &[_] = &[("AI_GATEWAY_PORT", "abc"), ("AI_GATEWAY_BUDGET", "nan")];
    let flags: &[_] = &[
        ("listen.port", "0"),
        ("litellm.workers", "0"),
        ("listen.prot", "1"),
    ];
    insta::assert_snapshot!(load_all("", env, flags, None).unwrap_err(), @r#"
    error: `budget` is no amount
     |
     | AI_GATEWAY_BUDGET=nan
     |                   ^^^ not a finite number
     |
     = help: "unlimited" is 1000 US dollars: a budget is a brake, so there is always one

    error: `listen.port` has the wrong type
     |
     | AI_GATEWAY_PORT=abc
     |                 ^^^ expected a port from 1 to 65535, found text

    error: `listen.port` is out of range
     |
     | --port=0
     |        ^ expected a port from 1 to 65535

    error: `litellm.workers` is out of range
     |
     | litellm.workers=0
     |                 ^ expected a whole number from 1 to 64

    error: there is no key `listen.prot`
     |
     | listen.prot=1
     | ^^^^^^^^^^^ not known
     |
     = help: did you mean `listen.port`?
    "#);
}

#[test]
fn a_text_that_is_no_toml_is_still_read_to_its_end() {
    let text = "budget = = 3\nprot = 3\n[listen]\nport = true\n";
    insta::assert_snapshot!(report(text), @r#"
    error: this is not TOML
     --> gateway.toml:1:10
      |
    1 | budget = = 3
      |          ^ extra `=`

    error: there is no key `prot`
     --> gateway.toml:2:1
      |
    2 | prot = 3
      | ^^^^ not known at the top of the file
      |
      = help: `port` belongs in [listen]

    error: `listen.port` has the wrong type
     --> gateway.toml:4:8
      |
    4 | port = true
      |        ^^^^ expected a port from 1 to 65535, found true
      |
      = help: for example: port = 3000
    "#);
}

#[test]
fn what_was_not_understood_leads_to_no_conclusion() {
    // Port 3000, the default, must not be held against the admin port.
    assert_eq!(
        titles("listen = { port = \"x\", admin_port = 3000 }"),
        ["`listen.port` has the wrong type"]
    );
    // Nor may a port on a line that is no TOML, ...
    assert_eq!(
        titles("listen.admin_port = 3000\nlisten.port = = 5"),
        ["this is not TOML"]
    );
    // ... or a sum with a limit that is not known.
    assert_eq!(
        titles("profile = \"medium\"\nlimits.nginx.memory_max = true"),
        ["`limits.nginx.memory_max` has the wrong type"]
    );
    // A stronger layer says what holds, and that counts.
    let env: &[_] = &[("AI_GATEWAY_PORT", "4000")];
    let report = load_all("listen.port = true", env, &[], None).unwrap_err();
    assert_eq!(report.count(), 2, "{report}");
}

#[test]
fn limits_that_do_not_fit_are_shown_where_they_are_set() {
    let text = "[limits.litellm]\nmemory_max = \"1.5 GB\"\n[limits.mailer]\nmemory_max = \"20 MB\"\n[service.mailer]\ncommand = [\"/a\"]\n";
    insta::assert_snapshot!(report(text), @r#"
    error: the memory limits do not fit this machine
     --> gateway.toml:2:14
      |
    2 | memory_max = "1.5 GB"
      |              ^^^^^^^^ litellm: 1500 MB
    3 | [limits.mailer]
    4 | memory_max = "20 MB"
      |              ^^^^^^^ mailer: 20 MB
      |
      = note: the memory limits are
                postgres          200 MB
                litellm          1500 MB
                open-webui        460 MB
                nginx              40 MB
                mailer             20 MB
                sum              2220 MB
                this machine     2020 MB, 97 % of 2083 MB
      = help: lower them by 200 MB in all
    "#);
    // Open WebUI's share is free where it is off.
    let off = format!("open_webui.enabled = false\n{text}");
    load_text(&off).unwrap();
    // Nothing is summed up that is not limited.
    load_text(&text.replace("1.5 GB", "none")).unwrap();
}

#[test]
fn a_machine_that_no_profile_fits_is_told_so() {
    let machine = Machine {
        memory_bytes: 500_000_000,
        cpus: 1,
    };
    let report = load_all("", &[], &[], Some(machine)).unwrap_err();
    insta::assert_snapshot!(report, @r#"
    error: profile "tiny" does not fit this machine
     |
     = note: the memory limits are
               postgres           80 MB
               litellm           500 MB
               open-webui        355 MB
               nginx              20 MB
               sum               955 MB
               this machine      485 MB, 97 % of 500 MB
     = note: "tiny" is the smallest profile
     = help: profile = "local" limits nothing, at the risk of the whole machine
    "#);
    load_all("profile = \"local\"", &[], &[], Some(machine)).unwrap();
}

#[test]
fn values_that_contradict_one_another_are_shown_together() {
    let text = r#"listen.port = 4000
[limits.litellm]
memory_high = "1 GB"
[limits.nginx]
memory_max = "30 MB"
memory_high = "40 MB"
[engine]
kind = "download"
url = "https://example.org/engine"
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: `listen.port` and `listen.admin_port` are the same port, 4000
     --> gateway.toml:1:15
      |
    1 | listen.port = 4000
      |               ^^^^ `listen.port` is 4000
      |
      = note: `listen.admin_port` is 4000 by default
      = help: give one of them another, such as 4001

    error: `limits.litellm.memory_high` is above `limits.litellm.memory_max`
     --> gateway.toml:3:15
      |
    3 | memory_high = "1 GB"
      |               ^^^^^^ 1 GB would never be reached
      |
      = note: `limits.litellm.memory_max` is "900 MB" by profile small

    error: `limits.nginx.memory_high` is above `limits.nginx.memory_max`
     --> gateway.toml:6:15
      |
    5 | memory_max = "30 MB"
      |              ------- it is killed at 30 MB
    6 | memory_high = "40 MB"
      |               ^^^^^^^ 40 MB would never be reached

    error: `engine.sha256` is missing
     --> gateway.toml:8:8
      |
    8 | kind = "download"
      |        ^^^^^^^^^^ kind "download" needs it
    "#);
}

#[test]
fn a_key_that_was_removed_is_a_warning_and_has_no_effect() {
    let text = "\
[diet]
lazy_types = false
copied_pieces = false
lazy_models = 7
short_queries = true
lazy_openai = true
failed_imports = false
";
    let loaded = load_text(text).unwrap();
    assert!(!loaded.settings.diet.lazy_types);
    insta::assert_snapshot!(loaded.warnings, @r#"
    warning: `diet.copied_pieces` has no effect any more
     --> gateway.toml:3:1
      |
    3 | copied_pieces = false
      | ^^^^^^^^^^^^^ this key was removed
      |
      = help: take it out of the file: it saved too little for what it depended on

    warning: `diet.lazy_models` has no effect any more
     --> gateway.toml:4:1
      |
    4 | lazy_models = 7
      | ^^^^^^^^^^^ this key was removed
      |
      = help: take it out of the file: it changed what plugins see of Pydantic's models

    warning: `diet.short_queries` has no effect any more
     --> gateway.toml:5:1
      |
    5 | short_queries = true
      | ^^^^^^^^^^^^^ this key was removed
      |
      = help: take it out of the file: it saved nothing that could be told from noise

    warning: `diet.lazy_openai` has no effect any more
     --> gateway.toml:6:1
      |
    6 | lazy_openai = true
      | ^^^^^^^^^^^ this key was removed
      |
      = help: take it out of the file: the first chat imports what it put off

    warning: `diet.failed_imports` has no effect any more
     --> gateway.toml:7:1
      |
    7 | failed_imports = false
      | ^^^^^^^^^^^^^^ this key was removed
      |
      = help: take it out of the file: it saved nothing that could be told from noise
    "#);
}

#[test]
fn what_is_allowed_and_unwise_is_a_warning() {
    let text = r#"[listen]
address = "0.0.0.0"
[litellm]
workers = 3
[engine]
path = "/engine"
[limits.nginx]
cpus = 8
"#;
    let loaded = load_text(text).unwrap();
    insta::assert_snapshot!(loaded.warnings, @r#"
    warning: other machines can reach the gateway at 0.0.0.0
     --> gateway.toml:2:11
      |
    2 | address = "0.0.0.0"
      |           ^^^^^^^^^ not a loopback address
      |
      = note: nothing encrypts what goes through this port

    warning: LiteLLM gets 3 workers, more than there are CPUs
     --> gateway.toml:4:11
      |
    4 | workers = 3
      |           ^ this machine has 2
      |
      = note: each takes about 600 MB, and they would wait for one another

    warning: `engine.path` has no effect
     --> gateway.toml:6:8
      |
    6 | path = "/engine"
      |        ^^^^^^^^^ not used with kind "wasm"

    warning: `limits.nginx.cpus` limits nothing: 8 CPUs
     --> gateway.toml:8:8
      |
    8 | cpus = 8
      |        ^ this machine has 2
    "#);
}

#[test]
fn every_word_of_an_array_is_looked_at() {
    let text = r#"[service.a]
command = ["a", 1, true]
environment = { A = 1, "B=" = "x" }
probe = { exec = ["b"], tcp = "x" }
"#;
    assert_eq!(load_text(text).unwrap_err().count(), 6);
}

#[test]
fn every_kind_of_probe_is_understood() {
    use settings::CustomProbe::{Exec, Http, Log, Notify, Tcp};
    for (text, probe) in [
        (
            "{ http = \"http://localhost:80/x\" }",
            Http("http://localhost:80/x".into()),
        ),
        (
            "{ http = \"http://localhost\" }",
            Http("http://localhost:80/".into()),
        ),
        (
            "{ http = \"http://[::1]/a\" }",
            Http("http://[::1]:80/a".into()),
        ),
        ("{ tcp = \"[::1]:25\" }", Tcp("[::1]:25".into())),
        (
            "{ exec = [\"/a\", \"b\"] }",
            Exec(vec!["/a".into(), "b".into()]),
        ),
        ("{ notify = true }", Notify),
        ("{ log = \"ready\" }", Log("ready".into())),
    ] {
        let text = format!("[service.a]\ncommand = [\"/a\"]\nprobe = {text}\n");
        let loaded = load_text(&text).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(loaded.settings.custom[0].probe, Some(probe), "{text}");
    }
    for text in [
        "{ http = \"https://a/\" }",
        "{ http = \"http://a b/\" }",
        "{ tcp = \"a\" }",
        "{ tcp = \"a:0\" }",
        "{ tcp = \"::1:80\" }",
        "{ http = \"http://::1/\" }",
        "{ exec = [] }",
        "{ notify = false }",
        "{ log = \"\" }",
        "{ htp = \"http://a/\" }",
        "{}",
        "{ tcp = \"a:1\", notify = true }",
    ] {
        let text = format!("[service.a]\ncommand = [\"/a\"]\nprobe = {text}\n");
        assert_eq!(titles(&text).len(), 1, "{text}");
    }
}

#[test]
fn a_service_of_the_users_own_gets_what_it_says_and_defaults() {
    let text = r#"[service.mailer]
command = ["/bin/mailer", "-v"]
environment = { TOKEN = "hunter2" }
requires = ["postgres"]
restart = "on-failure"
start_timeout = "2 min"
[limits.mailer]
memory_max = "100 MB"
cpus = 0.25
"#;
    let loaded = load_text(text).unwrap();
    let service = &loaded.settings.custom[0];
    assert_eq!(service.command, ["/bin/mailer", "-v"]);
    assert_eq!(service.environment["TOKEN"], "hunter2");
    assert_eq!(service.requires[0].as_str(), "postgres");
    assert_eq!(service.restart, supervise::spec::RestartMode::OnFailure);
    assert_eq!(service.start_timeout.as_secs(), 120);
    assert_eq!(service.stop_timeout.as_secs(), 10);
    let limits = &loaded.settings.limits["mailer"];
    assert_eq!(limits.memory_max, Some(100_000_000));
    assert_eq!(limits.memory_high, None);
    assert_eq!(limits.cpu_milli, Some(250));
    assert_eq!(limits.pids_max, None);
    // It may be a secret: `config show` names it and no more.
    let shown = row(&loaded, "service.mailer.environment").0.unwrap();
    assert_eq!(shown, "{ TOKEN = … }");
}

#[test]
fn the_local_profile_limits_nothing() {
    let loaded = load_text("profile = \"local\"").unwrap();
    assert_eq!(loaded.settings.litellm.workers, 4);
    for (service, limits) in &loaded.settings.limits {
        assert_eq!(limits, &supervise::spec::Limits::default(), "{service}");
    }
    assert!(loaded.warnings.is_empty());
}

#[test]
fn budgets_have_names() {
    for (text, usd) in [
        ("\"test\"", 15.0),
        ("\"prod\"", 200.0),
        ("\"unlimited\"", 1000.0),
        ("0.01", 0.01),
        ("2.5", 2.5),
        ("1e9", 1e9),
    ] {
        let loaded = load_text(&format!("budget = {text}")).unwrap();
        assert_eq!(loaded.settings.budget.usd, usd);
    }
    for text in [
        "-0.01", "nan", "inf", "-inf", "true", "\"50\"", "\"much\"", "1e10", "1e999",
    ] {
        assert_eq!(titles(&format!("budget = {text}")).len(), 1, "{text}");
    }
}

#[test]
fn a_budget_that_litellm_would_take_for_none_is_refused_wherever_it_is_set() {
    for text in [
        "0", "0.0", "-0", "-0.0", "1e-9", "0.009", "0e5", "5e-324", "1e-999",
    ] {
        let wrong = titles(&format!("budget = {text}"));
        assert!(
            matches!(wrong.as_slice(), [one] if one.starts_with("`budget` is ")),
            "{text}: {wrong:?}"
        );
        let variable = |name: &str| (name == "AI_GATEWAY_BUDGET").then(|| text.to_owned());
        let input = |env, flags| Input {
            file: None,
            env,
            flags,
            machine: None,
        };
        assert!(load(&input(&variable, &[])).is_err(), "{text}");
        assert!(
            load(&input(&|_| None, &[("budget", text)])).is_err(),
            "{text}"
        );
    }
}

fn paths(config: PathBuf) -> Paths {
    Paths {
        config,
        state: "/nowhere".into(),
        run: "/nowhere".into(),
    }
}

#[test]
fn a_file_need_not_be_there_but_must_be_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    let read = || read_with(&paths(path.clone()), &|_| None, &[], Some(SMALL));
    assert_eq!(read().unwrap().settings, load_text("").unwrap().settings);
    std::fs::write(&path, b"# a\nbudget = \xff").unwrap();
    let error = read().unwrap_err().to_string();
    assert!(
        error.ends_with("is not UTF-8 text at line 2, column 10"),
        "{error}"
    );
    std::fs::write(&path, "budget = 5").unwrap();
    assert_eq!(read().unwrap().settings.budget.usd, 5.0);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(read(), Err(LoadError::Read { .. })));
}

#[test]
fn what_is_there_twice_is_shown_with_the_first() {
    let text = r#"budget = prod
[litellm]
workers =
[service.a]
command = ["/a"]
[service.a] # again
command = ["/b"]
[limits.nginx]
cpus = 1
cpus = 2
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: this is not TOML
     --> gateway.toml:1:10
      |
    1 | budget = prod
      |          ^^^^ no number, and text has to be in quotes
      |
      = help: if it is text: "prod"

    error: this is not TOML
     --> gateway.toml:3:10
      |
    3 | workers =
      |          ^ expected a value

    error: `[service.a]` is there twice
     --> gateway.toml:6:1
      |
    4 | [service.a]
      | ----------- it is here already
    5 | command = ["/a"]
    6 | [service.a] # again
      | ^^^^^^^^^^^ this one is too many

    error: `cpus` is there twice
      --> gateway.toml:10:1
       |
     9 | cpus = 1
       | ---- it is here already
    10 | cpus = 2
       | ^^^^ this one is too many
    "#);
}

#[test]
fn a_text_that_nests_without_end_is_refused() {
    for text in [
        format!("a = {}", "[".repeat(20_000)),
        format!("a = {}", "{a=".repeat(20_000)),
        format!("{}a = 1", "a.".repeat(20_000)),
        format!("[{}a]", "a.".repeat(20_000)),
    ] {
        assert_eq!(load_text(&text).unwrap_err().count(), 1);
    }
}

#[test]
fn trusted_proxies_are_addresses_and_networks() {
    let proxies = |text: &str| {
        let loaded = load_text(text).unwrap();
        let texts: Vec<_> = loaded
            .settings
            .front
            .trusted_proxies
            .iter()
            .map(ToString::to_string)
            .collect();
        texts.join(" ")
    };
    assert_eq!(proxies(""), "");
    assert_eq!(
        proxies(
            "front.trusted_proxies = [\"10.0.0.2\", \"192.168.7.0/24\", \"fd00::/8\", \"::1/128\"]"
        ),
        "10.0.0.2 192.168.7.0/24 fd00::/8 ::1"
    );
    for wrong in [
        "10.0.0",
        "10.0.0.0/33",
        "::1/129",
        "10.0.0.0/+8",
        "all",
        "10.0.0.0/8/8",
    ] {
        let text = format!("front.trusted_proxies = [\"{wrong}\"]");
        assert!(load_text(&text).is_err(), "{wrong}");
    }
}

#[test]
fn the_first_account_has_an_address_that_open_webui_takes() {
    let email = |text: &str| {
        let loaded = load_text(&format!("open_webui.admin_email = \"{text}\""));
        loaded
            .ok()
            .map(|loaded| loaded.settings.open_webui.admin_email)
    };
    assert_eq!(email("Ada@Example.org").as_deref(), Some("ada@example.org"));
    assert_eq!(email("admin@localhost").as_deref(), Some("admin@localhost"));
    for wrong in [
        "",
        "ada",
        "ada@",
        "@example.org",
        "a@b@c.d",
        "ada@host",
        "a da@example.org",
        "ada@.org",
    ] {
        assert_eq!(email(wrong), None, "{wrong}");
    }
}

#[test]
fn a_table_in_the_wrong_place_leads_to_the_right_one() {
    let text = r#"listen = 3000
service = []
[limits]
memory_max = 3
[postgres]
memory_max = "1 GB"
[lisen]
port = 1
[open_webui.x]
"#;
    insta::assert_snapshot!(report(text), @r#"
    error: `listen` is a table
     --> gateway.toml:1:10
      |
    1 | listen = 3000
      |          ^^^^ expected [listen], found the number 3000
      |
      = help: for example: listen.port = 3000

    error: `service` is a table
     --> gateway.toml:2:11
      |
    2 | service = []
      |           ^^ expected [service.NAME], found an array

    error: there is no key `limits.memory_max`
     --> gateway.toml:4:1
      |
    4 | memory_max = 3
      | ^^^^^^^^^^ not known in [limits]
      |
      = help: `memory_max` belongs in [limits.NAME]

    error: there is no key `postgres.memory_max`
     --> gateway.toml:6:1
      |
    6 | memory_max = "1 GB"
      | ^^^^^^^^^^ not known in [postgres]
      |
      = help: `memory_max` belongs in [limits.postgres]

    error: there is no table `[lisen]`
     --> gateway.toml:7:2
      |
    7 | [lisen]
      |  ^^^^^ not known at the top of the file
      |
      = help: did you mean `listen`?

    error: there is no table `[open_webui.x]`
     --> gateway.toml:9:13
      |
    9 | [open_webui.x]
      |             ^ not known in [open_webui]
      |
      = help: what is known here: enabled, signup, admin_email, admin_name
    "#);
}

#[test]
fn leaks_are_looked_for_as_often_as_makes_sense_and_where_there_is_a_limit() {
    let said = load_text("[recycle]\nhour = \"23:30\"\nevery = \"30 s\"\n").unwrap();
    assert_eq!(said.settings.recycle.hour, Some(23 * 60 + 30));
    assert_eq!(row(&said, "recycle.hour").0, Some("\"23:30\""));
    let never = load_text("[recycle]\nhour = \"none\"\n").unwrap();
    assert_eq!(never.settings.recycle.hour, None);
    insta::assert_snapshot!(report("[recycle]\nhour = 4\nevery = \"2 h\"\n"), @r#"
    error: `recycle.hour` has the wrong type
     --> gateway.toml:2:8
      |
    2 | hour = 4
      |        ^ expected a time of the day such as "04:00", or "none", found the number 4
      |
      = help: for example: hour = "04:00"

    error: `recycle.every` is out of range
     --> gateway.toml:3:9
      |
    3 | every = "2 h"
      |         ^^^^^ expected 1 s to 30 min
      |
      = help: for example: every = "1 min"
    "#);
    let own = "[service.mailer]\ncommand = [\"/bin/mailer\"]\nrecycle = true\n";
    let loaded = load_text(own).unwrap();
    assert!(loaded.settings.custom[0].recycle);
    insta::assert_snapshot!(loaded.warnings.to_string(), @r#"
    warning: `service.mailer.recycle` has no effect
     --> gateway.toml:3:11
      |
    3 | recycle = true
      |           ^^^^ its memory has no limit to leak towards
      |
      = help: for example: [limits.mailer] memory_max = "200 MB"
    "#);
    let limited = format!("{own}[limits.mailer]\nmemory_max = \"20 MB\"\n");
    let warnings = load_text(&limited).unwrap().warnings;
    assert!(warnings.is_empty(), "{warnings}");
}

pub(crate) mod generated;
mod properties;
mod working_sets;

//! Values of every kind: what each may be, and what comes of it.

use super::*;

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
            schema: services::schema(),
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

#[test]
fn trusted_proxies_are_addresses_and_networks() {
    let proxies = |text: &str| {
        let loaded = load_text(text).unwrap();
        let texts: Vec<_> = loaded
            .values
            .networks("front.trusted_proxies")
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
            .map(|loaded| loaded.values.text("open_webui.admin_email").to_owned())
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

//! Secrets of the user's own: kept, listed, removed, and handed to the service that names them.

use std::{fs, os::unix::fs::PermissionsExt as _};

use assert_cmd::Command;

use crate::{
    bench::{Bench, free_port},
    set_up::{self, Running},
};

/// What a command prints, and its exit code.
fn told(command: &mut Command) -> (String, i32) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let code = output.status.code().unwrap();
    (String::from_utf8(text).unwrap(), code)
}

fn bench(more: &str) -> Bench {
    let bench = Bench::new();
    let (port, admin_port) = (free_port(), free_port());
    let text = format!(
        "profile = \"local\"\nlisten = {{ port = {port}, admin_port = {admin_port} }}\n{more}"
    );
    bench.write("gateway.toml", &text);
    let path = bench.home().join("gateway.toml");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    bench
}

fn set(bench: &Bench, name: &str, value: &str) -> (String, i32) {
    told(
        bench
            .as_person(&format!("secret set {name}"))
            .write_stdin(value),
    )
}

#[test]
fn a_secret_is_kept_listed_and_removed() {
    let bench = bench("[litellm]\nenvironment = { GROQ_API_KEY = \"secret:groq\" }\n");
    let list = || told(&mut bench.as_person("secret list"));
    let nothing = "There are no secrets of your own: 'ai-gateway secret set NAME' keeps one.\n";
    assert_eq!(list(), (nothing.to_owned(), 0));
    let kept = "The secret groq is kept.\n".to_owned();
    assert_eq!(set(&bench, "groq", "gsk-12345\n"), (kept, 0));
    assert_eq!(set(&bench, "other", "x").1, 0);
    let file = bench.home().join("state/secrets/own/groq");
    assert_eq!(fs::read_to_string(&file).unwrap(), "gsk-12345");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    let (text, _) = list();
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines[0].starts_with("groq   set 20") && lines[0].ends_with("used by litellm"),
        "{text}"
    );
    assert!(
        lines[1].starts_with("other  set 20") && lines[1].ends_with("not used"),
        "{text}"
    );
    assert!(!text.contains("gsk-12345"));
    let (json, _) = told(&mut bench.as_person("secret list --json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["name"], "groq");
    assert_eq!(json[0]["used_by"][0], "litellm");
    let (refused, code) = told(&mut bench.as_person("secret remove groq"));
    assert!(
        refused.contains("litellm would not start without groq"),
        "{refused}"
    );
    assert_eq!(code, 1);
    assert_eq!(
        told(&mut bench.as_person("secret remove --force groq")).1,
        0
    );
    assert_eq!(told(&mut bench.as_person("secret remove groq")).1, 1);
}

#[test]
fn what_cannot_be_a_secret_is_refused_and_changes_nothing() {
    let bench = bench("");
    assert_eq!(set(&bench, "a", "kept").1, 0);
    for (name, value, said) in [
        ("a", "", "empty"),
        ("a", "x\0y", "zero byte"),
        ("../a", "x", "cannot name a secret"),
    ] {
        let (text, code) = set(&bench, name, value);
        assert!(text.contains(said), "{text}");
        assert_eq!(code, 2, "{text}");
    }
    let (text, code) = set(&bench, "a", &"x".repeat(70_000));
    assert!(text.contains("longer than 64 KiB") && code == 2, "{text}");
    let file = bench.home().join("state/secrets/own/a");
    assert_eq!(fs::read_to_string(file).unwrap(), "kept");
}

#[test]
fn a_secret_that_is_missing_is_told_by_check_and_start_and_what_runs_goes_on() {
    let bench = bench("[open_webui]\nenvironment = { WEBUI_NAME = \"secret:name\" }\n");
    let (text, code) = told(&mut bench.as_person("config check"));
    assert!(
        text.contains(
            "there is no secret name, which WEBUI_NAME in the environment of open-webui names"
        ),
        "{text}"
    );
    assert!(
        text.contains("'ai-gateway secret set name' asks for it"),
        "{text}"
    );
    assert_eq!(code, 78);
    assert_eq!(set(&bench, "name", "Ours").1, 0);
    assert_eq!(told(&mut bench.as_person("config check")).1, 0);
}

#[test]
fn a_secret_reaches_the_process_that_names_it_and_no_command_line() {
    let bench = set_up::set_up_with(
        "[service.mine]\ncommand = [\"/bin/sh\", \"-c\", \"printenv KEY >key; exec sleep 600\"]\n\
         environment = { KEY = \"secret:mine\" }\n",
    );
    bench.give_to_the_person();
    assert_eq!(set(&bench, "mine", "sk-my-own").1, 0);
    let running = Running::start(&bench, "077");
    let file = bench.home().join("state/services/mine/key");
    set_up::until("the service has written its key", || {
        fs::read_to_string(&file).is_ok_and(|text| text == "sk-my-own\n")
    });
    for command in ["status --json", "why mine", "config show"] {
        let (text, _) = told(&mut bench.as_person(command));
        assert!(!text.contains("sk-my-own"), "{command}: {text}");
    }
    drop(running);
}

/// A gateway with a configuration of LiteLLM's own, which says this.
fn with_config(yaml: &str) -> Bench {
    let bench = bench("");
    let path = bench.home().join("theirs/config.yaml");
    bench.write("theirs/config.yaml", yaml);
    let toml = bench.home().join("gateway.toml");
    let text = fs::read_to_string(&toml).unwrap();
    let text = format!("{text}[litellm]\nconfig = \"{}\"\n", path.display());
    fs::write(&toml, text).unwrap();
    for path in ["theirs/config.yaml", "theirs"].map(|path| bench.home().join(path)) {
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    bench.give_to_the_person();
    bench
}

fn check(bench: &Bench) -> (String, i32) {
    let (text, code) = told(&mut bench.as_person("config check"));
    (text.replace(bench.home().to_str().unwrap(), "$GW"), code)
}

#[test]
fn a_configuration_of_litellms_own_is_checked_before_anything_restarts() {
    for (yaml, said) in [
        ("model_list: [\n", "$GW/theirs/config.yaml:"),
        (
            "- a\n",
            "$GW/theirs/config.yaml does not consist of keys with values",
        ),
        ("include: [more.yaml]\n", "cannot read $GW/theirs/more.yaml"),
        (
            "model_list: [{litellm_params: {api_key: os.environ/GROQ_API_KEY}}]\n",
            "needs the variable GROQ_API_KEY",
        ),
    ] {
        let (text, code) = check(&with_config(yaml));
        assert!(text.contains(said), "{yaml}: {text}");
        assert_eq!(code, 78, "{text}");
    }
}

#[test]
fn what_of_it_has_no_effect_is_told_and_the_rest_is_taken() {
    let bench = with_config(
        "model_list: [{litellm_params: {api_key: os.environ/GROQ_API_KEY}}]\n\
         litellm_settings: {max_budget: 100}\ngeneral_settings: {master_key: sk-1234}\n",
    );
    assert_eq!(set(&bench, "GROQ_API_KEY", "gsk").1, 0);
    let (text, code) = check(&bench);
    for said in [
        "litellm_settings.max_budget has no effect in $GW/theirs/config.yaml",
        "general_settings.master_key has no effect in $GW/theirs/config.yaml",
        "is valid",
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert_eq!(
        (text.matches("has no effect").count(), code),
        (2, 0),
        "{text}"
    );
}

#[test]
fn a_configuration_that_others_could_change_is_refused() {
    let bench = with_config("{}\n");
    let path = bench.home().join("theirs/config.yaml");
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    let (text, code) = check(&bench);
    assert!(text.contains("theirs/config.yaml") && code == 78, "{text}");
}

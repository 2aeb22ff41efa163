//! `ai-gateway doctor` on whatever machine the tests run, with no program but those of the test on
//! its path: names are asked for of nobody.

use serde_json::Value;

use crate::bench::{Bench, free_port, ready};

/// A gateway's folder, and a resolver that answers.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.program("getent", "echo 192.0.2.1 STREAM example.com");
    let (port, admin_port) = (free_port(), free_port());
    bench.write(
        "gateway.toml",
        &format!("profile = \"local\"\n[listen]\nport = {port}\nadmin_port = {admin_port}\n"),
    );
    bench
}

/// The exit code and the findings.
fn findings(bench: &Bench, variables: &[(&str, &str)]) -> (i32, Vec<Value>) {
    let mut command = bench.as_person("doctor --json");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    let findings = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), findings)
}

fn of<'a>(findings: &'a [Value], id: &str) -> &'a Value {
    let found = findings.iter().find(|finding| finding["id"] == id);
    found.unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn scripts_get_every_finding_and_a_code() {
    let bench = bench();
    let (code, all) = findings(&bench, &[]);
    assert_eq!(code, 1);
    for finding in &all {
        let keys: Vec<&String> = finding.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["fix", "found", "id", "level", "why"]);
        let level = finding["level"].as_str().unwrap();
        assert!(["ok", "warning", "problem"].contains(&level), "{finding}");
    }
    let setup = of(&all, "setup");
    assert_eq!(setup["level"], "problem");
    assert_eq!(setup["fix"], "ai-gateway setup");
    assert_eq!(of(&all, "configuration")["level"], "ok");
    assert_eq!(of(&all, "ports")["level"], "ok");
    assert_eq!(of(&all, "daemon")["level"], "warning");
}

#[test]
fn what_is_wrong_with_this_gateway_is_found() {
    let bench = bench();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    bench.write(
        "gateway.toml",
        &format!("profile = \"local\"\nlisten.port = {port}\n"),
    );
    bench.write("state/secrets/litellm-master-key", "sk-x");
    let (_, all) = findings(
        &bench,
        &[
            ("AI_GATEWAY_ADMIN_PROT", "4001"),
            ("https_proxy", "http://somebody:hunter2@proxy:3128"),
        ],
    );
    let ports = of(&all, "ports");
    assert_eq!(ports["level"], "problem", "{ports}");
    let fix = ports["fix"].as_str().unwrap();
    assert!(
        fix.starts_with("ai-gateway config set listen.port "),
        "{fix}"
    );
    let environment = of(&all, "environment");
    assert_eq!(
        environment["fix"],
        "export AI_GATEWAY_ADMIN_PORT=\"$AI_GATEWAY_ADMIN_PROT\" && unset AI_GATEWAY_ADMIN_PROT"
    );
    assert_eq!(of(&all, "permissions")["level"], "problem");
    assert_eq!(of(&all, "secrets")["level"], "problem");
    assert_eq!(of(&all, "proxy")["level"], "warning");
    let text = serde_json::to_string(&all).unwrap();
    assert!(
        !text.contains("hunter2") && !text.contains("sk-x"),
        "{text}"
    );
}

#[test]
fn the_command_that_is_told_for_a_port_sets_it() {
    let bench = bench();
    let port = free_port();
    let answer = bench.answer(&format!("config set listen.port {port}"));
    assert!(answer.contains(&format!(" -> {port}\n")), "{answer}");
    let text = std::fs::read_to_string(bench.home().join("gateway.toml")).unwrap();
    assert!(text.contains(&format!("\nport = {port}\n")), "{text}");
    assert!(
        bench
            .run("config set listen.prot 1")
            .starts_with("exit: 2\n")
    );
}

#[test]
fn a_wrong_configuration_is_one_problem_among_others() {
    let bench = bench();
    bench.write("gateway.toml", "profile = \"huge\"\n");
    let (code, all) = findings(&bench, &[]);
    assert_eq!(code, 1);
    let configuration = of(&all, "configuration");
    assert_eq!(configuration["level"], "problem");
    assert_eq!(configuration["fix"], "ai-gateway config check");
}

#[test]
fn the_daemon_is_asked_for_its_services_and_limits() {
    let bench = bench();
    let daemon = bench.daemon(ready());
    let output = bench.command("doctor --json").output().unwrap();
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        of(&all, "daemon")["found"],
        "it runs, all 2 services are ready"
    );
    assert_eq!(of(&all, "limits")["found"], "enforced by the kernel");
    daemon.end();
}

#[test]
fn a_person_gets_groups_and_a_sum() {
    let bench = bench();
    let seen = bench.run("doctor");
    for part in [
        "exit: 1\n",
        "\nsystemd and cgroups\n",
        "\n  * Environment     every AI_GATEWAY_ variable is known\n",
        "\n  x Set-up          not complete: ",
        "\n                    $ ",
    ] {
        assert!(seen.contains(part), "{part:?} is not in {seen}");
    }
    let sum = seen.lines().last().unwrap();
    assert!(sum.contains(" problem") && sum.ends_with(" ok"), "{sum}");
    assert!(!seen.contains('\u{1b}') && seen.lines().all(|line| !line.ends_with(' ')));
}

#[test]
fn a_payload_that_is_gone_makes_a_set_up_incomplete() {
    let finding = |bench: &Bench| {
        let output = bench.command("doctor --json").output().unwrap();
        let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let all = findings.as_array().unwrap().iter();
        let setup = all.clone().find(|finding| finding["id"] == "setup");
        setup.unwrap()["found"].as_str().unwrap().to_owned()
    };
    let bench = crate::set_up::set_up();
    // Programs that never answer would be asked for a while each.
    for program in ["postgres", "nginx", "node"] {
        bench.program(program, "exit 1");
    }
    let before = finding(&bench);
    assert!(!before.contains("litellm is missing"), "{before}");
    let link = bench.home().join("state/payloads/litellm/current");
    let folder = std::fs::canonicalize(&link).unwrap();
    std::fs::remove_file(folder.join(".complete")).unwrap();
    let after = finding(&bench);
    let told = "not complete: litellm is missing, or of another version";
    assert!(after.starts_with(told), "{after}");
}

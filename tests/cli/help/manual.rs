//! What is made from the list of verbs: completions, the manual, and what quickstart knows.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_shell_gets_completions_that_ask_the_program() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = bench.answer(&format!("completions {shell}"));
        assert!(script.contains("internal complete"), "{shell}");
    }
    bench.write(
        "gateway.toml",
        "profile = \"local\"\n[service.mailer]\ncommand = [\"/bin/true\"]\n",
    );
    assert_eq!(bench.answer("internal complete -- why m"), "mailer\n");
    assert_eq!(
        bench.answer("internal complete -- logs -f ai"),
        "ai-gateway\n"
    );
    assert_eq!(bench.answer("internal complete -- status --w"), "--watch\n");
    // Where a service is meant, no file of the folder is offered.
    let script = r#"
        eval "$(ai-gateway completions bash)"
        COMP_WORDS=(ai-gateway restart "") COMP_CWORD=2
        _ai_gateway
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_ai-gateway"));
    let mut complete = assert_cmd::Command::new("/bin/bash");
    complete
        .args(["-c", script])
        .env_clear()
        .env("AI_GATEWAY_HOME", bench.home())
        .env("PATH", programs.parent().unwrap());
    let seen = bench.seen(&mut complete);
    assert!(seen.starts_with("exit: 0\n"), "{seen}");
    assert!(seen.contains("litellm\nmailer\nnginx\n"), "{seen}");
}

#[test]
fn every_verb_has_a_manual_page() {
    let bench = Bench::new();
    let seen = bench.run("man man1");
    assert_snapshot!(seen, @"
    exit: 0
    --- stdout ---
    Manual pages are in man1.
    ");
    let page = |name: &str| {
        let path = bench.home().parent().unwrap().join("man1").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    assert!(page("ai-gateway.1").contains("ai\\-gateway\\-status(1)"));
    assert!(page("ai-gateway-status.1").contains("\\-\\-watch"));
}

#[test]
fn quickstart_knows_the_flags_of_set_up_before_it_builds() {
    let bench = Bench::new();
    let mut quickstart = assert_cmd::Command::new("./quickstart");
    quickstart
        .args(["--budget=5", "--budgt", "5"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        // Without cargo: it does not come to that.
        .env("PATH", "/usr/bin:/bin");
    let seen = bench.seen(&mut quickstart);
    let (_, known) = seen.split_once("has no flag --budgt: there are ").unwrap();
    assert!(seen.starts_with("exit: 2\n"), "{seen}");
    let help = bench.answer("setup --help");
    let flags: BTreeSet<_> = help
        .split_whitespace()
        .map(|word| word.trim_matches([',', '.', ':']))
        .filter(|word| word.starts_with("--") && *word != "--help")
        .collect();
    let known: BTreeSet<_> = known.split_whitespace().collect();
    assert_eq!(known, flags);
}

#[test]
fn quickstart_installs_the_manual_and_the_completions() {
    let bench = Bench::new();
    let share = bench.folder().join("share");
    assert_cmd::Command::new("packaging/pages")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg(env!("CARGO_BIN_EXE_ai-gateway"))
        .arg(&share)
        .assert()
        .success();
    let text = |path: &str| std::fs::read_to_string(share.join(path)).unwrap();
    assert!(text("man/man1/ai-gateway.1").starts_with(".ie"));
    assert!(text("man/man1/ai-gateway-setup.1").contains("setup"));
    assert!(text("bash-completion/completions/ai-gateway").contains("complete "));
    assert!(text("fish/vendor_completions.d/ai-gateway.fish").contains("complete "));
    let quickstart = include_str!("../../../quickstart");
    assert!(quickstart.contains("\npackaging/pages \"$program\" \"$share\"\n"));
}

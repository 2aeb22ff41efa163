//! What is allowed and said all the same.

use super::*;

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
    assert!(!loaded.values.flag("diet.lazy_types"));
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

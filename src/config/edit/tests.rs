//! One key changes and nothing else does.

use proptest::prelude::*;

use super::{places::find, *};
use crate::services::schema;

fn edited(text: &str, key: &str, value: &str) -> String {
    set(schema(), text, Path::new("gateway.toml"), key, value)
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_value_that_is_there_is_replaced_in_place() {
    let text = "# mine\nbudget = \"test\"   # for now\n\n[listen]\nport=1#x\n";
    assert_eq!(
        edited(text, "budget", "prod"),
        "# mine\nbudget = \"prod\"   # for now\n\n[listen]\nport=1#x\n"
    );
    assert_eq!(
        edited(text, "listen.port", "8080"),
        "# mine\nbudget = \"test\"   # for now\n\n[listen]\nport=8080#x\n"
    );
}

#[test]
fn a_new_key_goes_below_its_commented_twin() {
    let text = "#profile = \"small\"\n\n# What may be spent.\n#budget = 5\n\n[listen]\n# port = 1\n#port = 3000\n";
    assert_eq!(
        edited(text, "budget", "12.5"),
        "#profile = \"small\"\n\n# What may be spent.\n#budget = 5\nbudget = 12.5\n\n[listen]\n# port = 1\n#port = 3000\n"
    );
    assert!(edited(text, "listen.port", "80").contains("port = 1\nport = 80\n"));
}

#[test]
fn a_new_key_goes_before_the_first_table() {
    let text = "budget = 1\n\n# Where.\n[listen]\nport = 1\n";
    assert_eq!(
        edited(text, "profile", "tiny"),
        "budget = 1\n\nprofile = \"tiny\"\n# Where.\n[listen]\nport = 1\n"
    );
}

#[test]
fn tables_are_found_in_every_form_or_made() {
    assert_eq!(
        edited("[listen]", "listen.port", "5"),
        "[listen]\nport = 5\n"
    );
    assert_eq!(
        edited("listen = { port = 1 }\n", "listen.admin_port", "5"),
        "listen = { admin_port = 5, port = 1 }\n"
    );
    assert_eq!(
        edited("listen = {}", "listen.port", "5"),
        "listen = { port = 5 }"
    );
    assert_eq!(
        edited("listen.port = 1\n", "listen.admin_port", "5"),
        "listen.port = 1\nlisten.admin_port = 5\n"
    );
    assert_eq!(
        edited("[limits.nginx]\ncpus = 1", "limits.litellm.cpus", "0.5"),
        "[limits.nginx]\ncpus = 1\n\n[limits.litellm]\ncpus = 0.5\n"
    );
    assert_eq!(edited("", "budget", "prod"), "budget = \"prod\"\n");
}

#[test]
fn an_array_is_set_as_it_is_typed_with_or_without_its_brackets() {
    let set = |value| edited("", "front.trusted_proxies", value);
    let line = "[front]\ntrusted_proxies = [\"10.0.0.2\", \"10.1.0.0/16\"]\n";
    assert_eq!(set("10.0.0.2 10.1.0.0/16"), line);
    assert_eq!(set("[\"10.0.0.2\", \"10.1.0.0/16\"]"), line);
    assert_eq!(set("[]"), "[front]\ntrusted_proxies = []\n");
}

#[test]
fn a_text_that_looks_like_a_comment_is_left_alone() {
    let text = "[service.a]\ncommand = [\"/a\", \"\"\"\n#restart = x\n\"\"\"]\n";
    let new = edited(text, "service.a.restart", "never");
    assert_eq!(
        new,
        text.replace("[service.a]\n", "[service.a]\nrestart = \"never\"\n")
    );
}

/// What another editor, or a person's own taste, has made of a file.
#[test]
fn nothing_but_the_value_changes_however_the_file_is_written() {
    for (text, key, wanted) in [
        // Lines end as on Windows.
        (
            "# a\r\nbudget = 1\r\n\r\n[listen]\r\nport = 1 # b\r\n",
            "listen.port",
            "# a\r\nbudget = 1\r\n\r\n[listen]\r\nport = 7 # b\r\n",
        ),
        // The last line does not end.
        (
            "profile = \"tiny\"\nbudget = 1",
            "budget",
            "profile = \"tiny\"\nbudget = 7",
        ),
        // A byte order mark.
        ("\u{feff}budget = 1\n", "budget", "\u{feff}budget = 7\n"),
        // The keys of one table stand apart from each other.
        (
            "listen.port = 1\nbudget = 1\nlisten.admin_port = 4\n",
            "budget",
            "listen.port = 1\nbudget = 7\nlisten.admin_port = 4\n",
        ),
    ] {
        assert_eq!(edited(text, key, "7"), wanted);
    }
}

#[test]
fn a_new_line_ends_as_the_others_do() {
    assert_eq!(
        edited("budget = 1\r\n[listen]\r\n", "listen.port", "7"),
        "budget = 1\r\n[listen]\r\nport = 7\r\n"
    );
    assert_eq!(
        edited("budget = 1\r\n", "listen.port", "7"),
        "budget = 1\r\n\r\n[listen]\r\nport = 7\r\n"
    );
    assert_eq!(
        edited("#budget = 1\r\n", "budget", "7"),
        "#budget = 1\r\nbudget = 7\r\n"
    );
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_changed() {
    let error = |text: &str, key: &str, value: &str| {
        let error = set(schema(), text, Path::new("gateway.toml"), key, value).unwrap_err();
        error.to_string()
    };
    insta::assert_snapshot!(error("", "budget", "prdo"), @r#"
    error: `budget` cannot be read
     |
     | budget = prdo
     |          ^^^^ expected "test", "prod", "unlimited" or an amount in US dollars such as 50
     |
     = help: did you mean "prod"?
    "#);
    insta::assert_snapshot!(error("", "listen.prot", "1"), @r#"
    error: there is no key `listen.prot`
     |
     | listen.prot = 1
     | ^^^^^^^^^^^ not known
     |
     = help: did you mean `listen.port`?
    "#);
    insta::assert_snapshot!(error("budget = = 1", "budget", "1"), @r#"
    error: this is not TOML
     --> gateway.toml:1:10
      |
    1 | budget = = 1
      |          ^ extra `=`
    "#);
    insta::assert_snapshot!(error("limits = { nginx = {} }", "limits.litellm.cpus", "1"), @"cannot set limits.litellm.cpus in gateway.toml without touching more: write limits.litellm.cpus = 1 there by hand");
}

fn change_in(path: &Path, key: &str, value: &str) -> Result<Loaded, EditError> {
    change(schema(), path, key, value, &|_| None, None)
}

#[test]
fn a_file_is_made_and_then_keeps_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/gateway.toml");
    let loaded = change_in(&path, "budget", "prod").unwrap();
    assert_eq!(loaded.settings.budget.usd, 200.0);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!("{HEAD}budget = \"prod\"\n")
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    let folder = path.parent().unwrap();
    assert_eq!(mode(folder), 0o700, "whatever the umask is");
    // A test as root writes for whoever owns the folder.
    let wanted = if nix::unistd::geteuid().is_root() {
        0o640
    } else {
        0o600
    };
    assert_eq!(mode(&path), wanted);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
    change_in(&path, "profile", "small").unwrap();
    assert_eq!(mode(&path), 0o604);
    let names: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_new_file_is_for_its_owner_and_roots_for_the_folders_group() {
    let rights = |owner, group, mode| Rights { owner, group, mode };
    assert_eq!(
        new_file((1000, 1000), (1000, 1000)),
        rights(1000, 1000, 0o600)
    );
    assert_eq!(new_file((0, 0), (999, 998)), rights(999, 998, 0o600));
    assert_eq!(new_file((0, 0), (0, 998)), rights(0, 998, 0o640));
}

#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    change_in(&link, "budget", "1").unwrap();
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "budget = 1\n");
}

#[test]
fn a_change_that_would_not_hold_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    fs::write(&path, "listen.port = 5\n").unwrap();
    let error = change_in(&path, "listen.admin_port", "5").unwrap_err();
    assert!(error.to_string().contains("the same port, 5"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "listen.port = 5\n");
}

proptest! {
    #[test]
    fn whatever_the_text_the_new_one_says_the_same_but_for_the_key(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "budget = 1\n", "#budget = 1\n", "# x\n", "\n", "[listen]\n", "port = 1 # p\n",
            "listen = { port = 2 }\n", "listen.port = 4\n", "[limits.nginx]\n", "cpus = 1\n",
            "[[service]]\n", "x = \"\"\"\n#port = 1\n[listen]\n\"\"\"\n", "\r\n", "[listen.x]\n",
        ]), 0..12),
        key in prop::sample::select(vec!["budget", "profile", "listen.port", "limits.nginx.cpus", "limits.litellm.cpus"]),
    ) {
        let text = pieces.concat();
        let value = if key == "profile" { "tiny" } else { "7" };
        if let Ok(new) = set(schema(), &text, Path::new("g"), key, value) {
            let parts: Vec<_> = key.split('.').collect();
            let (entries, mistakes) = raw::parse(&new);
            prop_assert!(mistakes.is_empty());
            let found = find(&entries, &parts).map(|raw| &new[raw.span.clone()]);
            prop_assert_eq!(found.map(|text| text.trim_matches('"')), Some(value));
            for comment in text.lines().filter(|line| line.trim_start().starts_with('#')) {
                prop_assert!(new.contains(comment));
            }
        }
    }
}

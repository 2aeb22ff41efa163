//! Profiles and limits on machines of any size.

use super::*;

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
    let machine = Resources {
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
fn the_local_profile_limits_nothing() {
    let loaded = load_text("profile = \"local\"").unwrap();
    assert_eq!(loaded.values.whole("litellm.workers"), Some(4));
    for (service, limits) in &loaded.settings.limits {
        assert_eq!(limits, &supervise::spec::Limits::default(), "{service}");
    }
    assert!(loaded.warnings.is_empty());
}

//! What holds for any text.

use proptest::prelude::*;

use super::*;

/// Texts that are nearly right: that is where spans go wrong.
fn nearly() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "profile",
        "budget",
        "[listen]",
        "port",
        "[service.a]",
        "[limits.nginx]",
        "requires",
        "probe",
        "command",
        "memory_max",
        "=",
        " = ",
        "\n",
        "\r\n",
        "\"",
        "'",
        "\"\"\"",
        "[",
        "]",
        "[[",
        "{",
        "}",
        ",",
        ".",
        "#",
        "3000",
        "-1",
        "nan",
        "0x_",
        "1.5e400",
        "true",
        "\"\\u0000\"",
        "\"1 MB\"",
        "é",
        "\u{202e}",
        "\u{1b}[2J",
        "\t",
        "\0",
        "\u{feff}",
        "1979-05-27",
        "99999999999999999999999999999999999999999999",
        "http",
        "tcp",
        "\"a\"",
        "[service]",
    ]);
    let line = prop::sample::select(vec![
        "[service.a]\ncommand = [\"/a\"]\nrequires = [\"b\", \"a\"]\n",
        "[service.b]\ncommand = [\"a\"]\nrequires = [\"a\"]\n",
        "[limits.litellm]\nmemory_max = \"9 GB\"\nmemory_high = \"10 GB\"\n",
        "profile = \"large\"\n",
        "listen = { port = 5, admin_port = 5 }\n",
        "engine.kind = \"download\"\n",
    ]);
    let piece = prop_oneof![8 => words.prop_map(str::to_owned), 1 => line.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_place_lies_in_its_text(
        text in prop_oneof![nearly(), any::<String>()],
        variable in nearly(),
        flag in nearly(),
    ) {
        let env = [("AI_GATEWAY_BUDGET", variable.as_str())];
        let flags = [("service.a.requires", flag.as_str()), (flag.as_str(), variable.as_str())];
        if let Err(report) = load_all(&text, &env, &flags, Some(SMALL)) {
            prop_assert!(report.count() > 0);
            report.assert_places();
            let shown = report.to_string();
            prop_assert!(!shown.contains('\u{1b}'), "{shown}");
            report.render(true);
        }
    }

    #[test]
    fn the_highest_layer_that_speaks_is_the_one_that_holds(
        file in prop::option::of(1_u16..),
        env in prop::option::of(1_u16..),
        flag in prop::option::of(1_u16..),
    ) {
        let text = file.map_or(String::new(), |port| format!("listen.port = {port}"));
        let env_text = env.map(|port| port.to_string()).unwrap_or_default();
        let flag_text = flag.map(|port| port.to_string());
        let flags: Vec<_> = flag_text.iter().map(|text| ("listen.port", text.as_str())).collect();
        let expected = flag.or(env).or(file).unwrap_or(3000);
        let loaded = load_all(&text, &[("AI_GATEWAY_PORT", &env_text)], &flags, None);
        if expected == 4000 {
            prop_assert!(loaded.is_err());
        } else {
            prop_assert_eq!(loaded.unwrap().settings.listen.port, expected);
        }
    }
}

proptest! {
    /// LiteLLM reads the budget with Python's `float` from YAML, and enforces it if it is above zero.
    #[test]
    fn every_budget_that_is_accepted_is_one_that_litellm_enforces(usd in budgets()) {
        if let Ok(loaded) = load_text(&format!("budget = {usd}")) {
            let written = loaded.settings.budget.usd.to_string();
            prop_assert!(written.bytes().all(|b| b.is_ascii_digit() || b == b'.'), "{written}");
            let read: f64 = written.parse().unwrap();
            prop_assert!(read >= 0.01 && read.is_finite(), "{written}");
        }
    }
}

/// Amounts of all magnitudes, in both ways to write them.
fn budgets() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<f64>().prop_map(|usd| format!("{usd:e}")),
        (0.0..1.0).prop_map(|usd: f64| usd.to_string()),
        (0_u32..2_000_000, -12_i32..12).prop_map(|(digits, ten)| format!("{digits}e{ten}")),
    ]
}

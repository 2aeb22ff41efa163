//! Machines without a Python that fits, and what set-up brings them.

use super::*;
use crate::provision::{
    brought_python::{PYTHON, VERSION, for_runtimes},
    model::{Payload, Runtimes},
};

const TOO_NEW: (u32, u32, u32) = (3, 14, 1);
const TOO_OLD: (u32, u32, u32) = (3, 9, 2);

/// The folder that the Python gets.
fn folder() -> String {
    let wanted = fixtures::wanted(&settings());
    wanted.folder(PYTHON.name).unwrap().to_owned()
}

/// A fresh machine that has this Python and no other one.
fn only(version: (u32, u32, u32)) -> Survey {
    Survey {
        pythons: vec![python("/usr/bin/python3", version)],
        ..fresh()
    }
}

/// The machine after a set-up that has brought a Python.
fn brought(version: (u32, u32, u32)) -> Survey {
    let mut facts = done(&fixtures::wanted(&settings()));
    facts.pythons = only(version).pythons;
    facts.complete.insert((PYTHON, folder()));
    facts.folders.insert((PYTHON.name.to_owned(), folder()));
    facts.links.insert(PYTHON.name.to_owned(), folder());
    let current = facts.generations.current.as_mut().unwrap();
    current.payloads.insert(PYTHON.name.to_owned(), folder());
    facts
}

/// The payloads that a plan makes, in their order.
fn built(plan: &Plan) -> Vec<Payload> {
    let steps = plan.steps.iter();
    let built = steps.filter_map(|step| match step {
        SetupStep::Build(payload, _) => Some(*payload),
        _ => None,
    });
    built.collect()
}

#[test]
fn it_comes_after_the_tools_and_before_what_has_it() {
    for version in [TOO_NEW, TOO_OLD] {
        let plan = make(&settings(), &only(version));
        assert_eq!(plan.problems, []);
        assert_eq!(plan.choice.python, Some(ChosenPython::Brought));
        let of_tools = plan.choice.python_for_tools.as_deref();
        assert_eq!(of_tools, Some("/usr/bin/python3".as_ref()));
        let order = [TOOLS, PYTHON, ENGINE, LITELLM, OPEN_WEBUI];
        assert_eq!(built(&plan), order);
        let Some(SetupStep::Switch(switch)) = plan.steps.last() else {
            panic!("{:?}", plan.steps);
        };
        assert_eq!(switch.payloads[PYTHON.name], folder());
        assert!(switch.changed.contains(&(PYTHON, folder())));
    }
}

#[test]
fn the_plan_names_it_with_its_size_and_says_why() {
    let plan = make(&settings(), &only(TOO_NEW));
    let text = plan.to_string();
    let line = format!("install Python {VERSION} (about {} MB)", PYTHON.megabytes());
    assert!(text.contains(&line), "{text}");
    assert!(
        text.contains("because none of version 3.11 to 3.13 was found"),
        "{text}"
    );
    let without = make(&settings(), &fresh());
    assert_eq!(plan.needed, without.needed + PYTHON.bytes);
}

#[test]
fn nothing_is_brought_where_one_fits() {
    for minor in Python::MINORS {
        let plan = make(&settings(), &only((3, minor, 4)));
        let own = ChosenPython::OfTheMachine("/usr/bin/python3".into());
        assert_eq!(plan.choice.python, Some(own));
        assert!(!built(&plan).contains(&PYTHON));
    }
}

#[test]
fn without_any_python_the_problem_names_the_package() {
    for pythons in [vec![], vec![python("/usr/bin/python3", (3, 7, 3))]] {
        let facts = Survey { pythons, ..fresh() };
        let problems = make(&settings(), &facts).problems;
        assert!(matches!(problems[..], [Problem::NoPython(_)]));
        let text = problems[0].to_string();
        assert!(text.contains("no Python 3.8 or newer was found"), "{text}");
        assert!(
            text.contains("sudo apt install python3 python3-venv"),
            "{text}"
        );
        assert!(text.contains("sudo dnf install python3"), "{text}");
    }
}

#[test]
fn one_that_cannot_make_the_tools_environment_is_a_problem() {
    let mut facts = only(TOO_NEW);
    facts.pythons[0].ensurepip = false;
    let text = make(&settings(), &facts).problems[0].to_string();
    assert!(text.contains("sudo apt install python3.14-venv"), "{text}");
    facts.pythons.push(python("/opt/old", TOO_OLD));
    let plan = make(&settings(), &facts);
    assert_eq!(plan.problems, []);
    let of_tools = plan.choice.python_for_tools.as_deref();
    assert_eq!(of_tools, Some("/opt/old".as_ref()));
}

#[test]
fn a_python_that_is_named_and_does_not_fit_is_an_error() {
    let settings = settings_with("[programs]\npython = \"/usr/bin/python3\"");
    let problem = &make(&settings, &only(TOO_NEW)).problems[0];
    assert!(matches!(problem, Problem::BadPython { .. }));
    let text = problem.to_string();
    assert!(
        text.contains(
            "names /usr/bin/python3, which is no Python of version 3.11 to 3.13 \
             (/usr/bin/python3 is 3.14.1)"
        ),
        "{text}"
    );
}

#[test]
fn it_is_brought_once() {
    let plan = make(&settings(), &brought(TOO_NEW));
    assert_eq!((plan.steps, plan.problems), (vec![], vec![]));
}

#[test]
fn a_set_up_that_was_cut_off_before_the_switch_knows_it() {
    let mut facts = brought(TOO_NEW);
    facts.generations = Generations::default();
    facts.links.clear();
    let steps = make(&settings(), &facts).steps;
    let [SetupStep::Switch(switch)] = &steps[..] else {
        panic!("{steps:?}");
    };
    assert_eq!(switch.payloads[PYTHON.name], folder());
}

#[test]
fn one_that_fits_later_changes_nothing_that_works() {
    let mut facts = brought(TOO_NEW);
    facts
        .pythons
        .push(python("/usr/bin/python3.12", (3, 12, 4)));
    let plan = make(&settings(), &facts);
    assert_eq!((plan.steps, plan.problems), (vec![], vec![]));
}

#[test]
fn a_distribution_that_has_no_python_that_fits_any_more_has_the_environments_made_anew() {
    let wanted = fixtures::wanted(&settings());
    let mut facts = done(&wanted);
    facts.pythons = only(TOO_NEW).pythons;
    // Their interpreter was a link to what the distribution has removed.
    let of_python = [TOOLS, LITELLM, OPEN_WEBUI];
    facts.complete.retain(|(all, _)| !of_python.contains(all));
    let plan = make(&settings(), &facts);
    assert_eq!(plan.problems, []);
    assert_eq!(built(&plan), [TOOLS, PYTHON, LITELLM, OPEN_WEBUI]);
    let Some(SetupStep::Switch(switch)) = plan.steps.last() else {
        panic!("{:?}", plan.steps);
    };
    assert_eq!(switch.changed, [(PYTHON, folder())]);
    // Environments that still work have no need of it.
    facts.complete = wanted.payloads.iter().cloned().collect();
    assert_eq!(make(&settings(), &facts).steps, []);
}

#[test]
fn the_offline_folder_has_to_have_it_only_where_it_is_brought() {
    let offline = |lacks: &[&'static str], facts: Survey| Survey {
        offline_lacks: Some(("/media/gw".into(), lacks.to_vec())),
        ..facts
    };
    let problems = |facts: &Survey| make(&settings(), facts).problems;
    assert_eq!(problems(&offline(&["python"], fresh())), []);
    assert_eq!(problems(&offline(&[], only(TOO_NEW))), []);
    let lacks = |missing| Problem::Offline {
        folder: "/media/gw".into(),
        missing,
    };
    let found = problems(&offline(&["python"], only(TOO_NEW)));
    assert_eq!(found, [lacks("python")]);
    let found = problems(&offline(&["npm", "python"], fresh()));
    assert_eq!(found, [lacks("npm")]);
}

#[test]
fn another_version_gets_another_folder_and_a_named_one_gets_none() {
    assert!(folder().starts_with(&format!("{VERSION}-")));
    let named = Runtimes {
        python: Some("/opt/python".into()),
        node: None,
    };
    assert_eq!(for_runtimes(&named), None);
}

//! What a checked graph promises.

use proptest::prelude::*;

use super::*;
use crate::fixtures::{name, service};

#[test]
fn a_service_starts_after_all_that_it_requires() {
    let graph = Graph::new(&[
        service("nginx", &["litellm", "open-webui"]),
        service("open-webui", &["postgres"]),
        service("litellm", &["postgres"]),
        service("postgres", &[]),
    ])
    .unwrap();
    let order: Vec<_> = graph
        .start_order()
        .iter()
        .map(ServiceName::as_str)
        .collect();
    assert_eq!(order, ["postgres", "litellm", "open-webui", "nginx"]);
    let dependants: Vec<_> = graph.dependants(&name("postgres")).collect();
    assert_eq!(dependants, [&name("litellm"), &name("open-webui")]);
    assert_eq!(graph.requirements(&name("postgres")).count(), 0);
}

#[test]
fn a_circle_is_refused_with_its_path() {
    let error = Graph::new(&[
        service("a", &["b"]),
        service("b", &["c"]),
        service("c", &["b"]),
    ])
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "services require each other in a circle: b -> c -> b"
    );
}

#[test]
fn a_service_that_requires_itself_is_a_circle() {
    let error = Graph::new(&[service("a", &["a"])]).unwrap_err();
    assert_eq!(error, GraphError::Cycle(vec![name("a"), name("a")]));
}

#[test]
fn an_unknown_requirement_is_refused_with_both_names() {
    let error = Graph::new(&[service("a", &["ghost"])]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a requires ghost, and there is no service of that name"
    );
}

#[test]
fn two_services_of_one_name_are_refused() {
    let error = Graph::new(&[service("a", &[]), service("a", &[])]).unwrap_err();
    assert_eq!(error, GraphError::Duplicate(name("a")));
}

proptest! {
    /// Whatever the arrows are, the answer is an order that respects every one of them, or a
    /// circle whose every step is one of them.
    #[test]
    fn any_arrows_give_an_order_or_a_true_circle(arrows in prop::collection::vec((0..8u8, 0..8u8), 0..16)) {
        let id = |n: u8| format!("s{n}");
        let specs: Vec<_> = (0..8u8)
            .map(|n| {
                let needed: Vec<_> =
                    arrows.iter().filter(|a| a.0 == n).map(|a| id(a.1)).collect();
                service(&id(n), &needed.iter().map(String::as_str).collect::<Vec<_>>())
            })
            .collect();
        let place = |order: &[ServiceName], n: u8| order.iter().position(|s| s.as_str() == id(n));
        match Graph::new(&specs) {
            Ok(graph) => {
                prop_assert_eq!(graph.start_order().len(), 8);
                for (from, to) in &arrows {
                    prop_assert!(place(graph.start_order(), *to) < place(graph.start_order(), *from));
                }
            }
            Err(GraphError::Cycle(path)) => {
                prop_assert!(path.len() >= 2);
                prop_assert_eq!(path.first(), path.last());
                for step in path.windows(2) {
                    let real = arrows.iter().any(|(from, to)| {
                        id(*from) == step[0].as_str() && id(*to) == step[1].as_str()
                    });
                    prop_assert!(real, "no such arrow: {step:?}");
                }
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

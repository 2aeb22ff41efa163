//! That the diet's page, its keys and its module agree; what the module does is tested in `python/tests`.

use super::DIET;
use crate::stack::MILESTONES;

#[test]
fn the_module_leaves_a_start_s_milestones_where_they_are_looked_for() {
    assert!(DIET.contains(&format!("open(\"{MILESTONES}\", \"w\"")));
}

/// The first cells of a table's rows, where they are names.
fn named(table: &str) -> Vec<&str> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

#[test]
fn each_measure_is_explained_and_has_what_it_saves_or_why_it_is_not_measured() {
    let page = include_str!("../../../docs/diet.md");
    let (explained, rest) = page.split_once("\n## Measured").unwrap();
    let (_, rest) = rest
        .split_once("<!-- benches/diet --write: begin -->")
        .unwrap();
    let (measured, _) = rest
        .split_once("<!-- benches/diet --write: end -->")
        .unwrap();
    let keys = crate::services::schema().keys.iter();
    let mut measures: Vec<_> = keys
        .filter_map(|key| key.name.strip_prefix("diet."))
        .collect();
    measures.sort_unstable();
    let mut names = named(explained);
    names.sort_unstable();
    assert_eq!(names, measures);
    let rows = named(measured);
    let missing: Vec<_> = measures
        .iter()
        .filter(|name| !rows.contains(name))
        .collect();
    assert!(missing.is_empty(), "no row of {missing:?}");
    for row in rows {
        let known = |name: &str| name == "noise" || measures.contains(&name);
        assert!(row.split('+').all(known), "there is no measure {row}");
    }
}

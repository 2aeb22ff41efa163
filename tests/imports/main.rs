//! Which file of the program may use which: in one direction, so that each can be understood, tested
//! and moved with what is below it and nothing else. And which file may name a service (`names`).

mod names;
mod scan;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
};

use scan::{Crate, Edges};

type Graph = BTreeMap<PathBuf, BTreeMap<PathBuf, String>>;

fn edges() -> Edges {
    Crate::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).edges()
}

fn graph(edges: impl IntoIterator<Item = ((PathBuf, PathBuf), String)>) -> Graph {
    let mut graph = Graph::new();
    for ((from, to), path) in edges {
        graph.entry(to.clone()).or_default();
        graph.entry(from).or_default().entry(to).or_insert(path);
    }
    graph
}

/// The shortest way from `from` back to itself.
fn circle(graph: &Graph, from: &Path) -> Option<Vec<PathBuf>> {
    let mut came_from: BTreeMap<&Path, &Path> = BTreeMap::new();
    let mut next = VecDeque::from([from]);
    while let Some(at) = next.pop_front() {
        for to in graph[at].keys() {
            if to == from {
                let mut way = vec![to.clone(), at.to_owned()];
                while let Some(before) = came_from.get(way[way.len() - 1].as_path()) {
                    way.push((*before).to_owned());
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(to.as_path()) {
                came_from.insert(to, at);
                next.push_back(to);
            }
        }
    }
    None
}

/// Each circle by its shortest way, told with what is written where.
fn circles(graph: &Graph) -> BTreeMap<BTreeSet<PathBuf>, String> {
    let ways = graph.keys().filter_map(|from| circle(graph, from));
    let told = ways.map(|way| {
        let steps = way.windows(2).map(|pair| {
            let (from, to) = (&pair[0], &pair[1]);
            let path = &graph[from][to];
            format!("\n  {} uses {} ({path})", from.display(), to.display())
        });
        (way.iter().cloned().collect(), steps.collect::<String>())
    });
    told.collect()
}

/// The files of one folder.
fn of_folder(folder: &str) -> Graph {
    let edges = edges();
    assert!(
        edges.keys().any(|(from, _)| from.starts_with(folder)),
        "{folder} is not there"
    );
    let within = edges
        .into_iter()
        .filter(|((from, to), _)| from.starts_with(folder) && to.starts_with(folder));
    graph(within)
}

fn example(edges: &[(&str, &str)]) -> Graph {
    let edges = edges.iter();
    graph(edges.map(|(from, to)| ((PathBuf::from(from), PathBuf::from(to)), String::new())))
}

fn assert_none(graph: &Graph) {
    let circles = circles(graph);
    let text: String = circles.values().map(|way| format!("\n{way}\n")).collect();
    assert!(circles.is_empty(), "{} circles:{text}", circles.len());
}

#[test]
#[should_panic(expected = "1 circles:")]
fn a_circle_is_a_failure() {
    assert_none(&example(&[("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")]));
}

#[test]
fn two_ways_to_one_file_are_no_circle() {
    assert_none(&example(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]));
}

#[test]
fn no_file_of_provision_uses_one_that_uses_it() {
    assert_none(&of_folder("provision"));
}

#[test]
fn no_file_of_the_command_line_uses_one_that_uses_it() {
    assert_none(&of_folder("cli"));
}

#[test]
fn no_file_of_runtime_uses_one_that_uses_it() {
    assert_none(&of_folder("runtime"));
}

/// The folder at the top, or the file that stands for one.
fn folder(file: &Path) -> PathBuf {
    let first: PathBuf = file.components().take(1).collect();
    first.with_extension("")
}

#[test]
fn no_folder_uses_one_that_uses_it() {
    let edges = edges();
    let between = edges.into_iter().map(|((from, to), path)| {
        let path = format!("{}: {path}", from.display());
        ((folder(&from), folder(&to)), path)
    });
    let between = between.filter(|((from, to), _)| from != to && from != Path::new("lib"));
    assert_none(&graph(between));
}

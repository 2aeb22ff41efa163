//! Which file of the program may use which: in one direction, so that each can be understood, tested
//! and moved with what is below it and nothing else.

mod scan;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
};

use scan::{Crate, Edges};

/// An import that has to go, because what it uses needs the one that imports it: both, and how it goes.
type Open = (&'static str, &'static str, &'static str);

/// Between files of `runtime`.
const OPEN_IN_RUNTIME: [Open; 2] = [
    (
        "runtime/mod.rs",
        "runtime/turn.rs",
        "move what mod.rs defines itself into files of its own: Options, Compare and Alone are used below",
    ),
    (
        "runtime/executor/instances.rs",
        "runtime/executor/hung.rs",
        "move Silence into a file of its own",
    ),
];

/// Between folders.
const OPEN_BETWEEN_FOLDERS: [Open; 2] = [
    ("logs", "runtime", "move the clock out of runtime"),
    (
        "open_files",
        "runtime",
        "move Holder and the limit out of runtime",
    ),
];

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

/// Whether one can get from here to there.
fn leads(graph: &Graph, from: &Path, to: &Path) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(at) = next.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            let targets = graph.get(at).into_iter().flat_map(BTreeMap::keys);
            next.extend(targets.map(PathBuf::as_path));
        }
    }
    false
}

/// There is no circle but through an import that is listed, and each that is listed is in one: so the
/// list can only become shorter.
fn assert_none_but(mut graph: Graph, open: &[Open]) {
    for (from, to, _) in open {
        let (from, to) = (Path::new(from), Path::new(to));
        let is_there = graph
            .get(from)
            .is_some_and(|targets| targets.contains_key(to));
        assert!(
            is_there && leads(&graph, to, from),
            "{} and {} are in no circle any more: remove them from the list",
            from.display(),
            to.display()
        );
    }
    for (from, to, _) in open {
        let targets = graph.get_mut(Path::new(from));
        targets.and_then(|targets| targets.remove(Path::new(to)));
    }
    let circles = circles(&graph);
    let text: String = circles.values().map(|way| format!("\n{way}\n")).collect();
    assert!(circles.is_empty(), "{} circles:{text}", circles.len());
}

#[test]
#[should_panic(expected = "1 circles:")]
fn a_circle_that_is_not_listed_is_a_failure() {
    assert_none_but(example(&[("a", "b"), ("b", "a")]), &[]);
}

#[test]
#[should_panic(expected = "remove them from the list")]
fn a_listed_import_that_is_in_no_circle_is_a_failure() {
    assert_none_but(example(&[("a", "b"), ("b", "c")]), &[("a", "b", "")]);
}

#[test]
fn a_listed_import_is_the_only_circle_that_may_be() {
    let edges = [("a", "b"), ("b", "c"), ("c", "a")];
    assert_none_but(example(&edges), &[("c", "a", "")]);
}

#[test]
fn no_file_of_provision_uses_one_that_uses_it() {
    assert_none_but(of_folder("provision"), &[]);
}

#[test]
fn no_file_of_the_command_line_uses_one_that_uses_it() {
    assert_none_but(of_folder("cli"), &[]);
}

#[test]
fn no_file_of_runtime_uses_one_that_uses_it() {
    assert_none_but(of_folder("runtime"), &OPEN_IN_RUNTIME);
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
    assert_none_but(graph(between), &OPEN_BETWEEN_FOLDERS);
}

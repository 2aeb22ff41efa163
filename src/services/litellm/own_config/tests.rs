use super::*;
use crate::trust::Untrusted;

fn of(text: &str) -> Yaml {
    parse(Path::new("/c.yaml"), text).unwrap()
}

fn all(names: BTreeSet<String>) -> Vec<String> {
    names.into_iter().collect()
}

fn by_everybody(_: &Path) -> Result<(), Untrusted> {
    Ok(())
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let wrong = |text: &str| parse(Path::new("/c.yaml"), text).unwrap_err().to_string();
    let text = "model_list:\n  - model_name: a\n    litellm_params: {model: b\n";
    assert!(wrong(text).starts_with("/c.yaml:4:1: "), "{}", wrong(text));
    assert_eq!(
        wrong("- a\n"),
        "/c.yaml does not consist of keys with values"
    );
    assert_eq!(
        wrong("a: 1\n---\nb: 2\n"),
        "/c.yaml has more than one document"
    );
    for nothing in ["", "# nothing\n", "---\n"] {
        assert_eq!(of(nothing), of("{}"), "{nothing:?}");
    }
}

#[test]
fn the_variables_that_are_named_anywhere_are_found() {
    let found = [of(
        "model_list: [{litellm_params: {api_key: os.environ/A, x: [os.environ/B]}}]\n\
         environment_variables: {C: os.environ/D, E: x}",
    )];
    assert_eq!(all(named(&found)), ["A", "B", "D"]);
    assert_eq!(all(sets(&found)), ["C", "E"]);
}

#[test]
fn what_a_merge_brings_is_seen_as_litellm_sees_it() {
    let found =
        of("x: &x {A: 1, B: 1}\ny: &y {B: 2, C: 2}\nenvironment_variables: {<<: [*x, *y], C: 3}");
    let table = &found["environment_variables"];
    let numbers = ["A", "B", "C"].map(|name| table[name].as_i64());
    assert_eq!(numbers, [Some(1), Some(1), Some(3)]);
    let found = [of(
        "x: &x {DATABASE_URL: y}\nenvironment_variables: {<<: *x}",
    )];
    assert_eq!(overridden(Path::new("/c.yaml"), &found).len(), 1);
}

#[test]
fn what_the_gateway_decides_is_named_once_with_the_reason() {
    let found = [of(
        "litellm_settings: {max_budget: 5, telemetry: true}\ngeneral_settings: {master_key: x}\n\
         environment_variables: {DATABASE_URL: x, GROQ_API_KEY: y}",
    )];
    let told = overridden(Path::new("/c.yaml"), &found);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(
        told[0],
        "litellm_settings.max_budget has no effect in /c.yaml and what it includes: the key budget decides it"
    );
    assert!(
        told[1].starts_with("general_settings.master_key has no effect"),
        "{told:?}"
    );
    assert!(
        told[2].starts_with("environment_variables.DATABASE_URL"),
        "{told:?}"
    );
}

#[test]
fn includes_are_found_where_litellm_finds_them() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("c.yaml");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let read = || with_includes(&root, &by_everybody, &mut BTreeMap::new());
    write("c.yaml", "include: [c.yaml, sub/../sub/m.yaml]\n");
    // Named beside itself, and there beside the first one only.
    write("sub/m.yaml", "include: [n.yaml, ../sub/m.yaml]\n");
    write("n.yaml", "model_list: []\n");
    assert_eq!(read().unwrap().len(), 3);
    for (text, said) in [
        (
            "include: [none.yaml]\n",
            "none.yaml, which litellm.config names",
        ),
        (
            "include: n.yaml\n",
            "has an `include` that is no list of file names",
        ),
        (
            "include: [{a: b}]\n",
            "has an `include` that is no list of file names",
        ),
    ] {
        write("c.yaml", text);
        let error = read().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn what_others_could_write_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("c.yaml");
    fs::write(&root, "[".repeat(1000)).unwrap();
    let by_nobody = |_: &Path| {
        Err(Untrusted {
            dangers: Vec::new(),
        })
    };
    let error = with_includes(&root, &by_nobody, &mut BTreeMap::new()).unwrap_err();
    assert!(matches!(error, OwnFileError::Untrusted(_)), "{error}");
}

#[test]
fn python_files_are_found_in_folders_too() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "b.py",
        "hooks/a.py",
        "__pycache__/c.py",
        ".git/d.py",
        "e.txt",
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, [0xff]).unwrap();
    }
    let found = modules(&folder.path().join("c.yaml"));
    let names: Vec<_> = found
        .iter()
        .map(|path| path.strip_prefix(folder.path()).unwrap())
        .collect();
    assert_eq!(names, [Path::new("b.py"), Path::new("hooks/a.py")]);
}

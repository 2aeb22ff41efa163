use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};

use nix::unistd::geteuid;

use super::*;

const WHO: Who = Who {
    uid: 1000,
    private_group: Some(1000),
    namespace: false,
};

fn folder(owner: u32, group: u32, mode: u32) -> PathStep {
    PathStep {
        path: "/srv/gw".into(),
        kind: EntryKind::Folder,
        owner,
        group,
        mode,
        end: false,
    }
}

fn is_safe(step: PathStep) -> bool {
    judge(&[step], WHO).is_empty()
}

fn end(step: PathStep) -> PathStep {
    PathStep { end: true, ..step }
}

#[test]
fn only_the_user_and_root_may_own_or_write_a_step() {
    for owner in [0, 1000] {
        assert!(is_safe(folder(owner, 50, 0o755)));
        assert!(!is_safe(folder(owner, 50, 0o777)));
        assert!(!is_safe(folder(owner, 50, 0o775)));
    }
    assert!(!is_safe(folder(1001, 1001, 0o700)));
    assert!(
        is_safe(folder(1000, 1000, 0o775)),
        "nobody else is in that group"
    );
    assert!(is_safe(folder(0, 0, 0o775)), "root's group");
}

#[test]
fn a_sticky_folder_is_safe_on_the_way_and_not_as_an_end() {
    assert!(is_safe(folder(0, 0, 0o1777)));
    assert!(!is_safe(end(folder(0, 0, 0o1777))));
}

#[test]
fn the_owner_of_a_link_counts_and_its_mode_does_not() {
    let link = |owner| PathStep {
        kind: EntryKind::Link,
        ..folder(owner, owner, 0o777)
    };
    assert!(is_safe(link(1000)) && is_safe(link(0)));
    let found = judge(&[link(4_000_000_000)], WHO);
    assert_eq!(
        found[0].to_string(),
        "/srv/gw is a link that belongs to user 4000000000"
    );
    assert_eq!(found[0].command(), None);
}

#[test]
fn an_owner_without_a_number_is_trusted_above_us_in_a_namespace() {
    let inside = Who {
        namespace: true,
        ..WHO
    };
    let step = folder(OVERFLOW, OVERFLOW, 0o755);
    assert!(judge(std::slice::from_ref(&step), inside).is_empty());
    assert!(!judge(&[end(step.clone())], inside).is_empty());
    assert!(!is_safe(step), "outside it is a user like others");
}

#[test]
fn what_is_wrong_is_said_with_its_command() {
    let mut step = folder(1000, 50, 0o775);
    step.path = "/srv/a b".into();
    let error = Untrusted {
        dangers: judge(&[step, folder(0, 0, 0o777)], WHO),
    };
    assert_eq!(
        error.to_string(),
        "/srv/a b can be written by its group (mode 0775); /srv/gw can be written by every user \
         (mode 0777): whoever can change it can run programs as the gateway and read its secrets"
    );
    assert_eq!(
        error.hint(),
        "look at what is in there, and then run: chmod go-w '/srv/a b' && chmod go-w /srv/gw"
    );
}

/// The steps below a test's own folder, with their modes.
fn below(base: &Path, path: &Path) -> Vec<(String, u32, bool)> {
    let steps = look(path).into_iter().filter_map(|step| {
        let inside = step.path.strip_prefix(base).ok()?.display().to_string();
        let mode = if step.kind == EntryKind::Link {
            0
        } else {
            step.mode
        };
        Some((inside, mode, step.end))
    });
    steps.filter(|(inside, ..)| !inside.is_empty()).collect()
}

#[test]
fn a_path_is_followed_through_its_links_to_what_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().canonicalize().unwrap();
    fs::create_dir_all(base.join("real/in")).unwrap();
    fs::set_permissions(base.join("real"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(base.join("real/in"), fs::Permissions::from_mode(0o700)).unwrap();
    symlink("real/../real", base.join("link")).unwrap();
    let found = below(&base, &base.join("link/in"));
    let names: Vec<_> = found.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["link", "real", "real", "real/in"]);
    assert_eq!(found.last().unwrap(), &("real/in".to_owned(), 0o700, true));
    // A file that is still missing is as safe as its folder; a folder below one is made by us.
    assert!(below(&base, &base.join("link/new")).last().unwrap().2);
    assert!(
        !below(&base, &base.join("link/new/deep/file"))
            .last()
            .unwrap()
            .2
    );
}

#[test]
fn a_link_to_itself_ends() {
    let dir = tempfile::tempdir().unwrap();
    symlink("loop", dir.path().join("loop")).unwrap();
    assert!(!look(&dir.path().join("loop/x")).is_empty());
}

#[test]
fn root_is_not_led_into_a_folder_of_another_user() {
    if !geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().canonicalize().unwrap();
    let (roots, own) = (base.join("roots"), base.join("own"));
    let [theirs, mine] = ["theirs", "mine"].map(|name| own.join(name));
    for folder in [&roots, &own, &theirs] {
        fs::create_dir(folder).unwrap();
    }
    symlink(&roots, &mine).unwrap();
    symlink("theirs", own.join("link")).unwrap();
    symlink(&roots, base.join("by-root")).unwrap();
    for path in [&own, &theirs, &mine, &own.join("link")] {
        lchown(path, Some(1234), Some(1234)).unwrap();
    }
    let led = |path: PathBuf| misleading(&path).map(|step| step.path);
    assert_eq!(led(mine.join("gateway.toml")), Some(mine.clone()));
    fs::write(roots.join("other"), "").unwrap();
    symlink(roots.join("other"), theirs.join("gateway.toml")).unwrap();
    lchown(theirs.join("gateway.toml"), Some(1234), Some(1234)).unwrap();
    assert!(
        led(theirs.join("gateway.toml")).is_some(),
        "the file itself"
    );
    assert_eq!(led(own.join("link/new.toml")), None, "the user's own");
    assert_eq!(led(base.join("by-root/gateway.toml")), None, "root's link");
    assert_eq!(led(theirs.join("new.toml")), None);
}

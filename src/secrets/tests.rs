//! What the contract promises of secrets, each as a test.

use super::*;
use crate::{
    fs::regular::tests::{at_once, pipe_at},
    services::{self, litellm, open_webui},
};

fn all() -> &'static [SecretKind] {
    services::catalog().secrets()
}

fn values(store: &SecretStore) -> Vec<Secret> {
    let kinds = all().iter();
    kinds.map(|kind| store.read(*kind).unwrap()).collect()
}

fn store() -> (tempfile::TempDir, SecretStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SecretStore::new(dir.path().join("secrets"));
    (dir, store)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn files_have_mode_0600_in_a_folder_of_mode_0700() {
    let (_dir, store) = store();
    assert_eq!(store.make_missing(all(), None).unwrap(), all());
    assert_eq!(mode(&store.folder), 0o700);
    for kind in all().iter().copied() {
        assert_eq!(mode(&store.path(kind)), 0o600, "{kind:?}");
    }
    assert_eq!(
        fs::read_dir(&store.folder).unwrap().count(),
        all().len(),
        "nothing is left"
    );
}

#[test]
fn a_second_run_makes_nothing_and_changes_nothing() {
    let (_dir, store) = store();
    store.make_missing(all(), None).unwrap();
    let before = values(&store);
    assert_eq!(store.make_missing(all(), None).unwrap(), []);
    assert!(before == values(&store));
}

#[test]
fn only_what_is_missing_is_made() {
    let (dir, store) = store();
    store.make_missing(all(), None).unwrap();
    let master = store.read(litellm::MASTER_KEY).unwrap();
    fs::remove_file(store.path(litellm::UI_PASSWORD)).unwrap();
    assert_eq!(
        store.make_missing(all(), Some(dir.path())).unwrap(),
        [litellm::UI_PASSWORD]
    );
    assert!(store.read(litellm::MASTER_KEY).unwrap() == master);
}

#[test]
fn a_missing_salt_key_beside_a_database_is_an_error_and_nothing_is_made() {
    let (dir, store) = store();
    let error = store.make_missing(all(), Some(dir.path())).unwrap_err();
    assert!(matches!(error, SecretError::SaltKeyLost { .. }), "{error}");
    assert!(error.to_string().contains("restore the file from a backup"));
    assert!(!store.folder.exists());
}

#[test]
fn an_interrupted_run_is_finished_by_the_next() {
    let (_dir, store) = store();
    store.make_folder().unwrap();
    let half = store.folder.join(".litellm-master-key.new");
    fs::write(&half, "sk-").unwrap();
    assert_eq!(store.make_missing(all(), None).unwrap(), all());
    assert!(!half.exists());
    assert!(store.read(litellm::MASTER_KEY).unwrap().expose().len() > 60);
}

#[test]
fn two_at_once_agree_on_the_first_ones_value() {
    let (_dir, store) = store();
    store.make_folder().unwrap();
    assert!(store.make(litellm::SALT_KEY).unwrap());
    let first = store.read(litellm::SALT_KEY).unwrap();
    assert!(!store.make(litellm::SALT_KEY).unwrap());
    assert!(store.read(litellm::SALT_KEY).unwrap() == first);
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let (_dir, store) = store();
    store.make_missing(all(), None).unwrap();
    let path = store.path(open_webui::SECRET_KEY);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = store.read(open_webui::SECRET_KEY).unwrap_err().to_string();
    assert!(
        error.contains(&format!("chmod 0600 {}", path.display())),
        "{error}"
    );
}

#[test]
fn an_empty_file_is_made_anew_but_not_the_salt_key_beside_a_database() {
    let (dir, store) = store();
    store.make_missing(all(), None).unwrap();
    fs::write(store.path(open_webui::SECRET_KEY), "").unwrap();
    let made = store.make_missing(all(), Some(dir.path())).unwrap();
    assert_eq!(made, [open_webui::SECRET_KEY]);
    assert!(store.read(open_webui::SECRET_KEY).unwrap().expose().len() > 60);
    fs::write(store.path(litellm::SALT_KEY), "\n").unwrap();
    let error = store
        .make_missing(all(), Some(dir.path()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("--accept-salt-key"), "{error}");
    assert_eq!(
        store.make_missing(all(), None).unwrap(),
        [litellm::SALT_KEY]
    );
}

#[test]
fn an_empty_file_is_refused() {
    let (_dir, store) = store();
    store.make_missing(all(), None).unwrap();
    fs::write(store.path(litellm::SALT_KEY), "\n").unwrap();
    let error = store.read(litellm::SALT_KEY).unwrap_err();
    assert!(matches!(error, SecretError::Empty { .. }), "{error}");
}

#[test]
fn litellms_keys_begin_as_litellm_wants_them_and_no_two_are_equal() {
    let (_dir, store) = store();
    store.make_missing(all(), None).unwrap();
    for kind in [
        litellm::MASTER_KEY,
        litellm::SALT_KEY,
        open_webui::VIRTUAL_KEY,
    ] {
        assert!(
            store.read(kind).unwrap().expose().starts_with("sk-"),
            "{kind:?}"
        );
    }
    let values = values(&store).into_iter();
    let mut values: Vec<_> = values.map(|value| value.expose().to_owned()).collect();
    values.sort();
    values.dedup();
    assert_eq!(values.len(), all().len());
}

#[test]
fn debug_output_shows_nothing_of_a_secret() {
    assert_eq!(format!("{:?}", Secret("hunter2".into())), "<secret>");
}

#[test]
fn a_password_that_somebody_chose_is_kept_and_no_other_secret_with_it() {
    let (_dir, store) = store();
    let chosen = Secret::chosen("a long pass phrase".into());
    store.keep(open_webui::ADMIN_PASSWORD, &chosen).unwrap();
    let made = store.make_missing(all(), None).unwrap();
    assert!(!made.contains(&open_webui::ADMIN_PASSWORD));
    let kept = store.read(open_webui::ADMIN_PASSWORD).unwrap();
    assert_eq!(kept, chosen);
    assert_eq!(mode(&store.path(open_webui::ADMIN_PASSWORD)), 0o600);
}

#[test]
fn only_what_is_renewed_gets_a_new_value() {
    let (_dir, store) = store();
    store.make_missing(all(), None).unwrap();
    let before = values(&store);
    let renewed = store.renew(open_webui::VIRTUAL_KEY).unwrap();
    for (kind, before) in all().iter().copied().zip(before) {
        let now = store.read(kind).unwrap();
        let ours = kind == open_webui::VIRTUAL_KEY;
        assert_eq!(now == before, !ours, "{kind:?}");
        assert_eq!(now == renewed, ours, "{kind:?}");
        assert_eq!(mode(&store.path(kind)), 0o600, "{kind:?}");
    }
    assert!(renewed.expose().starts_with("sk-"));
    assert_eq!(fs::read_dir(&store.folder).unwrap().count(), all().len());
}

#[test]
fn a_pipe_in_the_place_of_a_secret_is_an_error_and_not_a_wait() {
    let dir = tempfile::tempdir().unwrap();
    let store = SecretStore::new(dir.path().to_owned());
    let kind = open_webui::ADMIN_PASSWORD;
    pipe_at(&store.path(kind));
    let error = at_once(move || store.holds(kind)).unwrap_err();
    let chain = format!("{error}: {}", std::error::Error::source(&error).unwrap());
    assert!(chain.ends_with("it is not a regular file"), "{chain}");
}

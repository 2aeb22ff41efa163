//! What the contract promises of secrets, each as a test.

use super::*;
use crate::fs::regular::tests::{at_once, pipe_at};

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
    assert_eq!(store.make_missing(None).unwrap(), Kind::ALL);
    assert_eq!(mode(&store.folder), 0o700);
    for kind in Kind::ALL {
        assert_eq!(mode(&store.path(kind)), 0o600, "{kind:?}");
    }
    assert_eq!(
        fs::read_dir(&store.folder).unwrap().count(),
        Kind::ALL.len(),
        "nothing is left"
    );
}

#[test]
fn a_second_run_makes_nothing_and_changes_nothing() {
    let (_dir, store) = store();
    store.make_missing(None).unwrap();
    let before = Kind::ALL.map(|kind| store.read(kind).unwrap());
    assert_eq!(store.make_missing(None).unwrap(), []);
    assert!(before == Kind::ALL.map(|kind| store.read(kind).unwrap()));
}

#[test]
fn only_what_is_missing_is_made() {
    let (dir, store) = store();
    store.make_missing(None).unwrap();
    let master = store.read(Kind::LitellmMasterKey).unwrap();
    fs::remove_file(store.path(Kind::LitellmUiPassword)).unwrap();
    assert_eq!(
        store.make_missing(Some(dir.path())).unwrap(),
        [Kind::LitellmUiPassword]
    );
    assert!(store.read(Kind::LitellmMasterKey).unwrap() == master);
}

#[test]
fn a_missing_salt_key_beside_a_database_is_an_error_and_nothing_is_made() {
    let (dir, store) = store();
    let error = store.make_missing(Some(dir.path())).unwrap_err();
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
    assert_eq!(store.make_missing(None).unwrap(), Kind::ALL);
    assert!(!half.exists());
    assert!(store.read(Kind::LitellmMasterKey).unwrap().expose().len() > 60);
}

#[test]
fn two_at_once_agree_on_the_first_ones_value() {
    let (_dir, store) = store();
    store.make_folder().unwrap();
    assert!(store.make(Kind::LitellmSaltKey).unwrap());
    let first = store.read(Kind::LitellmSaltKey).unwrap();
    assert!(!store.make(Kind::LitellmSaltKey).unwrap());
    assert!(store.read(Kind::LitellmSaltKey).unwrap() == first);
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let (_dir, store) = store();
    store.make_missing(None).unwrap();
    let path = store.path(Kind::OpenWebuiSecretKey);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = store
        .read(Kind::OpenWebuiSecretKey)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("chmod 0600 {}", path.display())),
        "{error}"
    );
}

#[test]
fn an_empty_file_is_made_anew_but_not_the_salt_key_beside_a_database() {
    let (dir, store) = store();
    store.make_missing(None).unwrap();
    fs::write(store.path(Kind::OpenWebuiSecretKey), "").unwrap();
    let made = store.make_missing(Some(dir.path())).unwrap();
    assert_eq!(made, [Kind::OpenWebuiSecretKey]);
    assert!(store.read(Kind::OpenWebuiSecretKey).unwrap().expose().len() > 60);
    fs::write(store.path(Kind::LitellmSaltKey), "\n").unwrap();
    let error = store
        .make_missing(Some(dir.path()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("--accept-salt-key"), "{error}");
    assert_eq!(store.make_missing(None).unwrap(), [Kind::LitellmSaltKey]);
}

#[test]
fn an_empty_file_is_refused() {
    let (_dir, store) = store();
    store.make_missing(None).unwrap();
    fs::write(store.path(Kind::LitellmSaltKey), "\n").unwrap();
    let error = store.read(Kind::LitellmSaltKey).unwrap_err();
    assert!(matches!(error, SecretError::Empty { .. }), "{error}");
}

#[test]
fn litellms_keys_begin_as_litellm_wants_them_and_no_two_are_equal() {
    let (_dir, store) = store();
    store.make_missing(None).unwrap();
    for kind in [
        Kind::LitellmMasterKey,
        Kind::LitellmSaltKey,
        Kind::OpenWebuiVirtualKey,
    ] {
        assert!(
            store.read(kind).unwrap().expose().starts_with("sk-"),
            "{kind:?}"
        );
    }
    let mut values: Vec<_> = Kind::ALL
        .map(|k| store.read(k).unwrap().expose().to_owned())
        .into();
    values.sort();
    values.dedup();
    assert_eq!(values.len(), Kind::ALL.len());
}

#[test]
fn debug_output_shows_nothing_of_a_secret() {
    assert_eq!(format!("{:?}", Secret("hunter2".into())), "<secret>");
}

#[test]
fn a_password_that_somebody_chose_is_kept_and_no_other_secret_with_it() {
    let (_dir, store) = store();
    let chosen = Secret::chosen("a long pass phrase".into());
    store.keep_admin_password(&chosen).unwrap();
    let made = store.make_missing(None).unwrap();
    assert!(!made.contains(&Kind::OpenWebuiAdminPassword));
    assert!(!store.make_admin_password().unwrap());
    let kept = store.read(Kind::OpenWebuiAdminPassword).unwrap();
    assert_eq!(kept, chosen);
    assert_eq!(mode(&store.path(Kind::OpenWebuiAdminPassword)), 0o600);
    fs::remove_file(store.path(Kind::OpenWebuiAdminPassword)).unwrap();
    assert!(store.make_admin_password().unwrap());
}

#[test]
fn only_the_virtual_key_gets_a_new_value() {
    let (_dir, store) = store();
    store.make_missing(None).unwrap();
    let before = Kind::ALL.map(|kind| store.read(kind).unwrap());
    let renewed = store.renew_virtual_key().unwrap();
    for (kind, before) in Kind::ALL.into_iter().zip(before) {
        let now = store.read(kind).unwrap();
        let ours = kind == Kind::OpenWebuiVirtualKey;
        assert_eq!(now == before, !ours, "{kind:?}");
        assert_eq!(now == renewed, ours, "{kind:?}");
        assert_eq!(mode(&store.path(kind)), 0o600, "{kind:?}");
    }
    assert!(renewed.expose().starts_with("sk-"));
    assert_eq!(
        fs::read_dir(&store.folder).unwrap().count(),
        Kind::ALL.len()
    );
}

#[test]
fn a_pipe_in_the_place_of_a_secret_is_an_error_and_not_a_wait() {
    let dir = tempfile::tempdir().unwrap();
    let store = SecretStore::new(dir.path().to_owned());
    let kind = Kind::OpenWebuiAdminPassword;
    pipe_at(&store.path(kind));
    let error = at_once(move || store.holds(kind)).unwrap_err();
    let chain = format!("{error}: {}", std::error::Error::source(&error).unwrap());
    assert!(chain.ends_with("it is not a regular file"), "{chain}");
}

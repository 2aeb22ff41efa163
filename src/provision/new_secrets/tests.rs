use std::fs;

use super::*;
use crate::{
    provision::model::{DatabaseState, Generations},
    services::{self, litellm, open_webui},
};

const CLUSTER: u64 = 77;

/// A gateway that was set up by a program that knew all secrets but some.
struct Gateway {
    paths: Paths,
    _folder: tempfile::TempDir,
}

fn all() -> &'static [SecretKind] {
    services::catalog().secrets()
}

impl Gateway {
    /// One whose program did not know these.
    fn without(unknown: &[SecretKind]) -> Self {
        let gateway = Self::of_before_the_fingerprints();
        let before = all().iter().copied();
        let before: Vec<_> = before.filter(|kind| !unknown.contains(kind)).collect();
        for kind in unknown {
            gateway.lose(*kind);
        }
        let known = Fingerprints::of(&before, &gateway.store(), None).unwrap();
        gateway.write(Some(known));
        gateway
    }

    fn of_before_the_fingerprints() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths {
            config: folder.path().join("gateway.toml"),
            state: folder.path().to_owned(),
            run: folder.path().join("run"),
        };
        let cluster = paths.state.join("postgres").join("global");
        fs::create_dir_all(&cluster).unwrap();
        fs::write(cluster.join("pg_control"), CLUSTER.to_ne_bytes()).unwrap();
        let gateway = Self {
            paths,
            _folder: folder,
        };
        gateway.store().make_missing(all(), None).unwrap();
        gateway.write(None);
        gateway
    }

    fn write(&self, secrets: Option<Fingerprints>) {
        let database = DatabaseState {
            cluster: Some(CLUSTER),
            secrets,
            ..DatabaseState::default()
        };
        let payloads = [("a".to_owned(), "1.0-01234567".to_owned())].into();
        let record = SetUpRecord {
            generations: Some(Generations::default().switched(&payloads, &database)),
            database,
            ..SetUpRecord::default()
        };
        record.write(&self.paths.state).unwrap();
    }

    fn store(&self) -> SecretStore {
        SecretStore::new(self.paths.secrets())
    }

    fn lose(&self, kind: SecretKind) {
        fs::remove_file(self.store().path(kind)).unwrap();
    }

    fn start(&self) -> Result<Vec<SecretKind>, MissingSecrets> {
        make_new_secrets(services::catalog(), &self.paths)
    }

    fn record(&self) -> SetUpRecord {
        SetUpRecord::read(&self.paths.state).unwrap()
    }
}

#[test]
fn one_that_never_existed_is_made_once_and_is_lost_if_it_is_missing_later() {
    let gateway = Gateway::without(&[open_webui::SECRET_KEY]);
    assert_eq!(gateway.start().unwrap(), [open_webui::SECRET_KEY]);
    let value = gateway.store().read(open_webui::SECRET_KEY).unwrap();
    assert!(value.expose().len() > 60);
    assert_eq!(gateway.start().unwrap(), []);
    let record = gateway.record();
    let database = &record.generations.unwrap().current.unwrap().database;
    assert_eq!(record.database.secrets, database.secrets);

    gateway.lose(open_webui::SECRET_KEY);
    let error = gateway.start().unwrap_err();
    assert!(matches!(error, MissingSecrets::Lost(_)), "{error}");
    assert!(!gateway.store().holds(open_webui::SECRET_KEY).unwrap());
}

#[test]
fn one_that_was_lost_is_refused_with_the_way_out_and_nothing_is_made() {
    let gateway = Gateway::without(&[open_webui::SECRET_KEY]);
    gateway.lose(litellm::MASTER_KEY);
    fs::write(gateway.store().path(litellm::UI_PASSWORD), "\n").unwrap();
    let before = gateway.record();
    let MissingSecrets::Lost(lost) = gateway.start().unwrap_err() else {
        panic!("two are lost");
    };
    assert_eq!(
        lost.to_string(),
        "litellm-master-key, litellm-ui-password: missing or empty, and the database was set up with \
         what was there"
    );
    let secrets = gateway.paths.secrets();
    assert_eq!(
        lost.hints(),
        [
            format!("restore {} from its backup", secrets.display()),
            "or, to go on without it: 'ai-gateway setup' (whoever uses the master key needs the new \
             one; the password of LiteLLM's admin page is another one)"
                .to_owned()
        ]
    );
    assert!(!gateway.store().holds(open_webui::SECRET_KEY).unwrap());
    assert_eq!(gateway.record(), before);
}

#[test]
fn another_secret_that_was_changed_is_not_taken_by_the_way() {
    let gateway = Gateway::without(&[open_webui::SECRET_KEY]);
    fs::write(gateway.store().path(litellm::MASTER_KEY), "sk-other").unwrap();
    gateway.start().unwrap();
    let known = gateway.record().database.secrets.unwrap();
    assert_eq!(
        known.changed(all(), &gateway.store()),
        [litellm::MASTER_KEY]
    );
}

#[test]
fn what_somebody_else_has_to_know_first_is_made_by_set_up() {
    for kind in [
        litellm::DATABASE_PASSWORD,
        open_webui::DATABASE_PASSWORD,
        litellm::SALT_KEY,
    ] {
        let gateway = Gateway::without(&[kind]);
        assert_eq!(
            gateway.start().unwrap_err().to_string(),
            format!(
                "the gateway is not set up: the secret {} is missing, and only set-up makes it: run 'ai-gateway setup'",
                kind.file_name
            )
        );
        assert!(!gateway.store().holds(kind).unwrap());
    }
}

#[test]
fn without_fingerprints_only_what_the_database_is_not_held_to_is_made() {
    let gateway = Gateway::of_before_the_fingerprints();
    gateway.lose(open_webui::ADMIN_PASSWORD);
    assert_eq!(gateway.start().unwrap(), [open_webui::ADMIN_PASSWORD]);
    assert_eq!(gateway.record().database.secrets, None);
    gateway.lose(open_webui::SECRET_KEY);
    let error = gateway.start().unwrap_err();
    assert!(matches!(error, MissingSecrets::NotSetUp(_)), "{error}");
}

#[test]
fn a_set_up_that_runs_is_not_disturbed() {
    let gateway = Gateway::without(&[open_webui::SECRET_KEY]);
    let running = session::lock(&gateway.paths.state).unwrap();
    let error = gateway.start().unwrap_err();
    assert!(
        matches!(error, MissingSecrets::SetUp(SetupError::Busy { .. })),
        "{error}"
    );
    drop(running);
    gateway.start().unwrap();
}

/// A secret that something is encrypted with, or that the database is told, is never one that a start makes.
#[test]
fn no_kind_says_that_a_start_makes_what_only_set_up_can() {
    for kind in all() {
        let roles = services::catalog().roles();
        let of_a_role = roles.iter().any(|role| role.password == *kind);
        assert_eq!(kind.made_at_start, !kind.encrypts && !of_a_role, "{kind:?}");
    }
}

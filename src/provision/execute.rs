//! Does the steps of a plan in their order, and records what was done to the database.

use std::{fs, path::Path};

use super::{
    Context, SetupError,
    facts::Facts,
    fingerprints::Fingerprints,
    plan::{Payload, Step},
    progress::Total,
    record::Record,
    steps::{database, engine, migrations, open_webui, payload, python, server},
};
use crate::services::litellm::EngineSource;

impl Context<'_> {
    pub(super) fn execute(
        &mut self,
        steps: &[Step],
        facts: Facts,
        alone: &open_webui::Alone,
    ) -> Result<Record, SetupError> {
        let mut record = facts.record.about(facts.cluster);
        let (own, of_server): (Vec<_>, Vec<_>) = steps.iter().partition(|step| {
            !matches!(
                step,
                Step::Roles | Step::LitellmMigrations | Step::OpenWebuiMigrations
            )
        });
        for step in own {
            self.own_step(step)?;
        }
        record.postgres_bin.clone_from(&self.choice.postgres_bin);
        record.nginx.clone_from(&self.choice.nginx);
        record.node_bin = self.node()?.parent().map(Path::to_owned);
        record = record.about(database::identifier(&self.paths.postgres_data())?);
        if of_server
            .iter()
            .any(|step| !matches!(step, Step::OpenWebuiMigrations))
        {
            let server = server::Server::start(self)?;
            for step in &of_server {
                self.server_step(step, &server, &mut record)?;
            }
        }
        if of_server.contains(&&Step::OpenWebuiMigrations) {
            open_webui::migrate(self, alone)?;
            record.open_webui_migrations =
                self.wanted.folder(Payload::OpenWebui).map(str::to_owned);
        }
        record.secrets = Some(Fingerprints::of(&self.secrets(), record.secrets.as_ref())?);
        if record != Record::read(&self.paths.state)? {
            record.write(&self.paths.state)?;
        }
        self.runner.interrupts.check()?;
        Ok(record)
    }

    fn own_step(&mut self, step: &Step) -> Result<(), SetupError> {
        match step {
            Step::Secrets(_) => {
                let data = self.paths.postgres_data();
                let keys = data.exists() && !self.options.accept_salt_key;
                let database = keys.then_some(data.as_path());
                if let Some(password) = &self.options.admin_password {
                    self.secrets().keep_admin_password(password)?;
                }
                self.secrets().make_missing(database)?;
                Ok(())
            }
            Step::Switch(payload, folder) => payload::switch(self.paths, *payload, folder),
            Step::Build(payload, name) => {
                let folder = payload::folder(self.paths, *payload, name);
                self.progress
                    .begin(step.title(), Total::Bytes(payload.bytes()));
                let built = self.build(*payload, &folder);
                self.progress.end(built.is_ok());
                if built.is_err() {
                    // Of no use to anybody, and it may be what fills the disk. If it cannot be
                    // removed, the first error is still the one to tell.
                    let _removed = fs::remove_dir_all(&folder);
                }
                built
            }
            Step::Cluster => {
                self.progress.begin(step.title(), Total::Unknown);
                let made = database::cluster(self);
                self.progress.end(made.is_ok());
                made
            }
            Step::Roles | Step::LitellmMigrations | Step::OpenWebuiMigrations => Ok(()),
        }
    }

    fn build(&mut self, payload: Payload, folder: &Path) -> Result<(), SetupError> {
        match payload {
            Payload::Tools => python::tools(self, folder),
            Payload::Engine => engine::engine(self, folder),
            Payload::NativeEngine => match &EngineSource::of(self.settings) {
                EngineSource::Download { url, sha256 } => engine::native(self, folder, url, sha256),
                EngineSource::Wasm | EngineSource::Program(_) => Ok(()),
            },
            Payload::Litellm => python::litellm(self, folder),
            Payload::OpenWebui => python::open_webui(self, folder),
        }
    }

    /// Recorded one by one: what is done stays done.
    fn server_step(
        &mut self,
        step: &Step,
        server: &server::Server,
        record: &mut Record,
    ) -> Result<(), SetupError> {
        match step {
            Step::Roles => {
                database::roles(self, server)?;
                record.roles = Some(database::roles_hash(&self.secrets())?);
            }
            Step::LitellmMigrations => {
                migrations::litellm(self, server)?;
                record.litellm_migrations = self.wanted.folder(Payload::Litellm).map(str::to_owned);
            }
            Step::Secrets(_)
            | Step::Build(..)
            | Step::Switch(..)
            | Step::Cluster
            | Step::OpenWebuiMigrations => {
                return Ok(());
            }
        }
        record.write(&self.paths.state)
    }
}

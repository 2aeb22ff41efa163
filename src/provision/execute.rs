//! Does the steps of a plan in their order, and records what was done to the database.

use std::{fs, path::Path};

use super::{
    catalog::{Catalog, DatabaseServer},
    error::SetupError,
    execution::Execution,
    fingerprints::Fingerprints,
    generations,
    model::{Payload, SetUpRecord, SetupStep, Tables},
    payload_folder,
    progress::Total,
    roles::roles_hash,
    steps::{
        migrate::{Locks, Migrate},
        server::Server,
    },
};

impl Execution<'_> {
    /// Does these steps. `record` is the record of earlier set-ups.
    pub(crate) fn execute(
        &mut self,
        catalog: &Catalog,
        steps: &[SetupStep],
        mut record: SetUpRecord,
        locks: &Locks,
    ) -> Result<SetUpRecord, SetupError> {
        let tables: Vec<Tables> = catalog.tables().map(|all| all.tables).collect();
        generations::take_over(self.paths, &mut record, &tables);
        for step in steps {
            self.without_database(catalog, step)?;
        }
        let programs = self.choice.programs.iter();
        let programs = programs.map(|(program, path)| (program.name.to_owned(), path.clone()));
        record.programs = programs.collect();
        record.node_bin = self.node()?.parent().map(Path::to_owned);
        self.of_database(catalog, steps, &mut record, locks)?;
        let known = record.database.secrets.as_ref();
        record.database.secrets = Some(Fingerprints::of(
            &self.wanted.secrets,
            &self.secrets(),
            known,
        )?);
        self.conclude(steps, &mut record)?;
        self.runner.interrupts.check()?;
        Ok(record)
    }

    /// Does a step that comes before those of the database.
    fn without_database(&mut self, catalog: &Catalog, step: &SetupStep) -> Result<(), SetupError> {
        match step {
            SetupStep::Secrets(_) => self.make_secrets(),
            SetupStep::Build(payload, folder) => self.build(catalog, *payload, folder),
            SetupStep::Cluster => {
                self.progress.begin("Database cluster", Total::Unknown);
                let made = (server_of(catalog).make_cluster)(self);
                self.progress.end(made.is_ok());
                made
            }
            SetupStep::Roles(_) | SetupStep::Migrate(..) | SetupStep::Switch(_) => Ok(()),
        }
    }

    fn make_secrets(&self) -> Result<(), SetupError> {
        let data = self
            .wanted
            .cluster
            .map(|cluster| (cluster.data)(self.paths));
        let keys = |data: &&Path| data.exists() && !self.options.accept_salt_key;
        let database = data.as_deref().filter(keys);
        for (kind, chosen) in &self.options.chosen {
            self.secrets().keep(*kind, chosen)?;
        }
        self.secrets()
            .make_missing(&self.wanted.secrets, database)?;
        Ok(())
    }

    /// Makes a payload's folder, or leaves none.
    pub(crate) fn build(
        &mut self,
        catalog: &Catalog,
        payload: Payload,
        folder: &str,
    ) -> Result<(), SetupError> {
        let folder = payload_folder::folder(self.paths, payload.name, folder);
        self.progress
            .begin(payload.title, Total::Bytes(payload.bytes));
        let built = catalog.build(payload)(self, &folder);
        self.progress.end(built.is_ok());
        if built.is_err() {
            // Of no use to anybody, and it may be what fills the disk. If it cannot be removed, the
            // first error is still the one to tell.
            let _removed = fs::remove_dir_all(&folder);
        }
        built
    }

    /// The steps of the database: first all that share one server, then those that start their own,
    /// which need the cluster for themselves.
    fn of_database(
        &mut self,
        catalog: &Catalog,
        steps: &[SetupStep],
        record: &mut SetUpRecord,
        locks: &Locks,
    ) -> Result<(), SetupError> {
        let Some(cluster) = catalog.cluster() else {
            return Ok(());
        };
        let data = (cluster.data)(self.paths);
        *record = record.clone().about((cluster.identifier)(&data)?);
        record.database.major = (cluster.major)(&data);
        if steps.iter().any(|step| needs_server(catalog, step)) {
            let server = (server_of(catalog).start)(self)?;
            for step in steps {
                self.with_server(catalog, step, &server, record)?;
            }
        }
        for step in steps {
            self.by_itself(catalog, step, locks, record)?;
        }
        Ok(())
    }

    /// Does a step that needs the server. Each is recorded at once, so what is done stays done.
    fn with_server(
        &mut self,
        catalog: &Catalog,
        step: &SetupStep,
        server: &Server,
        record: &mut SetUpRecord,
    ) -> Result<(), SetupError> {
        match step {
            SetupStep::Roles(roles) => {
                let database = server_of(catalog);
                (database.make_roles)(self, server, roles)?;
                let hash = roles_hash(&database.cluster, roles, &self.secrets())?;
                record.database.roles = Some(hash);
                record.write(&self.paths.state)
            }
            SetupStep::Migrate(tables, folder) => match catalog.migrate(tables) {
                Migrate::WithServer(migrate) => {
                    migrate(self, server)?;
                    self.migrated(tables, folder, record)
                }
                Migrate::ByItself { .. } => Ok(()),
            },
            SetupStep::Secrets(_)
            | SetupStep::Build(..)
            | SetupStep::Cluster
            | SetupStep::Switch(_) => Ok(()),
        }
    }

    fn by_itself(
        &mut self,
        catalog: &Catalog,
        step: &SetupStep,
        locks: &Locks,
        record: &mut SetUpRecord,
    ) -> Result<(), SetupError> {
        if let SetupStep::Migrate(tables, folder) = step
            && let Migrate::ByItself { lock, migrate } = catalog.migrate(tables)
        {
            let alone = locks.get(lock).expect("set-up has taken every lock");
            migrate(self, alone)?;
            self.migrated(tables, folder, record)?;
        }
        Ok(())
    }

    fn migrated(
        &self,
        tables: &Tables,
        folder: &str,
        record: &mut SetUpRecord,
    ) -> Result<(), SetupError> {
        let migrations = &mut record.database.migrations;
        migrations.insert(tables.name.to_owned(), folder.to_owned());
        record.write(&self.paths.state)
    }

    /// The switch, where there is one, and the record as it is at the end.
    fn conclude(&self, steps: &[SetupStep], record: &mut SetUpRecord) -> Result<(), SetupError> {
        let switch = steps.iter().find_map(|step| match step {
            SetupStep::Switch(switch) => Some(switch),
            SetupStep::Secrets(_)
            | SetupStep::Build(..)
            | SetupStep::Cluster
            | SetupStep::Roles(_)
            | SetupStep::Migrate(..) => None,
        });
        if let Some(switch) = switch {
            return generations::switch(self.paths, record, &switch.payloads);
        }
        record.generations = generations::with_database(self.paths, record);
        if *record != SetUpRecord::read(&self.paths.state)? {
            record.write(&self.paths.state)?;
        }
        Ok(())
    }
}

/// The database server of a step of the database.
fn server_of(catalog: &Catalog) -> &DatabaseServer {
    let server = catalog.database();
    server.expect("a step of the database is planned only where a service brings its server")
}

/// Whether a step needs set-up's own database server.
fn needs_server(catalog: &Catalog, step: &SetupStep) -> bool {
    match step {
        SetupStep::Roles(_) => true,
        SetupStep::Migrate(tables, _) => matches!(catalog.migrate(tables), Migrate::WithServer(_)),
        SetupStep::Secrets(_)
        | SetupStep::Build(..)
        | SetupStep::Cluster
        | SetupStep::Switch(_) => false,
    }
}

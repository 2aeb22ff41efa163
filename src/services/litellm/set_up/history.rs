//! What can be wrong with the history of migrations in LiteLLM's database.

use crate::provision::error::SetupError;

/// Why no migration can be applied after those of the database's history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HistoryError {
    /// The file of a migration has changed after it was applied.
    #[error(
        "the migration {name:?} of LiteLLM was applied with other contents than it has now: the \
         database and this version of LiteLLM do not belong together; restore the database's \
         backup, or use the version that made it"
    )]
    Changed {
        /// The name of the migration.
        name: String,
    },
    /// Another tool has begun a migration and did not finish it.
    #[error(
        "the migration {name:?} was begun by another tool and did not end: look at its row in \
         _prisma_migrations, repair the table, and set rolled_back_at or finished_at there"
    )]
    Unfinished {
        /// The name of the migration.
        name: String,
    },
    /// A row of the history is not laid out as Prisma lays it out.
    #[error("the table _prisma_migrations has a row that cannot be understood: {row:?}")]
    Row {
        /// The row, as psql printed it.
        row: String,
    },
}

impl From<HistoryError> for SetupError {
    fn from(error: HistoryError) -> Self {
        Self::Refused(error.to_string())
    }
}

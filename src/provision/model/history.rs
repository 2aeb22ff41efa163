//! What is wrong with the history of migrations in a database.

/// The database's history cannot be gone on from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// A file changed after it was applied.
    #[error(
        "the migration {name:?} of LiteLLM was applied with other contents than it has now: the \
         database and this version of LiteLLM do not belong together; restore the database's \
         backup, or use the version that made it"
    )]
    Changed {
        /// Which.
        name: String,
    },
    /// Somebody else's attempt failed half-way.
    #[error(
        "the migration {name:?} was begun by another tool and did not end: look at its row in \
         _prisma_migrations, repair the table, and set rolled_back_at or finished_at there"
    )]
    Unfinished {
        /// Which.
        name: String,
    },
    /// A row that does not look like one.
    #[error("the table _prisma_migrations has a row that cannot be understood: {row:?}")]
    Row {
        /// As psql printed it.
        row: String,
    },
}

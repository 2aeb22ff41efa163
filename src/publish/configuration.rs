//! How the configuration in effect is compared with the one on disk.

use std::sync::Arc;

use supervise::spec::ServiceSpec;

/// What a look at the configuration on disk has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// The keys that have another value than the one in effect.
    pub differs: Vec<String>,
    /// What is wrong with it, if it could not be compared.
    pub invalid: Option<String>,
}

/// What comes of one key of the configuration alone: its name, and the services as they would be.
pub type Alone = (String, Vec<ServiceSpec>);

/// Compares the configuration that is in effect with the one on disk. It reads files, and so is never
/// called in the loop.
#[derive(Clone)]
pub struct Compare {
    look: Arc<dyn Fn() -> Compared + Send + Sync>,
    alone: Arc<dyn Fn() -> Vec<Alone> + Send + Sync>,
}

impl Compare {
    /// Looks by `look`; `alone` has each key that differs.
    pub fn new(
        look: impl Fn() -> Compared + Send + Sync + 'static,
        alone: impl Fn() -> Vec<Alone> + Send + Sync + 'static,
    ) -> Self {
        Self {
            look: Arc::new(look),
            alone: Arc::new(alone),
        }
    }

    /// What differs now.
    pub fn look(&self) -> Compared {
        (self.look)()
    }

    /// Each key that differs, with what comes of it alone.
    pub fn alone(&self) -> Vec<Alone> {
        (self.alone)()
    }
}

/// Nothing on disk to compare with.
impl Default for Compare {
    fn default() -> Self {
        Self::new(Compared::default, Vec::new)
    }
}

impl std::fmt::Debug for Compare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compare")
    }
}

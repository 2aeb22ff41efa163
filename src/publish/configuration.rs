//! How the configuration in effect is compared with the one on disk.

use std::sync::Arc;

use supervise::spec::ServiceSpec;

/// What was found by a look at the configuration on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// The keys that have another value than the one in effect.
    pub differs: Vec<String>,
    /// What is wrong with the configuration on disk. `None` if it could be compared.
    pub invalid: Option<String>,
}

/// What one changed key of the configuration would do alone: the name of the key, and the services as they
/// would be then.
pub type Alone = (String, Vec<ServiceSpec>);

/// Compares the configuration that is in effect with the one on disk. It reads files, and so is never
/// called in the loop.
#[derive(Clone)]
pub struct Compare {
    look: Arc<dyn Fn() -> Compared + Send + Sync>,
    alone: Arc<dyn Fn() -> Vec<Alone> + Send + Sync>,
}

impl Compare {
    /// Makes it of two functions: `look` finds what differs, and `alone` returns each key that differs with
    /// the services as they would be.
    pub fn new(
        look: impl Fn() -> Compared + Send + Sync + 'static,
        alone: impl Fn() -> Vec<Alone> + Send + Sync + 'static,
    ) -> Self {
        Self {
            look: Arc::new(look),
            alone: Arc::new(alone),
        }
    }

    /// Finds what differs now.
    pub fn look(&self) -> Compared {
        (self.look)()
    }

    /// Finds each key that differs, with the services as they would be if only this key were changed.
    pub fn alone(&self) -> Vec<Alone> {
        (self.alone)()
    }
}

/// The default compares nothing, because there is nothing on disk to compare with.
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

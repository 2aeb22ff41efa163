//! Which service requires which. The graph is checked once, when it is made.
//!
//! [`Graph::new`] rejects duplicate names, unknown requirements and cycles, also those over several
//! services. Whoever has a [`Graph`] can therefore walk it without checking for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::spec::{ServiceName, ServiceSpec};

/// Requirements in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    requires: BTreeMap<ServiceName, BTreeSet<ServiceName>>,
    dependants: BTreeMap<ServiceName, BTreeSet<ServiceName>>,
    order: Vec<ServiceName>,
}

/// Why services cannot be supervised together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two services of one name.
    #[error("two services are named {0}: give one of them another name")]
    Duplicate(ServiceName),
    /// A requirement that is no service.
    #[error("{service} requires {missing}, and there is no service of that name")]
    Unknown {
        /// Who requires it.
        service: ServiceName,
        /// What is not there.
        missing: ServiceName,
    },
    /// A service that requires itself; the path begins and ends with the same name.
    #[error("services require each other in a circle: {}", arrows(.0))]
    Cycle(Vec<ServiceName>),
}

fn arrows(path: &[ServiceName]) -> String {
    path.iter()
        .map(ServiceName::as_str)
        .collect::<Vec<_>>()
        .join(" -> ")
}

impl Graph {
    /// Checks the requirements of `specs`.
    ///
    /// # Errors
    /// Names the first duplicate, else the first unknown requirement, else the circle
    /// itself, without the way that leads to it.
    pub fn new(specs: &[ServiceSpec]) -> Result<Self, GraphError> {
        let mut requires = BTreeMap::new();
        for spec in specs {
            if requires
                .insert(spec.name.clone(), spec.requires.clone())
                .is_some()
            {
                return Err(GraphError::Duplicate(spec.name.clone()));
            }
        }
        let mut dependants: BTreeMap<_, _> = requires
            .keys()
            .map(|name| (name.clone(), BTreeSet::new()))
            .collect();
        for (service, needed) in &requires {
            for missing in needed {
                let Some(of_it) = dependants.get_mut(missing) else {
                    return Err(GraphError::Unknown {
                        service: service.clone(),
                        missing: missing.clone(),
                    });
                };
                of_it.insert(service.clone());
            }
        }
        let order = order(&requires)?;
        Ok(Self {
            requires,
            dependants,
            order,
        })
    }

    /// Every service, each after all services that it requires. The reverse is the order of a stop.
    pub fn start_order(&self) -> &[ServiceName] {
        &self.order
    }

    /// What `service` requires directly. Empty for a name that is not in the graph.
    pub fn requirements(&self, service: &ServiceName) -> impl Iterator<Item = &ServiceName> {
        self.requires.get(service).into_iter().flatten()
    }

    /// What requires `service` directly. Empty for a name that is not in the graph.
    pub fn dependants(&self, service: &ServiceName) -> impl Iterator<Item = &ServiceName> {
        self.dependants.get(service).into_iter().flatten()
    }
}

/// Depth first: a service comes after its requirements.
fn order(
    requires: &BTreeMap<ServiceName, BTreeSet<ServiceName>>,
) -> Result<Vec<ServiceName>, GraphError> {
    let mut walk = Walk {
        requires,
        done: BTreeSet::new(),
        order: Vec::new(),
    };
    for service in requires.keys() {
        walk.visit(service, &mut Vec::new())?;
    }
    Ok(walk.order)
}

struct Walk<'a> {
    requires: &'a BTreeMap<ServiceName, BTreeSet<ServiceName>>,
    done: BTreeSet<&'a ServiceName>,
    order: Vec<ServiceName>,
}

impl<'a> Walk<'a> {
    fn visit(
        &mut self,
        service: &'a ServiceName,
        path: &mut Vec<ServiceName>,
    ) -> Result<(), GraphError> {
        if self.done.contains(service) {
            return Ok(());
        }
        if let Some(start) = path.iter().position(|on_path| on_path == service) {
            let mut circle = path.split_off(start);
            circle.push(service.clone());
            return Err(GraphError::Cycle(circle));
        }
        path.push(service.clone());
        for needed in self.requires.get(service).into_iter().flatten() {
            self.visit(needed, path)?;
        }
        path.pop();
        self.done.insert(service);
        self.order.push(service.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! What the command is told, in its environment: addresses and paths, never a secret's value. The plan of
//! the stack writes that environment and the command reads it, both through [`Arguments`].

use std::path::PathBuf;

use crate::services::open_webui::Database;

/// What the command needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// The socket of LiteLLM's own API.
    pub litellm: PathBuf,
    /// Where Open WebUI asks LiteLLM.
    pub api_base: String,
    /// The folder of the secrets.
    pub secrets: PathBuf,
    /// A folder for what is to be remembered until the next start.
    pub memory: PathBuf,
    /// Where the daemon listens for the command line.
    pub control: PathBuf,
    /// Whether the demo model is wanted.
    pub demo_model: bool,
    /// LiteLLM's worker processes.
    pub workers: u32,
    /// How to reach what Open WebUI keeps. `None` if it is not a part of the stack.
    pub open_webui: Option<Database>,
}

/// An environment that did not come from the plan of the stack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{variable} is {}: the daemon sets it for the commands that it runs itself, and they are not \
     for typing",
    value.as_deref().map_or_else(|| "not set".to_owned(), |value| format!("{value:?}"))
)]
pub struct ArgumentsError {
    /// The environment variable.
    pub variable: &'static str,
    /// Its value, if it has one.
    pub value: Option<String>,
}

const LITELLM: &str = "AI_GATEWAY_LITELLM";
const API_BASE: &str = "AI_GATEWAY_API_BASE";
const SECRETS: &str = "AI_GATEWAY_SECRETS";
const MEMORY: &str = "AI_GATEWAY_MEMORY";
const CONTROL: &str = "AI_GATEWAY_CONTROL";
const WORKERS: &str = "AI_GATEWAY_WORKERS";
const DEMO_MODEL: &str = "AI_GATEWAY_DEMO_MODEL";
const PSQL: &str = "AI_GATEWAY_PSQL";
const POSTGRES_SOCKET: &str = "AI_GATEWAY_POSTGRES_SOCKET";

impl Arguments {
    /// The environment variables that say it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            (LITELLM, self.litellm.display().to_string()),
            (API_BASE, self.api_base.clone()),
            (SECRETS, self.secrets.display().to_string()),
            (MEMORY, self.memory.display().to_string()),
            (CONTROL, self.control.display().to_string()),
            (DEMO_MODEL, self.demo_model.to_string()),
            (WORKERS, self.workers.to_string()),
        ];
        if let Some(database) = &self.open_webui {
            variables.push((PSQL, database.psql.display().to_string()));
            variables.push((
                POSTGRES_SOCKET,
                database.socket_folder.display().to_string(),
            ));
        }
        variables
    }

    /// Reads it back.
    ///
    /// # Errors
    /// A variable that is missing or says something else.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ArgumentsError> {
        let need = |name| {
            variable(name).ok_or(ArgumentsError {
                variable: name,
                value: None,
            })
        };
        let wrong = |variable, value| ArgumentsError {
            variable,
            value: Some(value),
        };
        let (workers, demo_model) = (need(WORKERS)?, need(DEMO_MODEL)?);
        Ok(Self {
            litellm: need(LITELLM)?.into(),
            api_base: need(API_BASE)?,
            secrets: need(SECRETS)?.into(),
            memory: need(MEMORY)?.into(),
            control: need(CONTROL)?.into(),
            demo_model: demo_model
                .parse()
                .map_err(|_| wrong(DEMO_MODEL, demo_model))?,
            workers: workers.parse().map_err(|_| wrong(WORKERS, workers))?,
            open_webui: match variable(PSQL) {
                None => None,
                Some(psql) => Some(Database {
                    psql: psql.into(),
                    socket_folder: need(POSTGRES_SOCKET)?.into(),
                }),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(open_webui: bool) -> Arguments {
        Arguments {
            litellm: "/r/litellm/http.sock".into(),
            api_base: "http://127.0.0.1:4000/v1".into(),
            secrets: "/s/secrets".into(),
            memory: "/s/services/litellm".into(),
            control: "/r/control.sock".into(),
            demo_model: true,
            workers: 2,
            open_webui: open_webui.then(|| Database {
                psql: "/pg/psql".into(),
                socket_folder: "/run/pg".into(),
            }),
        }
    }

    #[test]
    fn what_the_plan_writes_the_command_reads() {
        for open_webui in [true, false] {
            let arguments = arguments(open_webui);
            let variables = arguments.variables();
            let look_up = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.clone())
            };
            assert_eq!(Arguments::read(look_up).unwrap(), arguments);
        }
    }

    #[test]
    fn a_person_who_types_the_command_is_told() {
        let error = Arguments::read(|_| None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "AI_GATEWAY_WORKERS is not set: the daemon sets it for the commands that it runs \
             itself, and they are not for typing"
        );
    }
}

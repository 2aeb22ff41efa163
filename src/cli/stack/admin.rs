//! `ai-gateway admin`: Open WebUI's accounts.

use serde::Deserialize;

use super::password;
use crate::cli::{
    context::{Context, print},
    failure::{CommandExit, Failure},
    root, settings,
    status::pretty,
    text::{BOLD, Line},
};
use crate::{
    config::is_email,
    control::client::ClientError,
    fs::regular,
    secrets::{Secret, SecretStore},
    services::{
        self,
        open_webui::{
            self, Database,
            accounts::{self, Account, AccountError, Accounts, NewAccount},
        },
        postgres,
    },
};

/// List and change Open WebUI's accounts
///
/// Set-up makes the first administrator. Sign-up is closed unless gateway.toml opens it, so
/// administrators make the other accounts: here, or in the browser.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the accounts, the oldest first
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Make an account
    ///
    /// Asks for the password without showing it; Enter makes one up and prints it.
    Create {
        /// The e-mail address by which it signs in
        email: String,
        /// The name that others see; otherwise what the address begins with
        #[arg(long)]
        name: Option<String>,
        /// What it may do
        #[arg(long, value_enum, default_value_t = Role::Admin)]
        role: Role,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Give an account another password, which ends its sessions
    ///
    /// Asks for the password without showing it; Enter makes one up and prints it.
    ResetPassword {
        /// The e-mail address of the account
        email: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Make an administrator of an account
    Promote {
        /// The e-mail address of the account
        email: String,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Role {
    /// Everything, the settings of Open WebUI included
    Admin,
    /// Chats
    User,
}

/// Where a password comes from.
#[derive(Debug, clap::Args)]
struct PasswordArgs {
    /// Read the password from the first line of standard input
    #[arg(long, conflicts_with = "generate")]
    password_stdin: bool,
    /// Make a password up and print it
    #[arg(long)]
    generate: bool,
}

impl PasswordArgs {
    /// The password, and whether it was made up, so that nobody knows it yet.
    fn get(&self) -> Result<(Secret, bool), Failure> {
        if self.password_stdin {
            return Ok((password::from_standard_input()?, false));
        }
        if self.generate {
            return Ok((password::generated()?, true));
        }
        if !crate::cli::prompt::somebody_is_there() {
            return Err(
                Failure::new(CommandExit::Usage, "nobody is there to type a password")
                    .hint("--password-stdin reads it from standard input, --generate makes one up"),
            );
        }
        match password::asked("Password (Enter: a random one): ")? {
            Some(password) => Ok((password, false)),
            None => Ok((password::generated()?, true)),
        }
    }
}

pub(in crate::cli) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    // If root did this, the files that are written would belong to root.
    root::refuse(context, "admin")?;
    match &args.verb {
        Verb::List { json } => list(&Place::find(context)?, *json),
        Verb::Create {
            email,
            name,
            role,
            password,
        } => {
            let email = address(email)?;
            let place = Place::find(context)?;
            let name = name.as_deref().or_else(|| email.split('@').next());
            create(&place, &email, name.unwrap_or_default(), *role, password)
        }
        Verb::ResetPassword { email, password } => {
            let email = email.to_lowercase();
            reset_password(&Place::find(context)?, &email, password)
        }
        Verb::Promote { email } => {
            let email = email.to_lowercase();
            let place = Place::find(context)?;
            place.accounts.promote(&email).map_err(failure)?;
            print(format!("{email} is an administrator now.\n"))
        }
    }
}

/// What the verbs need.
struct Place {
    accounts: Accounts,
    store: SecretStore,
    python: std::path::PathBuf,
    /// The account that set-up has made, if any.
    first: Option<String>,
}

impl Place {
    /// # Errors
    /// The gateway is not set up or does not run, or has no Open WebUI.
    fn find(context: &Context) -> Result<Self, Failure> {
        let loaded = settings::read(context, &[])?;
        if !loaded.settings.has(open_webui::NAME) {
            return Err(Failure::new(
                CommandExit::Failed,
                "Open WebUI is not a part of this gateway",
            )
            .cause("open_webui.enabled is false"));
        }
        let installed = services::installed(&context.paths, &loaded.settings)
            .map_err(|e| Failure::of(CommandExit::Failed, &e))?;
        match context.connect() {
            Ok(_) => {}
            Err(error @ ClientError::NotRunning { .. }) => {
                return Err(Failure::from(error)
                    .cause("the accounts are in its database, which runs with it"));
            }
            Err(other) => return Err(other.into()),
        }
        let store = SecretStore::new(context.paths.secrets());
        let password = store.read(open_webui::DATABASE_PASSWORD);
        Ok(Self {
            accounts: Accounts {
                database: Database {
                    psql: postgres::program(&installed, "psql"),
                    socket_folder: postgres::socket_folder(&context.paths),
                },
                password: password.map_err(|e| Failure::of(CommandExit::Failed, &e))?,
            },
            store,
            python: open_webui::python(&installed),
            first: first(context).and_then(|first| first.email),
        })
    }

    /// The password that `ai-gateway key` shows for the first account has to stay the right one, so the new
    /// one is stored there.
    fn keep(&self, email: &str, password: &Secret) -> Result<(), Failure> {
        if self.first.as_deref() != Some(email) {
            return Ok(());
        }
        self.store
            .keep(open_webui::ADMIN_PASSWORD, password)
            .map_err(|e| Failure::of(CommandExit::Failed, &e))
    }
}

/// What was done about Open WebUI's first account.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct First {
    /// The address of the account. `None` if another person has made the first account.
    pub(in crate::cli) email: Option<String>,
}

/// What was done so far. `None` if nothing was.
pub(in crate::cli) fn first(context: &Context) -> Option<First> {
    let text = regular::text(&open_webui::first_account::file(&context.paths)).ok()?;
    serde_json::from_str(&text).ok()
}

fn list(place: &Place, json: bool) -> Result<(), Failure> {
    let accounts = place.accounts.list().map_err(failure)?;
    if json {
        return print(pretty(&accounts)?);
    }
    print(table(&accounts))
}

fn table(accounts: &[Account]) -> String {
    let width = |of: fn(&Account) -> &str| {
        let widths = accounts.iter().map(|one| of(one).chars().count());
        widths.max().unwrap_or_default()
    };
    let (email, name) = (width(|one| &one.email), width(|one| &one.name));
    let lines = accounts.iter().map(|one| {
        let state = if one.active { "" } else { "  may not sign in" };
        Line::new()
            .and(BOLD, format!("{:<email$}", one.email))
            .plain(format!("  {:<name$}  {}{state}", one.name, one.role))
            .render(usize::MAX)
            + "\n"
    });
    lines.collect()
}

fn create(
    place: &Place,
    email: &str,
    name: &str,
    role: Role,
    password: &PasswordArgs,
) -> Result<(), Failure> {
    let (password, new) = password.get()?;
    let hash = accounts::hash(&place.python, &password).map_err(failure)?;
    let role = match role {
        Role::Admin => "admin",
        Role::User => "user",
    };
    let account = NewAccount {
        email,
        name,
        role,
        hash: &hash,
    };
    place.accounts.create(&account).map_err(failure)?;
    print(format!("The account {email} was made ({role}).\n"))?;
    show(&password, new)
}

fn reset_password(place: &Place, email: &str, password: &PasswordArgs) -> Result<(), Failure> {
    let (password, new) = password.get()?;
    let hash = accounts::hash(&place.python, &password).map_err(failure)?;
    place
        .accounts
        .reset_password(email, &hash)
        .map_err(failure)?;
    place.keep(email, &password)?;
    print(format!(
        "{email} has another password, and its sessions have ended.\n"
    ))?;
    show(&password, new)
}

fn show(password: &Secret, new: bool) -> Result<(), Failure> {
    if new {
        print(format!("Password: {}\n", password.expose()))
    } else {
        Ok(())
    }
}

/// The address in the form in which Open WebUI looks it up.
fn address(email: &str) -> Result<String, Failure> {
    if is_email(email) {
        return Ok(email.to_lowercase());
    }
    Err(Failure::new(
        CommandExit::Usage,
        format!("{email:?} is not an e-mail address"),
    )
    .hint("Open WebUI's sign-in takes name@example.org and name@localhost"))
}

fn failure(error: AccountError) -> Failure {
    let failure = Failure::of(CommandExit::Failed, &error);
    match error {
        AccountError::Database { .. } => failure.hint("'ai-gateway status' says whether it runs"),
        AccountError::Unknown { .. } => failure.hint("'ai-gateway admin list' shows the accounts"),
        AccountError::Exists { .. } => {
            failure.hint("'ai-gateway admin reset-password' and 'promote' change it")
        }
        AccountError::Hash { .. } => failure.hint("'ai-gateway doctor' looks at what is installed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_columns() {
        let account = |email: &str, name: &str, role: &str, active| Account {
            email: email.into(),
            name: name.into(),
            role: role.into(),
            active,
            created_at: 0,
            last_active_at: 0,
        };
        let accounts = [
            account("admin@localhost", "Admin", "admin", true),
            account("bo@example.org", "Bo", "pending", false),
        ];
        insta::assert_snapshot!(anstream::adapter::strip_str(&table(&accounts)), @"
        admin@localhost  Admin  admin
        bo@example.org   Bo     pending  may not sign in
        ");
    }
}

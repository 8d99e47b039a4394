//! `init`: a configuration to start from, and the first administrator.

use std::io::{BufRead, IsTerminal, Read};
use std::path::Path;
use std::time::Duration;

use crate::settings::ServerSettings;
use crate::state::AppState;
use accounts::Person;
use accounts::{AccountsError, GroupId, NewUser, UserId};
use user_backend::ClassRegistry;
use user_backend::Password;
use user_backend::clock::{later, now};
use user_backend::environment::TakenPassword;
use zeroize::Zeroizing;

/// The configuration to start from.
const TEMPLATE: &str = include_str!("init.toml");

/// The configuration of the Debian package.
const PACKAGED_CONFIG: &str = "/etc/user-backend/user-backend.toml";

/// The unit of the Debian package.
const UNIT: &str = "/usr/lib/systemd/system/user-backend-server.service";

/// The variables that `--password-from-env` reads: those of `occ`.
const VARIABLES: [&str; 2] = ["NC_PASS", "OC_PASS"];

/// Takes the password out of this process's environment, if its command line says so.
pub(crate) fn leave_environment() -> TakenPassword {
    TakenPassword::take(&VARIABLES, "--password-from-env", "--password-from-stdin")
}

/// Source of the password.
#[derive(Debug)]
pub(crate) enum Source {
    Environment(TakenPassword),
    Pipe,
    Terminal,
}

impl Source {
    pub(crate) fn of(environment: bool, pipe: bool, taken: TakenPassword) -> Self {
        match (environment, pipe) {
            (true, _) => Self::Environment(taken),
            (_, true) => Self::Pipe,
            _ => Self::Terminal,
        }
    }
}

/// Why it did not work.
#[derive(Debug)]
pub(crate) struct InitError {
    pub(crate) code: u8,
    pub(crate) text: String,
}

fn error(code: u8, text: impl ToString) -> InitError {
    InitError { code, text: text.to_string() }
}

/// Writes what is missing and gives the next steps to print.
///
/// Without a source, the password is generated and printed with them. With `if_needed`, nothing
/// happens when there is an administrator.
pub(crate) async fn run(
    config: &Path,
    admin: &str,
    source: Option<Source>,
    if_needed: bool,
    classes: ClassRegistry,
) -> Result<Option<String>, InitError> {
    let id = UserId::for_new(admin).map_err(|refused| error(2, refused))?;
    let mut report = String::new();
    if write_new(config).map_err(|failed| error(1, format_args!("{}: {failed}", config.display())))? {
        report += &format!("wrote {}\n", config.display());
    }
    let (settings, read) = ServerSettings::load(config, &classes).map_err(|errors| error(2, errors))?;
    let url = settings.public_url();
    let app = AppState::start(settings, &read).await.map_err(|failed| error(1, failed))?;
    if if_needed && has_administrator(&app).await.map_err(|failed| error(1, failed))? {
        app.accounts().close().await;
        return Ok(None);
    }
    if app.accounts().users().find(&id).await.map_err(|failed| error(1, failed))?.is_some() {
        return Err(error(
            1,
            format_args!("{admin} is there already; set a new password with occ user:resetpassword"),
        ));
    }
    let person = Person { id: id.as_str(), display_name: None, email: None };
    let is_generated = source.is_none();
    let text = match source {
        Some(source) => password(source, admin).await?,
        None => generated(&app, &person).await?,
    };
    let password = Password::parse(text.as_str()).map_err(|refused| error(1, refused))?;
    let deadline = later(now(), Duration::from_secs(60));
    let hash =
        app.passwords().first(person, &password, deadline).await.map_err(|refused| error(1, refused))?;
    match app
        .accounts()
        .as_system()
        .users()
        .create(NewUser::new(id).password(hash).group(GroupId::admin()))
        .await
    {
        Ok(_) => {}
        // Another server of the site was first, with a password of its own.
        Err(AccountsError::AlreadyExists { .. }) if if_needed => return Ok(None),
        Err(failed) => return Err(error(1, failed)),
    }
    report += &format!("created the administrator {admin}\n");
    if is_generated {
        report += &format!("password: {}\nIt is not shown again.\n", text.as_str());
    }
    report += "\nnext:\n";
    if let Some(start) = start_command(config, if_needed, Path::new(UNIT)) {
        report += &format!("  {start}\n");
    }
    report += &format!("  curl -u {admin} -H 'OCS-APIRequest: true' {url}/ocs/v1.php/cloud/users\n");
    report += &format!("in a browser:\n  {url}/login\n  {url}/docs");
    app.accounts().close().await;
    Ok(Some(report))
}

/// How to start the server; `None` if the caller does that, as the container image does.
fn start_command(config: &Path, if_needed: bool, unit: &Path) -> Option<String> {
    if if_needed {
        return None;
    }
    if config == Path::new(PACKAGED_CONFIG) && unit.exists() {
        return Some("systemctl enable --now user-backend-server".to_owned());
    }
    Some(format!("user-backend-server serve --config {}", config.display()))
}

/// Whether the accounts have an administrator.
pub(crate) async fn has_administrator(app: &AppState) -> Result<bool, AccountsError> {
    Ok(app.accounts().groups().find(&GroupId::admin()).await?.is_some_and(|admins| admins.members > 0))
}

/// A password that the rules of the store accept.
async fn generated(app: &AppState, person: &Person<'_>) -> Result<Zeroizing<String>, InitError> {
    let rules = app.rules().await.map_err(|failed| error(1, failed))?;
    let generated = rules.generate(person).map_err(|failed| error(1, failed))?;
    Ok(Zeroizing::new(generated.expose().to_owned()))
}

/// Writes the configuration with mode 0640, unless there is one.
fn write_new(path: &Path) -> std::io::Result<bool> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o640);
    }
    match options.open(path) {
        Ok(mut file) => file.write_all(TEMPLATE.as_bytes()).map(|()| true),
        Err(failed) if failed.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(failed) => Err(failed),
    }
}

async fn password(source: Source, admin: &str) -> Result<Zeroizing<String>, InitError> {
    let question = format!("Password of {admin}: ");
    let read = move || match source {
        Source::Environment(taken) => match taken.get() {
            Ok(Some(password)) => Ok(Zeroizing::new(password.to_owned())),
            Ok(None) => Err(error(2, "--password-from-env was given, but OC_PASS is not set")),
            Err(failed) => Err(error(2, failed)),
        },
        Source::Pipe => {
            let mut line = Zeroizing::new(String::new());
            let read = std::io::stdin().lock().take(64 * 1024).read_line(&mut line);
            read.map_err(|failed| error(1, format_args!("standard input cannot be read: {failed}")))?;
            Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
        }
        Source::Terminal if !std::io::stdin().is_terminal() => Err(error(
            2,
            "cannot prompt for the password here; use --password-from-env (OC_PASS), --password-from-stdin or --generate-password",
        )),
        Source::Terminal => {
            let read_secret = |question: &str| {
                let typed = rpassword::prompt_password(question).map(Zeroizing::new);
                typed.map_err(|failed| error(1, format_args!("the terminal cannot be asked: {failed}")))
            };
            let first = read_secret(&question)?;
            if *read_secret("Again: ")? == *first {
                Ok(first)
            } else {
                Err(error(1, "the two passwords differ; no user was created, try again"))
            }
        }
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| error(1, "the prompt ended with an internal error"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_of_a_package_starts_the_unit() {
        let (there, missing) = (Path::new("/"), Path::new("/no/such/unit"));
        let (packaged, own) = (Path::new(PACKAGED_CONFIG), Path::new("own.toml"));
        let start = |config, unit| start_command(config, false, unit).unwrap();
        assert_eq!(start(packaged, there), "systemctl enable --now user-backend-server");
        assert_eq!(start(packaged, missing), format!("user-backend-server serve --config {PACKAGED_CONFIG}"));
        assert_eq!(start(own, there), "user-backend-server serve --config own.toml");
        assert_eq!(start_command(packaged, true, there), None, "the image starts it");
    }
}

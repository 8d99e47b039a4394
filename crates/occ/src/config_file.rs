//! Finding and reading the configuration file.
//!
//! The places, in this order: `--config`, the variable `USER_BACKEND_CONFIG`,
//! `./user-backend.toml`, `./config/config.php`. The first that is named or there counts, even if
//! it cannot be read: falling through to another file would answer a question that was not asked.

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use accounts::ServerSettings;
use user_backend::config::{Config, InvalidConfig, Loader};

use crate::cli::Common;
use crate::exit::CliError;

/// The variable that names the configuration.
const VARIABLE: &str = "USER_BACKEND_CONFIG";

/// Default locations of the configuration.
const USUAL: [&str; 2] = ["user-backend.toml", "config/config.php"];

/// The file to read.
pub(crate) fn find(given: Option<&Path>) -> Result<PathBuf, CliError> {
    let variable = env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(named) = given.map(Path::to_owned).or(variable) {
        return Ok(named);
    }
    // A dangling link counts as well: it is an error of the operator, not a missing file.
    if let Some(usual) = USUAL.map(Path::new).into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Ok(usual.to_owned());
    }
    let here = env::current_dir().unwrap_or_default();
    let mut text = "no configuration found; looked at\n".to_owned();
    let _ = writeln!(text, "  --config FILE: not given");
    let _ = writeln!(text, "  {VARIABLE}: not set");
    for usual in USUAL {
        let _ = writeln!(text, "  {}: no such file", here.join(usual).display());
    }
    text.push_str("name yours with --config FILE");
    Err(CliError::new(text))
}

/// Finds the file and reads it.
pub(crate) fn read(common: &Common) -> Result<(PathBuf, ServerSettings, Config), CliError> {
    let file = find(common.config.as_deref())?;
    let (server, config) = read_file(common, &file, Loader::allow_no_backends)?;
    Ok((file, server, config))
}

/// Reads a file; `more` sets what else the loader allows.
pub(crate) fn read_file(
    common: &Common,
    file: &Path,
    more: impl FnOnce(Loader) -> Loader,
) -> Result<(ServerSettings, Config), CliError> {
    tracing::debug!(file = %file.display(), "reading the configuration");
    let loader = more(Loader::new().with_registry(common.registry.clone()));
    let (server, config) = ServerSettings::load_with(loader, file).map_err(wrong)?;
    Ok((server, config.for_one_attempt()))
}

/// The errors of a configuration.
pub(crate) fn wrong(errors: InvalidConfig) -> CliError {
    CliError::new(format!("the configuration is wrong\n{errors}"))
}

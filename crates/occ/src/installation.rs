//! `status`, `check`, `list`: what scripts ask first.
//!
//! And the commands that this server does not have.

use clap::Command;
use serde_json::{Value, json};

use crate::Call;
use crate::cli::{self, ListCommandsArgs, StatusArgs};
use crate::config_file;
use crate::exit::{CliError, Exit};
use crate::output::{Output, nested, one_line};
use crate::store;

pub(crate) async fn status(call: Call<'_>, args: &StatusArgs) -> Result<Output, CliError> {
    let (_, server, config) = config_file::read(call.common)?;
    let (name, (major, minor, patch)) = (server.name.clone(), server.compat.version());
    let is_installed = store::find(&config, server).await?.is_some();
    let exit = if args.exit_code && !is_installed { Exit::Refused } else { Exit::Fine };
    if args.exit_code && call.common.verbose == 0 {
        return Ok(Output { exit, plain: String::new(), json: None });
    }
    Ok(Output {
        exit,
        ..Output::tree(json!({
            "installed": is_installed,
            "version": format!("{major}.{minor}.{patch}.0"),
            "versionstring": format!("{major}.{minor}.{patch}"),
            "edition": "",
            "maintenance": false,
            "needsDbUpgrade": false,
            "productname": name,
            "extendedSupport": false,
        }))
    })
}

/// Says nothing if all is well; otherwise what is not, on standard output.
pub(crate) async fn check(call: Call<'_>) -> Result<Output, CliError> {
    let problem = match config_file::read(call.common) {
        Ok((_, server, config)) => match store::find(&config, server).await {
            Ok(Some(_)) => None,
            Ok(None) => Some("there is no store yet; occ user:add makes one".to_owned()),
            Err(error) => Some(store::placed(error).to_string()),
        },
        Err(error) => Some(error.to_string()),
    };
    let problems: Vec<Value> =
        problem.iter().flat_map(|text| text.lines()).map(|line| line.trim().into()).collect();
    if problems.is_empty() {
        return Ok(Output::done::<String>([]));
    }
    let problems = Value::Array(problems);
    Output::new(nested(&problems, 0), &problems, Exit::Refused)
}

pub(crate) fn list(args: &ListCommandsArgs) -> Result<Output, CliError> {
    let wanted = args.namespace.as_deref().map(|wanted| wanted.trim_end_matches(':'));
    let is_wanted =
        |name: &str| wanted.is_none_or(|wanted| name == wanted || name.starts_with(&format!("{wanted}:")));
    let cli = cli::command();
    let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut commands: Vec<(&str, String)> = cli
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && is_wanted(command.get_name()))
        .map(|command| (command.get_name(), about(command)))
        .collect();
    commands.sort_unstable();
    if let (Some(wanted), true) = (wanted, commands.is_empty()) {
        let text = format!("There are no commands defined in the \"{wanted}\" namespace.");
        return Err(CliError::refused_silently(text));
    }
    let width = commands.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, about): &(&str, String)| format!("{name:width$}  {}\n", one_line(about));
    let plain = if args.raw {
        commands.iter().map(line).collect()
    } else {
        let mut text = format!(
            "occ {}\n\nUsage:\n  occ COMMAND [OPTIONS] [ARGUMENTS]\n\nAvailable commands:\n",
            env!("CARGO_PKG_VERSION")
        );
        commands.sort_by_key(|(name, _)| name.contains(':'));
        let mut group = "";
        for command in &commands {
            let (namespace, _) = command.0.split_once(':').unwrap_or_default();
            if namespace != group {
                group = namespace;
                text += &format!(" {group}\n");
            }
            text += &format!("  {}", line(command));
        }
        text
    };
    let described: Vec<Value> =
        commands.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect();
    Output::new(plain, &json!({ "commands": described }), Exit::Fine)
}

/// A command that there is no use for here.
pub(crate) fn unsupported(command: &str, why: &str) -> CliError {
    CliError::refused(format!("{command} is not supported by this server: {why}"))
}

//! The library's side: the same positional arguments in a `config.php`.
//!
//! The resolver has no memory of earlier pairs.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;
use user_backend::config::{Config, Format};
use user_backend::resolver::{Credentials, Outcome};
use user_backend::{ClassRegistry, Resolver};

use crate::Answer;
use crate::cases::Pair;

/// The configurations that were read.
#[derive(Debug, Default)]
pub(crate) struct Ours {
    configs: HashMap<String, Result<Config, String>>,
}

impl Ours {
    /// One sign-in.
    pub(crate) async fn sign_in(&mut self, pair: &Pair) -> Answer {
        let text = configuration(pair);
        let config = self.configs.entry(text).or_insert_with_key(|text| {
            let loader = user_backend::config::Loader::new().with_registry(ClassRegistry::standard());
            loader.parse(text, Format::Php, "config.php").map_err(|errors| errors.to_string())
        });
        let config = match config {
            Ok(config) => config,
            Err(errors) => return Answer::Error(errors.clone()),
        };
        let resolver = Resolver::from_config(config).unwrap();
        let answer = resolver.authenticate(Credentials::new(&pair.name, &pair.password)).await;
        match &answer.outcome {
            Outcome::Authenticated(proof) => Answer::Yes {
                id: proof.name().to_string(),
                groups: proof.identity().groups().map(ToString::to_string).collect(),
            },
            Outcome::Refused(_) => Answer::No,
            Outcome::Throttled { .. } | Outcome::Unavailable { .. } => {
                Answer::Error(answer.trace.steps.iter().map(|step| format!("{step:?}")).collect())
            }
        }
    }
}

/// The entry of an operator, with the settings that the encryption rules require.
fn configuration(pair: &Pair) -> String {
    let arguments = literal(&pair.arguments);
    let more = &pair.more;
    // Pure-FTPd takes longer to refuse, and the others are not waited for as long.
    let timeout = if pair.server == "pure-ftpd" { "20s" } else { "5s" };
    format!(
        "<?php $CONFIG = ['user_backends' => [['class' => '\\OCA\\UserExternal\\{}', 'arguments' => {arguments}, \
         'connect_timeout' => '2s', 'timeout' => '{timeout}', {more}]]];",
        pair.class
    )
}

/// A value as PHP writes it.
fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::Array(values) => {
            let list: Vec<String> = values.iter().map(literal).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Object(members) => {
            let mut text = "[".to_owned();
            for (key, value) in members {
                let _ = write!(text, "'{key}' => {}, ", literal(value));
            }
            text + "]"
        }
        other => other.to_string(),
    }
}

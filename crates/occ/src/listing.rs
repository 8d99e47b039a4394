//! Lists of any length, written while they are read.
//!
//! A hundred thousand users take no more memory than a hundred.

use serde_json::Value;

use crate::Call;
use crate::exit::{CliError, Exit};
use crate::output::{Format, Output, StdoutGuard, nested, one_line, pretty, printable_json};

/// How much is collected before it is written.
const CHUNK: usize = 64 * 1024;

/// What JSON makes of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An object: every entry has its own key.
    Map,
    /// An array.
    List,
}

/// A list that is being written.
#[derive(Debug)]
pub(crate) struct Listing {
    answers: StdoutGuard,
    format: Format,
    shape: Shape,
    text: String,
    is_empty: bool,
    is_heard: bool,
}

impl Listing {
    /// Begins a list.
    pub(crate) fn begin(call: Call<'_>, shape: Shape) -> Self {
        Self {
            answers: call.answers.clone(),
            format: call.common.output,
            shape,
            text: String::new(),
            is_empty: true,
            is_heard: !call.common.quiet,
        }
    }

    /// Adds an entry; returns whether there still is a reader.
    ///
    /// In text, the entry is a branch of the nested list.
    pub(crate) async fn entry(&mut self, key: &str, value: Value) -> Result<bool, CliError> {
        let plain = match self.format {
            Format::Plain => {
                nested(&Value::Object([(key.to_owned(), value.clone())].into_iter().collect()), 0)
            }
            Format::Json | Format::JsonPretty => String::new(),
        };
        self.add(plain, key, &value).await
    }

    /// Adds an entry that is one line for people.
    pub(crate) async fn line(&mut self, plain: &str, key: &str, value: Value) -> Result<bool, CliError> {
        self.add(one_line(plain) + "\n", key, &value).await
    }

    /// Ends the list.
    pub(crate) async fn end(mut self) -> Result<Output, CliError> {
        let (open, close) = match self.shape {
            Shape::Map => ("{", "}"),
            Shape::List => ("[", "]"),
        };
        match self.format {
            Format::Plain => {}
            _ if self.is_empty => self.text = format!("{open}{close}\n"),
            Format::Json => self.text += &format!("{close}\n"),
            Format::JsonPretty => self.text += &format!("\n{close}\n"),
        }
        self.flush().await?;
        Ok(Output { plain: String::new(), json: None, exit: Exit::Fine })
    }

    async fn add(&mut self, plain: String, key: &str, value: &Value) -> Result<bool, CliError> {
        let begin = match (self.is_empty, self.shape) {
            (true, Shape::Map) => "{",
            (true, Shape::List) => "[",
            (false, _) => ",",
        };
        self.is_empty = false;
        let name = |colon: &str| match self.shape {
            Shape::Map => Value::from(key).to_string() + colon,
            Shape::List => String::new(),
        };
        let piece = match self.format {
            Format::Plain => plain,
            Format::Json => printable_json(&format!("{begin}{}{value}", name(":"))),
            Format::JsonPretty => {
                // Line ends within texts are escaped, so these are the layout's own.
                let value = pretty(value)?.replace('\n', "\n    ");
                printable_json(&format!("{begin}\n    {}{value}", name(": ")))
            }
        };
        self.text += &piece;
        if self.text.len() >= CHUNK {
            self.flush().await?;
        }
        Ok(self.is_heard)
    }

    /// In its own thread, because a reader may be slow and Ctrl-C must work meanwhile.
    async fn flush(&mut self) -> Result<(), CliError> {
        let text = std::mem::take(&mut self.text);
        if !self.is_heard || text.is_empty() {
            return Ok(());
        }
        let answers = self.answers.clone();
        let written = tokio::task::spawn_blocking(move || answers.write(text.as_bytes())).await;
        self.is_heard = written.map_err(|_| CliError::new("writing ended with an internal error"))??;
        Ok(())
    }
}

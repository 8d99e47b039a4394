//! One call of every operation, with what this server answers: for the document and the page.
//!
//! The calls are written by hand, in the order in which they make sense. The answers are the
//! server's: a test makes the calls and compares them (with `UPDATE_DOCS=1` it writes them).

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

/// An example.
#[derive(Clone, Debug, Deserialize)]
pub struct Example {
    /// The `operationId`.
    pub id: String,
    /// The method.
    pub method: String,
    /// The path after `/ocs/v2.php`.
    pub path: String,
    /// The parameters.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// The status of the answer.
    pub status: u16,
    /// The answer, in JSON.
    pub answer: Value,
}

static EXAMPLES: LazyLock<Vec<Example>> = LazyLock::new(|| {
    let read = serde_json::from_str(include_str!("examples.json"));
    read.unwrap_or_else(|error| {
        tracing::error!(%error, "the examples of the API cannot be read");
        Vec::new()
    })
});

/// The example of an operation.
pub(super) fn of(id: &str) -> Option<&'static Example> {
    EXAMPLES.iter().find(|example| example.id == id)
}

impl Example {
    /// The parameters as a form names them, one after the other.
    pub fn fields(&self) -> Vec<(String, String)> {
        fn add(fields: &mut Vec<(String, String)>, name: String, value: &Value) {
            match value {
                Value::Array(all) => all.iter().for_each(|one| add(fields, format!("{name}[]"), one)),
                Value::Object(map) => {
                    map.iter().for_each(|(key, one)| add(fields, format!("{name}[{key}]"), one));
                }
                Value::String(text) => fields.push((name, text.clone())),
                other => fields.push((name, other.to_string())),
            }
        }
        let mut fields = Vec::new();
        self.params.iter().for_each(|(name, value)| add(&mut fields, name.clone(), value));
        fields
    }

    /// The value of a part of the path, whose pattern this is.
    fn captured(&self, pattern: &str, name: &str) -> Option<&str> {
        let wanted = format!("{{{name}}}");
        let mut pieces = pattern.split('/').zip(self.path.split('/'));
        pieces.find_map(|(piece, found)| (piece == wanted).then_some(found))
    }

    /// Adds this to the operation at a path of the document.
    pub(super) fn add_to(&self, pattern: &str, operation: &mut Value) {
        let parameters = operation.pointer_mut("/parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten().filter_map(Value::as_object_mut) {
            let text = |key: &str| parameter.get(key).and_then(Value::as_str).unwrap_or_default();
            let example = match text("in") {
                "path" => self.captured(pattern, text("name")).map(Value::from),
                "query" => self.params.get(text("name").trim_end_matches("[]")).cloned(),
                _ => None,
            };
            if let Some(example) = example {
                parameter.insert("example".to_owned(), example);
            }
        }
        let content = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
        for (kind, content) in content.into_iter().flatten() {
            let named = |(name, value): (&String, &Value)| match value {
                Value::Array(_) if kind != "application/json" => (format!("{name}[]"), value.clone()),
                value => (name.clone(), value.clone()),
            };
            if let Some(content) = content.as_object_mut() {
                let example = self.params.iter().map(named).collect();
                content.insert("example".to_owned(), Value::Object(example));
            }
        }
        let response = format!("/responses/{}/content/application~1json", self.status);
        if let Some(response) = operation.pointer_mut(&response).and_then(Value::as_object_mut) {
            response.insert("example".to_owned(), self.answer.clone());
        }
    }

    /// The call as a line for a terminal, of the server at this URL.
    pub(super) fn as_curl(&self, url: &str, user: &str) -> String {
        let mut line = format!("curl -u {user} -H 'OCS-APIRequest: true'");
        if self.method != "GET" && (self.method != "POST" || self.params.is_empty()) {
            line += &format!(" -X {}", self.method);
        }
        let query = self.method == "GET";
        if query && !self.params.is_empty() {
            line += " -G";
        }
        line += &format!(" '{url}/ocs/v2.php{}?format=json'", self.path);
        for (name, value) in self.fields() {
            line += &format!(" \\\n  --data-urlencode '{name}={}'", value.replace('\'', "'\\''"));
        }
        line
    }
}

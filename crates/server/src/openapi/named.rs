//! Finishes the document: names responses, and sets constant values.
//!
//! Responses that are named instead of repeated at each operation give generated clients few types.
//! The header and the format get the values that a generated client sends by itself.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::examples;

/// The extension of a response that has the codes of failures with this status.
pub(super) const CODES: &str = "x-statuscodes";

/// Finishes a document.
pub(super) fn finished(mut document: Value) -> Value {
    let mut names = Names::default();
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        for (path, item) in paths {
            for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
                let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
                for response in operation["responses"].as_object_mut().into_iter().flat_map(Map::values_mut) {
                    names.name_answers(&id, response);
                }
                // The other version answers with other codes.
                if let (Some(example), Some(pattern)) = (examples::of(&id), path.strip_prefix("/ocs/v2.php"))
                {
                    example.add_to(pattern, operation);
                }
            }
        }
    }
    let schemas = &mut document["components"]["schemas"];
    if let Some(schemas) = schemas.as_object_mut() {
        schemas.extend(names.schemas);
    }
    let parameters = &mut document["components"]["parameters"];
    // One word and a default, because generators of clients take no `const` in a header.
    parameters["OCS-APIRequest"]["schema"] = json!({ "type": "string", "enum": ["true"], "default": "true" });
    // Every other word means XML: it is not refused.
    parameters["format"]["schema"] =
        json!({ "type": "string", "default": "json", "examples": ["json", "xml"] });
    document
}

#[derive(Default)]
struct Names {
    /// The name of a schema, by its text.
    known: HashMap<String, String>,
    schemas: Map<String, Value>,
}

impl Names {
    /// Replaces the schemas of a response by references, and lists its failure codes.
    fn name_answers(&mut self, id: &str, response: &mut Value) {
        let Some(schema) = response.pointer_mut("/content/application~1json/schema") else { return };
        let mut codes = Vec::new();
        match schema.get_mut("oneOf").and_then(Value::as_array_mut) {
            Some(several) => several.iter_mut().for_each(|one| self.name_answer(id, one, &mut codes)),
            None => self.name_answer(id, schema, &mut codes),
        }
        if let (Some(response), false) = (response.as_object_mut(), codes.is_empty()) {
            response.insert(CODES.to_owned(), codes.into());
        }
    }

    fn name_answer(&mut self, id: &str, schema: &mut Value, codes: &mut Vec<Value>) {
        match schema.pointer("/allOf/0/$ref").and_then(Value::as_str) {
            Some("#/components/schemas/Failure") => {
                let found =
                    schema.pointer("/allOf/1/properties/ocs/properties/meta/properties/statuscode/enum");
                codes.extend(found.and_then(Value::as_array).cloned().unwrap_or_default());
                *schema = reference("Failure");
            }
            Some("#/components/schemas/Success") => {
                let is_empty = schema.pointer("/allOf/1/properties/ocs/properties/data/maxItems").is_some();
                let next = if is_empty { "EmptyResponse".to_owned() } else { format!("{id}Response") };
                let name = self.known.entry(schema.to_string()).or_insert(next).clone();
                let named = std::mem::replace(schema, reference(&name));
                self.schemas.entry(name).or_insert(named);
            }
            _ => {}
        }
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

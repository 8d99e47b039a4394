//! The configuration as the server read it, without its secrets.

use serde_json::Value;

use super::count;
use crate::provisioning::call::Call;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};

/// `GET /cloud/server/config`
pub(crate) const SHOW: Operation = operation!(
    "ServerConfig",
    Operators,
    "Returns the configuration as the server read it last; secrets are left out",
    sections(),
    show(call)
);

async fn show(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let shown = call.app.shown_config();
    Ok(Data::one("sections", as_data(&shown)).into())
}

/// A value of JSON.
fn as_data(value: &Value) -> Data {
    match value {
        Value::Null => Data::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_u64().map_or_else(|| number.as_f64().unwrap_or_default().into(), count),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => Data::List(values.iter().map(as_data).collect()),
        Value::Object(members) => {
            Data::Map(members.iter().map(|(name, value)| (name.into(), as_data(value))).collect())
        }
    }
}

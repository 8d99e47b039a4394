//! Changing a TOML file in place: comments, order and layout stay.

use serde_json::Value as Json;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::tree::{index, no_table};

/// Sets or deletes one value.
pub(super) fn change(
    text: &str,
    setting: &str,
    rest: &[String],
    to: Option<&Json>,
) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    let path: Vec<&str> = std::iter::once(setting).chain(rest.iter().map(String::as_str)).collect();
    match to {
        Some(value) => set(document.as_table_mut(), &path, value)?,
        None => delete(document.as_table_mut(), &path),
    }
    Ok(document.to_string())
}

fn set(table: &mut dyn TableLike, path: &[&str], to: &Json) -> Result<(), String> {
    let Some((&name, rest)) = path.split_first() else { return Ok(()) };
    if rest.is_empty() {
        match table.get_mut(name) {
            Some(item) => replace(item, value(to)?),
            None => drop(table.insert(name, Item::Value(value(to)?))),
        }
        return Ok(());
    }
    if table.get(name).is_none() {
        let made = match rest.first().is_some_and(|next| next.parse::<usize>().is_ok()) {
            true if name == "user_backends" => Item::ArrayOfTables(ArrayOfTables::new()),
            true => Item::Value(Array::new().into()),
            false => Item::Table(Table::new()),
        };
        table.insert(name, made);
    }
    match table.get_mut(name) {
        Some(item) => set_below(item, rest, to),
        None => Err(no_table(name)),
    }
}

fn set_below(item: &mut Item, path: &[&str], to: &Json) -> Result<(), String> {
    let Some((&name, rest)) = path.split_first() else { return Ok(()) };
    if let Some(tables) = item.as_array_of_tables_mut() {
        let at = index(name, tables.len())?;
        if rest.is_empty() {
            let Json::Object(members) = to else { return Err("an entry is a table of fields".to_owned()) };
            let mut table = Table::new();
            for (key, value) in members {
                set(&mut table, &[key.as_str()], value)?;
            }
            match tables.get_mut(at) {
                Some(entry) => {
                    *table.decor_mut() = entry.decor().clone();
                    *entry = table;
                }
                None => tables.push(table),
            }
            return Ok(());
        }
        if at == tables.len() {
            tables.push(Table::new());
        }
        return tables.get_mut(at).map_or_else(|| Err(no_table(name)), |table| set(table, rest, to));
    }
    match item {
        Item::Value(Value::Array(list)) => set_in_list(list, path, to),
        item => match item.as_table_like_mut() {
            Some(table) => set(table, path, to),
            None => Err(no_table(name)),
        },
    }
}

fn set_in_list(list: &mut Array, path: &[&str], to: &Json) -> Result<(), String> {
    let Some((&name, rest)) = path.split_first() else { return Ok(()) };
    let at = index(name, list.len())?;
    if at == list.len() {
        match rest.is_empty() {
            true => {
                list.push(value(to)?);
                return Ok(());
            }
            false => list.push(InlineTable::new()),
        }
    }
    match list.get_mut(at) {
        Some(element) if rest.is_empty() => {
            let decor = element.decor().clone();
            *element = value(to)?;
            *element.decor_mut() = decor;
            Ok(())
        }
        Some(Value::Array(list)) => set_in_list(list, rest, to),
        Some(Value::InlineTable(table)) => set(table, rest, to),
        _ => Err(no_table(name)),
    }
}

/// Replaces a value; the comment after it stays.
fn replace(item: &mut Item, mut new: Value) {
    if let Some(old) = item.as_value() {
        *new.decor_mut() = old.decor().clone();
    }
    *item = Item::Value(new);
}

fn delete(table: &mut dyn TableLike, path: &[&str]) {
    let Some((&name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.remove(name);
        return;
    }
    if let Some(item) = table.get_mut(name) {
        delete_below(item, rest);
    }
}

fn delete_below(item: &mut Item, path: &[&str]) {
    let Some((&name, rest)) = path.split_first() else { return };
    let at = || name.parse::<usize>().unwrap_or(usize::MAX);
    if let Some(tables) = item.as_array_of_tables_mut() {
        match rest.is_empty() {
            true if at() < tables.len() => drop(tables.remove(at())),
            true => {}
            false => {
                if let Some(table) = tables.get_mut(at()) {
                    delete(table, rest);
                }
            }
        }
        return;
    }
    match item {
        Item::Value(Value::Array(list)) => match rest.is_empty() {
            true if at() < list.len() => drop(list.remove(at())),
            true => {}
            false => {
                if let Some(Value::InlineTable(table)) = list.get_mut(at()) {
                    delete(table, rest);
                }
            }
        },
        item => {
            if let Some(table) = item.as_table_like_mut() {
                delete(table, path);
            }
        }
    }
}

/// A value of JSON in TOML, which has no null.
fn value(json: &Json) -> Result<Value, String> {
    Ok(match json {
        Json::Null => return Err("TOML has no null; config:system:delete takes a setting away".to_owned()),
        Json::Bool(value) => (*value).into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(number)) => number.into(),
            (None, None) => return Err(format!("the number {number} is too large")),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(list) => Value::Array(list.iter().map(value).collect::<Result<Array, _>>()?),
        Json::Object(members) => {
            let mut table = InlineTable::new();
            for (key, json) in members {
                table.insert(key, value(json)?);
            }
            Value::InlineTable(table)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "\
# The mail server of the office.
[[user_backends]]
class = \"imap\" # the class
host = \"mail.example.com\"
budget = { failures = 4, per = \"15m\" } # as the server counts
refusal_texts = [
  \"No\", # short
  \"Never\",
]

[resolver]
# long enough for SMB
deadline = \"25s\"
";

    fn changed(path: &[&str], to: Option<Json>) -> Result<String, String> {
        let rest: Vec<String> = path.iter().skip(1).map(|name| (*name).to_owned()).collect();
        change(TEXT, path[0], &rest, to.as_ref())
    }

    #[test]
    fn values_change_and_comments_stay() {
        for (path, to, before, after) in [
            (&["user_backends", "0", "class"][..], json!("ftp"), "class = \"imap\" #", "class = \"ftp\" #"),
            (&["resolver", "deadline"], json!("9s"), "deadline = \"25s\"", "deadline = \"9s\""),
            (&["user_backends", "0", "budget", "failures"], json!(2), "failures = 4", "failures = 2"),
            (&["user_backends", "0", "refusal_texts", "0"], json!("Nope"), "\"No\",", "\"Nope\","),
        ] {
            assert_eq!(changed(path, Some(to)).unwrap(), TEXT.replace(before, after), "{path:?}");
        }
        let text = changed(&["user_backends", "0", "port"], Some(json!(993))).unwrap();
        assert_eq!(text, TEXT.replace("]\n\n[resolver]", "]\nport = 993\n\n[resolver]"));
        let text = changed(&["user_backends", "1", "class"], Some(json!("ftp"))).unwrap();
        assert!(text.contains("[[user_backends]]\nclass = \"ftp\"\n"), "{text}");
        let text = changed(&["mail", "from"], Some(json!("a@b.example"))).unwrap();
        assert!(text.ends_with("[mail]\nfrom = \"a@b.example\"\n"), "{text}");
    }

    #[test]
    fn values_are_deleted_and_nothing_else() {
        let text = changed(&["user_backends", "0", "host"], None).unwrap();
        assert_eq!(text, TEXT.replace("host = \"mail.example.com\"\n", ""));
        assert_eq!(changed(&["user_backends", "7", "host"], None).unwrap(), TEXT);
        assert_eq!(changed(&["server", "listen"], None).unwrap(), TEXT);
    }

    #[test]
    fn impossible_changes_are_refused() {
        for (path, to) in [
            (&["user_backends", "2", "class"][..], json!("ftp")),
            (&["user_backends", "0", "host", "x"], json!("y")),
            (&["user_backends", "0"], json!("ftp")),
            (&["resolver", "deadline"], Json::Null),
        ] {
            assert!(changed(path, Some(to)).is_err(), "{path:?}");
        }
    }
}

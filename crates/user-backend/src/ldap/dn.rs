//! The name under which a user signs in: a template with `{name}`, filled.

/// The place of the name in a template.
pub(super) const NAME: &str = "{name}";

/// Whether a template makes a DN (RFC 4514).
///
/// Active Directory also takes names such as `{name}@example.com`.
pub(super) fn is_dn(template: &str) -> bool {
    template.contains('=')
}

/// Fills a template.
///
/// `None` when the name cannot stand in it.
///
/// # Security
/// In a DN the name is escaped. Anything else has no escapes, so a name that could be read as a DN
/// is refused.
pub(super) fn fill(template: &str, name: &str) -> Option<String> {
    if is_dn(template) {
        return Some(template.replace(NAME, &escape(name)));
    }
    let is_plain =
        !name.contains(['=', ',', '+', '"', '\\', '<', '>', ';', '/']) && !name.contains(char::is_control);
    is_plain.then(|| template.replace(NAME, name))
}

/// RFC 4514 section 2.4, for any place in a value.
fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    let last = name.chars().count().saturating_sub(1);
    for (nth, c) in name.chars().enumerate() {
        let is_special = matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=');
        let is_at_edge = (nth == 0 && matches!(c, ' ' | '#')) || (nth == last && c == ' ');
        if c == '\0' {
            escaped.push_str("\\00");
            continue;
        }
        if is_special || is_at_edge {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEOPLE: &str = "uid={name},ou=people,dc=example,dc=com";

    #[test]
    fn name_in_a_dn_stays_one_value() {
        for (name, value) in [
            ("alice", "alice"),
            ("alice,ou=admins", r"alice\,ou\=admins"),
            ("a+cn=b", r"a\+cn\=b"),
            (r#"a"b\c<d>e;f"#, r#"a\"b\\c\<d\>e\;f"#),
            (" a ", r"\ a\ "),
            ("#a#", r"\#a#"),
            (" ", r"\ "),
            ("müller", "müller"),
            ("a\0b", r"a\00b"),
        ] {
            assert_eq!(fill(PEOPLE, name).unwrap(), format!("uid={value},ou=people,dc=example,dc=com"));
        }
    }

    #[test]
    fn dn_syntax_is_refused_where_nothing_is_escaped() {
        assert_eq!(fill("{name}@example.com", "alice").unwrap(), "alice@example.com");
        assert_eq!(fill("{name}", "alice@example.com").unwrap(), "alice@example.com");
        assert_eq!(fill(r"OFFICE\{name}", "alice").unwrap(), r"OFFICE\alice");
        for name in ["cn=admin", "a,b", "a\\b", "a/b", "a;b", "a\"b"] {
            assert_eq!(fill("{name}", name), None, "{name}");
        }
    }
}

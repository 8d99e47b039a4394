//! Which settings are secrets: the one answer for files, errors, `occ` and pages.

use crate::refusal::percent_decoded;

/// Whether a setting holds a secret, by its name or by what it holds.
///
/// An empty value does not.
pub fn is_secret(name: &str, value: &str) -> bool {
    !value.is_empty() && (names_a_secret(name) || carries_a_secret(value))
}

/// Whether the name of a setting says that its value is a secret.
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let whole = ["key", "pass", "pwd", "authorization", "cookie"];
    let endings = [
        "password",
        "passwd",
        "passphrase",
        "passwordsalt",
        "secret",
        "secret_key",
        "private_key",
        "access_key",
        "api_key",
        "apikey",
        "token",
    ];
    // Says what becomes of app passwords.
    if name == "app_passwords_on_new_password" {
        return false;
    }
    whole.contains(&name.as_str()) || endings.iter().any(|ending| name.ends_with(ending))
}

/// Whether a text is an address with a secret in it.
///
/// `postgres://user:password@host/…`, or a query with a parameter that is named like one, such as
/// `?password=…` or `/login?api_key=…`.
pub(crate) fn carries_a_secret(text: &str) -> bool {
    has_password_before_host(text) || has_secret_in_query(text)
}

fn has_password_before_host(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    // A password may hold what would end the address, as long as an @ follows.
    let Some((user, _)) = rest.rsplit_once('@') else { return false };
    user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
}

fn has_secret_in_query(text: &str) -> bool {
    // After every `?`: a password before the host may hold one.
    let parameters = text.split(['?', '&', '#', ';']).skip(1);
    parameters.filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
        // A placeholder is filled in later.
        let name = percent_decoded(name.as_bytes());
        !value.is_empty() && !value.starts_with('{') && names_a_secret(&String::from_utf8_lossy(&name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_with_a_secret_is_a_secret() {
        for text in [
            "postgres://alice:Wonderland-1@db/x",
            "smtp://a:b@c",
            "x://:p@h",
            "p://u:a/b?c#d@h/x",
            "postgres://host/db?user=u&password=geheim",
            "postgres://host/db?%70assword=geheim",
            "/login?api_key=0123",
            "/login?user={user}&Token=0123",
        ] {
            assert!(carries_a_secret(text), "{text}");
        }
        for text in [
            "postgres://alice@db/x",
            "https://example.com/?q=a:b",
            "postgres://host/db?user=u&sslmode=verify-full",
            "postgres://host/db?password=",
            "/login?user={user}&password={password}",
            "a sentence with password=x",
            "sqlite:/var/lib/a.db",
            "a:b@c",
            "x://u:@h",
        ] {
            assert!(!carries_a_secret(text), "{text}");
        }
    }

    #[test]
    fn names_of_secrets_are_known() {
        for name in [
            "secret",
            "passwordsalt",
            "dbpassword",
            "mail_smtppassword",
            "bind_password",
            "api_key",
            "X-Api-Key",
            "Token",
            "key",
        ] {
            assert!(names_a_secret(name) && is_secret(name, "x") && !is_secret(name, ""), "{name}");
        }
        for name in [
            "lost_password_link",
            "password_policy",
            "password_field",
            "app_passwords_on_new_password",
            "passwords",
            "tls_key",
            "proven_key_file",
            "instanceid",
            "host",
            "secretary",
            "budget",
        ] {
            assert!(!names_a_secret(name), "{name}");
        }
    }
}

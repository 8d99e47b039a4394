//! Redirects after a sign-in, to the page that was requested, if it is on this server.
//!
//! An attacker could otherwise send users from our page to a copy of it (open redirect).

/// The longest path that is taken, in bytes.
const LONGEST: usize = 2000;

/// A path on this host, or `None`. Ambiguous ones are refused: `//`, a backslash, an `@`, invisible characters.
pub(super) fn next(wanted: &str) -> Option<&str> {
    let plain = wanted.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\@\"<>`".contains(&byte));
    (plain && wanted.len() <= LONGEST && wanted.starts_with('/') && !wanted.contains("//")).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// O18.
    #[test]
    fn only_paths_of_this_host_are_gone_to() {
        for good in ["/", "/settings", "/ocs/v2.php/cloud/user?format=json", "/a/b#c", "/%2f%2fevil.example"]
        {
            assert_eq!(next(good), Some(good));
        }
        for bad in [
            "",
            "settings",
            "https://evil.example",
            "//evil.example",
            "///evil.example",
            "/a//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/@evil.example",
            "/a@b",
            "/\t/evil.example",
            "/\r\nSet-Cookie: a=b",
            " /settings",
            "/settings ",
            "javascript:alert(1)",
            "/ä",
            "/\u{202e}",
            "?a",
            ".//evil.example",
        ] {
            assert_eq!(next(bad), None, "{bad:?}");
        }
        assert_eq!(next(&format!("/{}", "a".repeat(LONGEST))), None);
    }
}

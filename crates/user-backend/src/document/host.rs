//! Host names and addresses in strict form (RFC 952, RFC 1123 section 2.1, RFC 4291).
//!
//! What is not plainly a host never reaches a resolver, a URL or a C library: no scheme, no path,
//! no user, no port where a port has its own field.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::error::Problem;
use super::tree::quoted;

/// Reads a host name or an address.
///
/// The answer is in lower case, an IPv6 address without brackets.
pub(crate) fn parse(text: &str) -> Result<String, Problem> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(bare) = bare {
        return match bare.parse::<Ipv6Addr>() {
            Ok(address) => Ok(address.to_string()),
            Err(_) => Err(problem(text)),
        };
    }
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) if is_name(text) => Ok(text.to_ascii_lowercase()),
        Err(_) => Err(problem(text)),
    }
}

/// Reads `host` or `host:port`, an IPv6 address with a port in brackets.
pub(crate) fn parse_with_port(text: &str) -> Result<(String, Option<u16>), Problem> {
    if let Ok(host) = parse(text) {
        return Ok((host, None));
    }
    let Some((host, digits)) = text.rsplit_once(':').filter(|_| !text.contains(['/', '@'])) else {
        return Err(problem(text));
    };
    if host.contains(':') && !host.starts_with('[') {
        return Err(problem(text).hint("an IPv6 address with a port needs brackets: \"[::1]:21\""));
    }
    let port = parse_port(digits).ok_or_else(|| Problem::new(quoted(text), PORT_RANGE))?;
    let host = parse(host).map_err(|_| problem(text))?;
    Ok((host, Some(port)))
}

/// The valid ports.
pub(crate) const PORT_RANGE: &str = "a port between 1 and 65535";

/// Reads one to five digits between 1 and 65535.
pub(crate) fn parse_port(digits: &str) -> Option<u16> {
    let plain = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port != 0)
}

/// Letters, digits, inner hyphens and underscores in labels.
///
/// A last label that cannot be taken for an address.
fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or(text);
    let like_a_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix(['0']).is_some_and(|rest| rest.starts_with(['x', 'X']));
    text.len() <= 253 && text.split('.').all(label) && !like_a_number
}

/// Says what is wrong with a host, and shows the right form where it can be guessed.
fn problem(text: &str) -> Problem {
    let problem = Problem::new(quoted(text), "a host name or an address");
    if text.is_empty() {
        return Problem::new("an empty text", "a host name or an address");
    }
    if text.contains('@') {
        // A password may precede it.
        return Problem::new("a text with a user name in it", "a host name or an address")
            .hint("the host alone");
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        return problem.hint(match parse(host) {
            Ok(host) => format!("without {}://, just \"{host}\"", scheme.escape_debug()),
            Err(_) => "the host alone, without a scheme".to_owned(),
        });
    }
    if text.contains(char::is_whitespace) {
        return problem.hint("a host has no blanks in it");
    }
    if text.starts_with('{') {
        return problem.hint("a mailbox string stands in `arguments`; the field `host` takes the host alone");
    }
    if let Some((host, rest)) = text.split_once(':')
        && parse(host).is_ok()
        && parse_port(rest).is_some()
    {
        return problem.hint(format!("host and port are two fields: host \"{host}\", port {rest}"));
    }
    if text.contains(['/', '\\']) {
        return problem.hint("the host alone, without slashes");
    }
    if !text.is_ascii() {
        return problem.hint("write an international name in its ASCII form, which begins with xn--");
    }
    if text.split('.').count() == 4 && text.parse::<Ipv4Addr>().is_err() {
        return problem.hint("an IPv4 address is four numbers from 0 to 255 without leading zeros");
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_come_out_in_one_form() {
        for (text, host) in [
            ("Mail.Example.COM", "mail.example.com"),
            ("localhost", "localhost"),
            ("file_server-1", "file_server-1"),
            ("10.0.0.1", "10.0.0.1"),
            ("[::1]", "::1"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
            ("3com.example", "3com.example"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(host), "{text}");
        }
    }

    #[test]
    fn ambiguous_host_is_refused() {
        for text in [
            "",
            " ",
            "mail server",
            "imaps://mail",
            "mail/share",
            "//mail",
            "mail:143",
            "user@mail",
            "-oProxyCommand=x",
            "mail.",
            ".mail",
            "a..b",
            "127.1",
            "1.2.3",
            "256.1.1.1",
            "010.0.0.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "[127.0.0.1]",
            "[mail]",
            "[::1",
            "::1]",
            "fe80::1%eth0",
            "münchen.de",
            "mail\0",
            "mail\n",
            "a;b",
            "$HOST",
            "{mail}",
            "mail-.de",
            "..",
            "\u{212a}elvin",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse(&format!("{}.de", "a".repeat(64))).is_err());
        assert!(parse(&["abcdefg"; 40].join(".")).is_err());
    }

    #[test]
    fn hints_show_the_right_form() {
        let hint = |text: &str| parse(text).unwrap_err().hints.join("; ");
        assert_eq!(hint("imaps://Mail.example.com:993/"), "without imaps://, just \"mail.example.com\"");
        assert_eq!(hint("mail:993"), "host and port are two fields: host \"mail\", port 993");
    }

    #[test]
    fn port_after_the_host_is_read_without_a_port_field() {
        assert_eq!(parse_with_port("ftp.example.com:2121"), Ok(("ftp.example.com".to_owned(), Some(2121))));
        assert_eq!(parse_with_port("[::1]:21"), Ok(("::1".to_owned(), Some(21))));
        assert_eq!(parse_with_port("::1"), Ok(("::1".to_owned(), None)));
        for text in [
            "ftp:0",
            "ftp:65536",
            "ftp:+21",
            "ftp: 21",
            "ftp:",
            ":21",
            "ftp:21:22",
            "fe80::1:x",
            "ftp:000021",
        ] {
            assert!(parse_with_port(text).is_err(), "{text}");
        }
    }
}

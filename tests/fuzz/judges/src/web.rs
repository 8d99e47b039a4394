//! HTTP: what one response to a name and a password means.

use user_backend::fuzzing::http::response as judged;

use crate::fake_server;

/// First byte: Basic, Digest, a form or JSON.
///
/// Two bytes: the status. The next line: a challenge. After it the page.
pub fn response(input: &[u8]) {
    let [auth, high, low, rest @ ..] = input else { return };
    let status = u16::from_be_bytes([*high, *low]) % 1000;
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (challenge, page) = rest.split_at(end);
    let challenge = String::from_utf8_lossy(challenge).to_lowercase();
    match judged(auth & 3, status, &challenge, page) {
        Ok(true) => assert!([200, 204, 207].contains(&status), "{status} accepts"),
        Ok(false) => {
            assert!([400, 401, 403, 409, 422].contains(&status), "{status} refuses");
            let scheme = ["basic", "digest"].get(usize::from(auth & 3));
            let is_ours = scheme.is_none_or(|scheme| challenge.contains(scheme));
            assert!(status != 401 || is_ours, "401 refuses with {challenge:?}");
        }
        Err(error) => {
            fake_server::has_no_secret(&error);
            assert!(![200, 204, 207].contains(&status), "{status}: {error}");
            let digits: String = error.detail().chars().filter(char::is_ascii_digit).collect();
            assert_eq!(digits, status.to_string(), "{error}");
        }
    }
}

use std::io::Write;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::{Context, PasswordPolicy};

const PASSWORD: &str = "down the rabbit hole";

/// The forty digits of a password.
pub(crate) fn sha1_of(password: &str) -> String {
    String::from_utf8(hex_digits(password).to_vec()).unwrap()
}

/// Answers every question with the same text.
#[derive(Debug)]
struct Fixed(String);

impl RangeSource for Fixed {
    fn range(&self, _: RangePrefix) -> Result<String, RangeError> {
        Ok(self.0.clone())
    }
}

fn rest() -> String {
    sha1_of(PASSWORD)[PREFIX..].to_owned()
}

/// What `work` logs.
fn logged(work: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);
    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    let log = buffer.0.lock().unwrap().clone();
    String::from_utf8(log).unwrap()
}

/// If a source fails, the password is accepted with a warning.
///
/// The warning has the reason and no part of the hash.
fn fails_open(source: &dyn RangeSource, reason: &str) {
    let log = logged(|| assert!(!breached(source, PASSWORD)));
    assert!(log.contains("WARN") && log.contains(reason), "{log}");
    assert!(!log.contains(PASSWORD) && !log.to_uppercase().contains(&sha1_of(PASSWORD)[..5]), "{log}");
}

#[test]
fn hash_is_sha1_in_capitals() {
    assert_eq!(sha1_of("password"), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
    assert_eq!(sha1_of(""), "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709");
}

#[test]
fn listed_password_is_found_in_any_spelling_of_its_row() {
    let other = "0".repeat(35);
    for range in [
        format!("{}:1", rest()),
        format!("{other}:5\r\n{}:3861493\r\n", rest()),
        format!("{}:2\n", rest().to_lowercase()),
        format!("<junk>\n\n  {}:1  \n", rest()),
    ] {
        assert!(breached(&Fixed(range.clone()), PASSWORD), "{range}");
    }
}

#[test]
fn padding_and_neighbours_are_not_leaks() {
    let other = "0".repeat(35);
    let mut neighbour = rest().into_bytes();
    neighbour[34] = if neighbour[34] == b'0' { b'1' } else { b'0' };
    let neighbour = String::from_utf8(neighbour).unwrap();
    for range in [
        format!("{}:0\r\n{other}:7", rest()),
        format!("{}:000", rest()),
        format!("{neighbour}:9"),
        format!("{other}:9\n{}:many", rest()),
        format!("{other}:9\n{}:", rest()),
        format!("{other}:9\n{}", rest()),
        format!("{other}:9\nX{}:4", rest()),
    ] {
        assert!(!breached(&Fixed(range.clone()), PASSWORD), "{range}");
    }
}

#[test]
fn malformed_range_fails_open_with_a_warning() {
    for text in ["", "<html>sign in to our hotel: now</html>", "{}", "\r\n\r\n", ":", "00000:1"] {
        fails_open(&Fixed(text.into()), "not a range");
    }
}

#[test]
fn folder_of_ranges_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let source = FolderRanges::new(folder.path());
    fails_open(&source, "entity not found");
    let prefix = &sha1_of(PASSWORD)[..PREFIX];

    std::fs::write(folder.path().join(prefix), format!("{}:1", rest())).unwrap();
    assert!(breached(&source, PASSWORD));
    std::fs::write(folder.path().join(format!("{prefix}.txt")), format!("{}:0", rest())).unwrap();
    assert!(!breached(&source, PASSWORD));

    std::fs::write(folder.path().join(format!("{prefix}.txt")), vec![b'0'; (1 << 20) + 1]).unwrap();
    fails_open(&source, "more than a range");
    std::fs::write(folder.path().join(format!("{prefix}.txt")), [0xff, 0xfe, b':', b'1']).unwrap();
    fails_open(&source, "not a range");
}

#[test]
fn source_gets_five_digits_only() {
    #[derive(Debug, Default)]
    struct RecordingSource(Mutex<Vec<String>>);
    impl RangeSource for RecordingSource {
        fn range(&self, prefix: RangePrefix) -> Result<String, RangeError> {
            self.0.lock().unwrap().push(format!("{prefix} {prefix:?}"));
            Err(RangeError::Timeout)
        }
    }
    let source = Arc::new(RecordingSource::default());
    let policy =
        PasswordPolicy::from_settings(&Settings::default()).unwrap().with_ranges(Some(source.clone()));
    let log = logged(|| assert!(policy.validate("password of mine", &Context::default()).is_ok()));
    assert!(log.contains("took too long"), "{log}");
    let expected = format!("{} RangePrefix(…)", &sha1_of("password of mine")[..5]);
    assert_eq!(*source.0.lock().unwrap(), [expected]);
}

proptest! {
    #[test]
    fn no_answer_of_a_source_panics(range in any::<String>(), password in any::<String>()) {
        breached(&Fixed(range), &password);
    }

    #[test]
    fn row_is_found_among_any_others(before in "([0-9A-F]{35}:[0-9]{1,4}\r\n){0,9}", after in "(\r\n.{0,50}){0,9}", password in any::<String>()) {
        let range = format!("{before}{}:1{after}", &sha1_of(&password)[PREFIX..]);
        prop_assert!(breached(&Fixed(range), &password));
    }
}

#[cfg(feature = "hibp")]
mod over_http {
    use std::io::BufRead;
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::thread::JoinHandle;
    use std::time::Duration;

    use super::*;

    /// A server that answers one connection with these bytes.
    ///
    /// Returns its address and, at the end, the request.
    fn server(answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> (SocketAddr, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let request = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            let mut reader = io::BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut request).unwrap() > 2 {}
            answer(&mut stream);
            request
        });
        (address, request)
    }

    fn says(text: String) -> impl FnOnce(&mut TcpStream) + Send + 'static {
        move |stream| {
            // the client may have gone away with good reason
            let _ = stream.write_all(text.as_bytes());
        }
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    }

    fn source(address: SocketAddr) -> HttpRanges {
        HttpRanges::new(&format!("http://{address}/range/")).unwrap()
    }

    fn impatient(address: SocketAddr) -> HttpRanges {
        HttpRanges::with_timeout(&format!("http://{address}/range"), Duration::from_millis(100)).unwrap()
    }

    #[test]
    fn breached_password_is_refused_and_five_digits_are_sent() {
        let (address, request) = server(says(ok(&format!("{}:4\r\n{}:0\r\n", rest(), "A".repeat(35)))));
        let settings = Settings {
            have_i_been_pwned_source: Some(format!("http://{address}/range")),
            ..Settings::default()
        };
        let policy = PasswordPolicy::from_settings(&settings).unwrap();
        let refused = policy.validate(PASSWORD, &Context::default()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Password is present in compromised password list. Please choose a different password."
        );
        let request = request.join().unwrap();
        let digits = sha1_of(PASSWORD);
        assert!(request.starts_with(&format!("GET /range/{} HTTP/1.1\r\n", &digits[..5])), "{request}");
        assert!(request.to_lowercase().contains("add-padding: true\r\n"), "{request}");
        assert!(!request.to_uppercase().contains(&digits[..6]), "{request}");
        assert!(!request.contains("rabbit") && !request.to_lowercase().contains("cookie"), "{request}");
    }

    #[test]
    fn password_among_padding_only_is_accepted() {
        let (address, request) = server(says(ok(&format!("{}:0\r\n{}:3", rest(), "A".repeat(35)))));
        let log = logged(|| assert!(!breached(&source(address), PASSWORD)));
        assert!(!log.contains("WARN"), "{log}");
        request.join().unwrap();
    }

    #[test]
    fn unexpected_status_fails_open_with_a_warning() {
        for status in [301_u16, 404, 429, 500, 503] {
            let row = format!("{}:1", rest());
            let text = format!(
                "HTTP/1.1 {status} No\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{row}",
                row.len()
            );
            let (address, request) = server(says(text));
            fails_open(&source(address), &format!("status {status}"));
            request.join().unwrap();
        }
    }

    #[test]
    fn broken_range_source_fails_open_with_a_warning() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        fails_open(&source(gone), "WARN");
        for nonsense in ["", "SSH-2.0-no\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ncut off"] {
            let (address, request) = server(says(nonsense.into()));
            fails_open(&source(address), "the range source failed");
            request.join().unwrap();
        }
    }

    #[test]
    fn endless_answer_is_cut_off() {
        let (address, request) = server(|stream| {
            let mut going = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").is_ok();
            let row = format!("{}:1\r\n", "A".repeat(35)).repeat(1_000);
            while going {
                going = stream.write_all(row.as_bytes()).is_ok();
            }
        });
        fails_open(&source(address), "more than a range");
        request.join().unwrap();
    }

    #[test]
    fn silent_and_slow_servers_fail_open_in_time() {
        for beginning in ["", "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nAAAA"] {
            let (done, wait) = std::sync::mpsc::channel::<()>();
            let (address, request) = server(move |stream| {
                let _ = stream.write_all(beginning.as_bytes());
                // holds the connection open until the client has given up
                let _ = wait.recv();
            });
            fails_open(&impatient(address), "took too long");
            drop(done);
            request.join().unwrap();
        }
    }

    #[test]
    fn server_with_a_wrong_certificate_gets_nothing() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let request = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            let mut request = Vec::new();
            let ended = io::copy(&mut rustls::Stream::new(&mut tls, &mut stream), &mut request);
            (ended.is_err(), request)
        });
        let source = HttpRanges::new(&format!("https://localhost:{port}/range/")).unwrap();
        fails_open(&source, "the connection failed");
        assert_eq!(request.join().unwrap(), (true, Vec::new()));
    }

    #[test]
    fn only_verified_https_or_loopback_is_asked() {
        let problem = |address: &str| HttpRanges::new(address).err().map(|error| error.to_string());
        for good in [
            "https://ranges.example/range/",
            "https://[2001:db8::1]:8443",
            "http://localhost/x",
            "http://[::1]:80/",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
        let table = [
            ("http://ranges.example/range/", "must be https"),
            ("http://127.0.0.1.example/", "must be https"),
            ("ftp://ranges.example/", "must be https"),
            ("https://user:secret@ranges.example/", "must not hold a user"),
            ("https://ranges.example/?hash=", "a query or a fragment"),
            ("https://ranges.example/#", "a query or a fragment"),
            ("https://", "not an address"),
            ("/range", "no host"),
            ("https://ranges.example/a b", "not an address"),
        ];
        for (address, text) in table {
            let found = problem(address).unwrap_or_default();
            assert!(found.contains(text) && !found.contains("secret"), "{address}: {found}");
        }
        assert_eq!(
            format!("{:?}", HttpRanges::new("https://ranges.example/range").unwrap()),
            r#"HttpRanges { address: "https://ranges.example/range/", .. }"#
        );
    }
}

//! A password that is searched for in all output, in every encoding.

use std::io;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The name that signs in with it.
pub const NAME: &str = "alice";

/// The password.
///
/// Quotes, a backslash, a percent sign, a colon and a space, so that each form looks different.
pub const PASSWORD: &str = r#"Canary:7f3a "b\d" %41 wing"#;

/// Every form that must not appear anywhere.
///
/// Plain, escaped, base64 (alone, with the name, as SASL PLAIN), hex, url-encoded, UTF-16.
#[must_use]
pub fn forms() -> Vec<Vec<u8>> {
    let mut forms: Vec<Vec<u8>> = named_forms().into_iter().map(|(_, form)| form).collect();
    forms.sort();
    forms.dedup();
    forms
}

/// The same, each with the name of what it is.
#[must_use]
pub fn named_forms() -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = forms_of(NAME, PASSWORD);
    // A long part is as bad as the whole.
    forms.retain(|(what, _)| *what != "plain");
    forms.push(("plain", PASSWORD[..11].into()));
    forms
}

/// Every form of any password.
#[must_use]
pub fn forms_of(name: &str, password: &str) -> Vec<(&'static str, Vec<u8>)> {
    let sasl = format!("\0{name}\0{password}");
    let basic = format!("{name}:{password}");
    let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let url: String =
        password
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
    let mut forms: Vec<(&'static str, Vec<u8>)> = vec![
        ("escaped", format!("{password:?}").trim_matches('"').into()),
        ("escaped", password.replace('\\', r"\\").replace('"', "\\\"").into()),
        ("bytes", format!("{:?}", password.as_bytes()).into()),
        ("hex", hex(password.as_bytes()).into()),
        ("hex", hex(password.as_bytes()).to_uppercase().into()),
        ("url", url.to_lowercase().into()),
        ("url", url.replace("%20", "+").into()),
        ("url", url.into()),
        ("hex of utf-16", hex(&wide).into()),
        ("utf-16", wide),
    ];
    for (what, text) in [("base64", password), ("sasl", sasl.as_str()), ("basic", basic.as_str())] {
        forms.push((what, STANDARD.encode(text).trim_end_matches('=').into()));
        forms.push((what, URL_SAFE.encode(text).trim_end_matches('=').into()));
    }
    forms.push(("plain", password.into()));
    forms
}

/// What is left of each form in memory that was given back.
///
/// Allocators write their own notes over the first 16 bytes.
#[must_use]
pub fn remains() -> Vec<(&'static str, Vec<u8>)> {
    let whole = ("plain", PASSWORD.as_bytes().to_vec());
    let forms = named_forms().into_iter().filter(|(name, _)| *name != "plain").chain([whole]);
    forms.map(|(name, form)| (name, form[16..].to_vec())).collect()
}

/// How often any form occurs in `bytes`.
#[must_use]
pub fn count(bytes: &[u8]) -> usize {
    static FORMS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(forms);
    FORMS.iter().map(|form| bytes.windows(form.len()).filter(|window| window == form).count()).sum()
}

/// How often any form was written to a [`Sink`] so far, and how many bytes were.
pub static WRITTEN: Written = Written { bytes: AtomicUsize::new(0), found: AtomicUsize::new(0) };

/// See [`WRITTEN`].
#[derive(Debug)]
pub struct Written {
    bytes: AtomicUsize,
    found: AtomicUsize,
}

impl Written {
    /// Looks through `bytes`.
    pub fn add(&self, bytes: &[u8]) {
        self.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        self.found.fetch_add(count(bytes), Ordering::Relaxed);
    }

    /// How many bytes were looked through.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How often a form was found.
    pub fn found(&self) -> usize {
        self.found.load(Ordering::Relaxed)
    }
}

/// A writer for logs that keeps nothing and looks for the password in every line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sink;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

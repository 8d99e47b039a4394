//! SMB: session set-ups of the engine `native`, negotiation, and error numbers.

use std::sync::LazyLock;

use user_backend::fuzzing::Decided;
use user_backend::fuzzing::smb::{greeting as greeted, of_status};
use user_backend::smb::{SmbBackend, SmbEngine, SmbSettings};
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{BackendId, Rejection, Verdict};

use crate::fake_server::{self, PASSWORD};

const MAGIC: &[u8] = b"\xfeSMB";

/// First byte: 1 = answers carry the number of their question.
///
/// After it messages, each from its `\xfeSMB` on; one answers one request. Without the password an
/// acceptance cannot be forged, so none may occur.
pub fn session(input: &[u8]) {
    static BACKEND: LazyLock<SmbBackend> = LazyLock::new(|| {
        let endpoint = Endpoint::new("127.0.0.1", fake_server::port(), TlsMode::None);
        let settings = SmbSettings::new(BackendId::parse("smb").unwrap(), endpoint);
        SmbBackend::new(settings.with_engine(SmbEngine::Native)).unwrap()
    });
    let Some((how, mut rest)) = input.split_first() else { return };
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let next = rest.windows(MAGIC.len()).skip(1).position(|window| window == MAGIC);
        let (frame, behind) = rest.split_at(next.map_or(rest.len(), |at| at + 1));
        frames.push(frame.to_vec());
        rest = behind;
    }
    let (answer, played) =
        fake_server::attempt(&*BACKEND, fake_server::Script::Frames { frames, numbered: how & 1 == 1 });
    match answer {
        Ok(verdict) => assert!(matches!(verdict, Verdict::Rejected(_)), "{verdict:?} of {played:?}"),
        Err(error) => fake_server::has_no_secret(&error),
    }
    let wide: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let received = played.all_received();
    for form in [PASSWORD.as_bytes(), &wide] {
        assert!(!received.windows(form.len()).any(|window| window == form), "the password was sent");
    }
}

/// The answer to our greeting, without the length before it.
///
/// A server is recognised by the right bytes.
pub fn greeting(input: &[u8]) {
    let Ok(greeting) = greeted(input) else { return };
    let dialects = [[2, 2], [0x10, 2], [0, 3], [2, 3], [0x11, 3]];
    assert!(input.starts_with(MAGIC) && input[8..14] == [0; 6] && input[16] & 1 == 1);
    assert!(input[64..66] == [65, 0] && dialects.iter().any(|dialect| input[68..70] == *dialect));
    assert_eq!(greeting.len(), 1 + usize::from(input[66] & 2 == 2), "{greeting:?}");
}

/// Four bytes: a number of libsmbclient and an NTSTATUS at once.
///
/// No number is a yes, and few are a no.
pub fn errors(input: &[u8]) {
    let Some(bytes) = input.first_chunk() else { return };
    #[cfg(feature = "smb")]
    for share in [true, false] {
        let number = i32::from_le_bytes(*bytes);
        let expected = match number {
            13 => Some(Rejection::BadCredentials),
            _ => None,
        };
        let decided = user_backend::fuzzing::smb::of_errno(number, share);
        assert_eq!(refused(decided), expected, "{number}");
    }
    let status = u32::from_le_bytes(*bytes);
    let expected = match status {
        0xc000_006a | 0xc000_006d => Some(Rejection::BadCredentials),
        0xc000_0064 => Some(Rejection::UnknownUser),
        0xc000_006e..=0xc000_0070 | 0xc000_0072 | 0xc000_0155 | 0xc000_015b => {
            Some(Rejection::AccountDisabled)
        }
        0xc000_0193 | 0xc000_0198..=0xc000_019a => Some(Rejection::AccountDisabled),
        0xc000_0071 | 0xc000_0224 => Some(Rejection::CredentialsExpired),
        0xc000_0234 => Some(Rejection::AccountLocked),
        _ => None,
    };
    assert_eq!(refused(of_status(status)), expected, "{status:#x}");
}

/// The no, if there is one; a yes there cannot be.
fn refused(decided: Decided) -> Option<Rejection> {
    decided.ok().map(|answer| answer.expect_err("a failure is never a yes"))
}

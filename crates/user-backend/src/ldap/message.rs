//! LDAP messages on the wire (RFC 4511 sections 4.1 and 5.1).
//!
//! Messages are read and written by the crate rasn-ldap, but for the bind request: it holds the
//! password, and is built in memory that is wiped.

use std::io;

use rasn_ldap::{LdapMessage, ProtocolOp};
use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

/// Most bytes of one message.
pub(super) const MAX_MESSAGE: usize = 64 * 1024;

/// What came instead of a message; inside an [`io::Error`] of the kind `InvalidData`.
const NOT_LDAP: &str = "the server does not speak LDAP";

/// The StartTLS request (RFC 4511 section 4.14.1) with message id 1.
///
/// rasn-ldap cannot create extended requests.
pub(super) const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// Reads one message.
///
/// # Errors
/// What the connection says; the kind `InvalidData` for what is no message.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<LdapMessage> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    let [0x30, first] = head else { return Err(not_ldap()) };
    // Only the definite form is allowed (RFC 4511 section 5.1).
    let mut message = Vec::from(head);
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81..=0x84 => {
            let mut length = 0_usize;
            for _ in 0..first & 0x7f {
                let byte = stream.read_u8().await?;
                message.push(byte);
                length = length.checked_mul(256).ok_or_else(not_ldap)? | usize::from(byte);
            }
            length
        }
        _ => return Err(not_ldap()),
    };
    if length > MAX_MESSAGE {
        return Err(not_ldap());
    }
    let begins = message.len();
    message.resize(begins + length, 0);
    stream.read_exact(message.get_mut(begins..).unwrap_or_default()).await?;
    parse(&message).ok_or_else(not_ldap)
}

/// Reads a whole message, and nothing but one.
pub(super) fn parse(message: &[u8]) -> Option<LdapMessage> {
    has_allowed_forms(message).then(|| rasn::ber::decode::<LdapMessage>(message).ok()).flatten()
}

/// Whether all values have a form that RFC 4511 section 5.1 allows.
///
/// rasn also reads numbers and texts that are made of parts, and lengths without an end.
fn has_allowed_forms(mut bytes: &[u8]) -> bool {
    while let [tag, first, rest @ ..] = bytes {
        let has_parts = tag & 0x20 != 0;
        // Of the universal types, only SEQUENCE and SET have parts. No tag here is longer than a byte.
        if (has_parts && tag & 0xc0 == 0 && !matches!(tag, 0x30 | 0x31)) || tag & 0x1f == 0x1f {
            return false;
        }
        let size = match first {
            0..=0x7f => 0,
            0x81..=0x84 => usize::from(first & 0x7f),
            _ => return false,
        };
        let Some((length, rest)) = rest.split_at_checked(size) else { return false };
        let length = match size {
            0 => usize::from(*first),
            _ => length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte)),
        };
        // The parts of a value are looked at next.
        let Some(next) = rest.get(if has_parts { 0 } else { length }..) else { return false };
        bytes = next;
    }
    bytes.is_empty()
}

fn not_ldap() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, NOT_LDAP)
}

/// Writes a message without secrets.
pub(super) fn write(id: u32, operation: ProtocolOp) -> Option<Zeroizing<Vec<u8>>> {
    rasn::ber::encode(&LdapMessage::new(id, operation)).ok().map(Zeroizing::new)
}

/// A request to sign in with a name and a password (RFC 4511 section 4.2).
pub(super) fn bind(id: u32, dn: &str, password: &str) -> Zeroizing<Vec<u8>> {
    let id = integer(id);
    let body = tlv_size(1) + tlv_size(dn.len()) + tlv_size(password.len());
    let whole = tlv_size(id.len()) + tlv_size(body);
    let mut out = Zeroizing::new(Vec::with_capacity(tlv_size(whole)));
    begin(&mut out, 0x30, whole);
    begin(&mut out, 0x02, id.len());
    out.extend_from_slice(&id);
    // [APPLICATION 0], version 3, the name, [0] for a simple password.
    begin(&mut out, 0x60, body);
    out.extend_from_slice(&[0x02, 1, 3]);
    begin(&mut out, 0x04, dn.len());
    out.extend_from_slice(dn.as_bytes());
    begin(&mut out, 0x80, password.len());
    out.extend_from_slice(password.as_bytes());
    out
}

/// The shortest form of a positive number (X.690 section 8.3.2).
fn integer(number: u32) -> Vec<u8> {
    let bytes = [&[0], number.to_be_bytes().as_slice()].concat();
    let begins = bytes.windows(2).position(|pair| pair[0] != 0 || pair[1] >= 0x80);
    bytes[begins.unwrap_or(bytes.len() - 1)..].to_vec()
}

/// How many bytes a value takes with its tag and length.
fn tlv_size(length: usize) -> usize {
    length + if length < 0x80 { 2 } else { 6 }
}

fn begin(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            out.push(0x84);
            out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use rasn_ldap::{AuthenticationChoice, BindRequest};

    use super::*;

    #[test]
    fn bind_request_is_what_the_library_reads() {
        for (dn, password) in [
            ("cn=a", "Wonderland-1".to_owned()),
            ("uid=müller,ou=people", "é".repeat(300)),
            ("x", "x".repeat(126)),
            ("x", "x".repeat(127)),
            ("x", "x".repeat(128)),
        ] {
            for id in [1, 127, 128, 0x7fff_ffff] {
                let bytes = bind(id, dn, &password);
                assert_eq!(bytes.len(), bytes.capacity(), "it never grew");
                let choice = AuthenticationChoice::Simple(password.clone().into_bytes().into());
                let request = BindRequest::new(3, dn.into(), choice);
                let expected = LdapMessage::new(id, ProtocolOp::BindRequest(request));
                assert_eq!(parse(&bytes), Some(expected));
            }
        }
    }

    #[test]
    fn forms_that_ldap_forbids_are_no_message() {
        let allowed = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00";
        assert!(parse(allowed).is_some());
        // A number in parts; a text in parts; a length without an end; half a value.
        for forbidden in [
            b"\x30\x0c\x02\x01\x01\x61\x07\x2a\x01\x31\x04\x00\x04\x00".as_slice(),
            b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x24\x00\x04\x00",
            b"\x30\x80\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00\x00\x00",
            b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04",
        ] {
            assert!(parse(forbidden).is_none(), "{forbidden:02x?}");
        }
    }

    #[test]
    fn request_for_tls_is_what_the_library_reads() {
        let LdapMessage { message_id, protocol_op, .. } = parse(START_TLS).unwrap();
        let ProtocolOp::ExtendedReq(request) = protocol_op else { panic!("{protocol_op:?}") };
        assert_eq!((message_id, request.request_name.as_ref()), (1, b"1.3.6.1.4.1.1466.20037".as_slice()));
        assert_eq!(request.request_value, None);
    }

    #[tokio::test]
    async fn only_one_whole_message_of_bounded_length_is_read() {
        let good = write(1, ProtocolOp::UnbindRequest(rasn_ldap::UnbindRequest)).unwrap();
        assert!(read(&mut good.as_slice()).await.is_ok());
        for bad in [
            &b"\x31\x05\x02\x01\x01\x42\x00"[..],
            b"\x30\x80\x02\x01\x01\x42\x00\x00\x00",
            b"\x30\x85\x00\x00\x00\x00\x05",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x83\x01\x00\x01",
            b"\x30\x00",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
        ] {
            let error = read(&mut &bad[..]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bad:?}");
        }
        assert_eq!(read(&mut &good[..3]).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

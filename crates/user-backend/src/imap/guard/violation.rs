//! Why what a server says is not passed on.

use std::io;

use thiserror::Error;

/// Why a server's words were not passed on.
///
/// Says what is wrong, never what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in crate::imap) enum ProtocolViolation {
    #[error("a line is longer than 8 KiB")]
    LineTooLong,
    #[error("more than 64 KiB were sent")]
    TooMuch,
    #[error("a line ends without CR")]
    BareLineFeed,
    #[error("a literal was sent")]
    Literal,
    #[error("an answer has a tag that is not ours")]
    ForeignTag,
    #[error("an answer is neither OK, NO nor BAD")]
    OddReply,
    #[error("the first line is not a greeting")]
    NoGreeting,
    #[error("a login was claimed that was not made (PREAUTH)")]
    Preauth,
    #[error("a continuation was sent that was not asked for")]
    OddContinuation,
    #[error("success was claimed before the password was sent")]
    EarlyYes,
    #[error("an answer came before the question")]
    EarlyReply,
    #[error("bytes were sent in clear text behind the answer to STARTTLS")]
    Injected,
    #[error("the steps of the dialogue are out of order")]
    OutOfStep,
}

impl From<ProtocolViolation> for io::Error {
    fn from(violation: ProtocolViolation) -> Self {
        Self::new(io::ErrorKind::InvalidData, violation)
    }
}

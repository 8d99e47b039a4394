//! An SMB2 server's answers, built byte by byte, so that each of them can be a lie.
//!
//! MS-SMB2 section 2.2; none is signed by without a password.

/// The commands that a login uses.
const NEGOTIATE: u16 = 0;
const SESSION_SETUP: u16 = 1;

/// STATUS_MORE_PROCESSING_REQUIRED
pub const MORE: u32 = 0xc000_0016;

/// Flags of a session (section 2.2.6).
pub const GUEST: u16 = 1;
/// See [`GUEST`].
pub const NULL_SESSION: u16 = 2;
/// See [`GUEST`].
pub const ENCRYPTED: u16 = 4;

/// One response, with the message id of the request unless set otherwise.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    status: u32,
    body: Vec<u8>,
    signature: Option<[u8; 16]>,
    command: Option<u16>,
    message: Option<u64>,
    is_request: bool,
    spoils: Vec<(usize, u8)>,
}

impl Reply {
    /// This status and this body.
    #[must_use]
    pub fn new(status: u32, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    /// An error with the body that errors have (section 2.2.2).
    #[must_use]
    pub fn error(status: u32) -> Self {
        Self::new(status, [9, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Agreement on a dialect; `mode` 1: can sign, 3: insists on it.
    #[must_use]
    pub fn negotiated(dialect: u16, mode: u16) -> Self {
        let mut body = vec![65, 0];
        body.extend(mode.to_le_bytes());
        body.extend(dialect.to_le_bytes());
        body.extend([0, 0]);
        body.extend([7; 16]); // the server's id
        body.extend([0; 4]);
        body.extend([0, 0, 16, 0].repeat(3)); // sizes of 1 MiB
        body.extend([0; 16]); // clocks
        body.extend([128, 0, 0, 0, 0, 0, 0, 0]); // no security buffer
        Self::new(0, body)
    }

    /// The challenge of NTLM (MS-NLMP section 2.2.1.2), with these flags.
    #[must_use]
    pub fn challenge(flags: u32) -> Self {
        Self::session(MORE, 0, &ntlm_challenge(flags))
    }

    /// An answer to a session set-up (section 2.2.6).
    #[must_use]
    pub fn session(status: u32, flags: u16, security: &[u8]) -> Self {
        let length = u16::try_from(security.len()).unwrap_or(u16::MAX);
        let mut body = vec![9, 0];
        body.extend(flags.to_le_bytes());
        body.extend([72, 0]);
        body.extend(length.to_le_bytes());
        body.extend(security);
        Self::new(status, body)
    }

    /// A tree (section 2.2.10): a pipe share with all rights.
    #[must_use]
    pub fn tree() -> Self {
        Self::new(0, [16, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 1, 0x1f, 0])
    }

    /// Claims to be signed.
    #[must_use]
    pub fn signed(mut self, signature: [u8; 16]) -> Self {
        self.signature = Some(signature);
        self
    }

    /// Answers another command than the one that was asked.
    #[must_use]
    pub fn to_command(mut self, command: u16) -> Self {
        self.command = Some(command);
        self
    }

    /// Answers another message than the one that was sent.
    #[must_use]
    pub fn to_message(mut self, message: u64) -> Self {
        self.message = Some(message);
        self
    }

    /// Says that it is no answer but a question.
    #[must_use]
    pub fn as_request(mut self) -> Self {
        self.is_request = true;
        self
    }

    /// Overwrites this byte of the message.
    #[must_use]
    pub fn mutated(mut self, at: usize, byte: u8) -> Self {
        self.spoils.push((at, byte));
        self
    }

    /// The message that answers `request`.
    #[must_use]
    pub fn to(&self, request: &[u8]) -> Vec<u8> {
        let two =
            |at: usize| request.get(at..at + 2).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
        // A client that still speaks SMB 1 begins with its own greeting (section 3.3.5.3.1).
        let is_smb2 = request.starts_with(b"\xfeSMB");
        let command = if is_smb2 { two(12) } else { NEGOTIATE };
        let id = request.get(24..32).filter(|_| is_smb2).unwrap_or(&[0; 8]);
        let mut message = b"\xfeSMB\x40\0\0\0".to_vec();
        message.extend(self.status.to_le_bytes());
        message.extend(self.command.unwrap_or(command).to_le_bytes());
        message.extend([32, 0]); // credits
        let answer = u32::from(!self.is_request);
        let signed = if self.signature.is_some() { 8 } else { 0 };
        message.extend((answer | signed).to_le_bytes());
        message.extend([0; 4]);
        match self.message {
            Some(other) => message.extend(other.to_le_bytes()),
            None => message.extend(id),
        }
        message.extend([0; 8]);
        let session: u64 = if command >= SESSION_SETUP { 0x5e55 } else { 0 };
        message.extend(session.to_le_bytes());
        message.extend(self.signature.unwrap_or_default());
        message.extend(&self.body);
        for (at, byte) in &self.spoils {
            if let Some(place) = message.get_mut(*at) {
                *place = *byte;
            }
        }
        message
    }
}

/// A challenge as a server sends it (MS-NLMP section 2.2.1.2): the domain is "RIG".
#[must_use]
pub fn ntlm_challenge(flags: u32) -> Vec<u8> {
    let name: Vec<u8> = "RIG".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut info = vec![2, 0, 6, 0];
    info.extend(&name);
    info.extend([7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0xd0, 1]); // a time
    info.extend([0; 4]);
    let mut message = b"NTLMSSP\0\x02\0\0\0".to_vec();
    message.extend([6, 0, 6, 0, 56, 0, 0, 0]);
    message.extend(flags.to_le_bytes());
    message.extend(*b"challeng");
    message.extend([0; 8]);
    let length = u16::try_from(info.len()).unwrap_or_default().to_le_bytes();
    message.extend(length);
    message.extend(length);
    message.extend([62, 0, 0, 0]);
    message.extend([6, 1, 0, 0, 0, 0, 0, 15]);
    message.extend(name);
    message.extend(info);
    message
}

/// The length before a message (section 2.1).
#[must_use]
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(message.len()).unwrap_or_default().to_be_bytes().to_vec();
    frame.extend_from_slice(message);
    frame
}

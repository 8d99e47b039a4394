//! SCRAM (RFC 5802, RFC 7677): a password that is proven and never sent, and a server that proves
//! that it knows the password too.
//!
//! Channel binding is that of RFC 9266 (`tls-exporter`) and RFC 5929 (`tls-server-end-point`).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

/// Least rounds that a server may ask for (RFC 7677 section 4).
///
/// With fewer, an attacker in the place of the server could try out passwords faster.
const MIN_ROUNDS: u32 = 4096;

/// Most rounds that a server may ask for: they take about a second.
const MAX_ROUNDS: u32 = 1_000_000;

/// Rounds after which other tasks have their turn.
const ROUNDS_AT_ONCE: u32 = 1024;

/// Most bytes of a salt.
const MAX_SALT: usize = 1024;

/// Why a message of the server cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum ScramError {
    #[error("the server broke the rules of SCRAM")]
    Malformed,
    #[error("the server repeats another nonce than ours")]
    Nonce,
    #[error("the server asks for fewer than 4096 rounds")]
    TooFewRounds,
    #[error("the server asks for more than a million rounds")]
    TooManyRounds,
    #[error("the server does not prove that it knows the password")]
    Signature,
}

/// The hash function of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    fn digest(self, data: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
        })
    }

    fn hmac(self, key: &[u8], data: &[u8]) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Sha1 => hmac_of::<Hmac<Sha1>>(key, data),
            Self::Sha256 => hmac_of::<Hmac<Sha256>>(key, data),
        }
    }

    /// `Hi` of RFC 5802 section 2.2: PBKDF2 with one block.
    ///
    /// It lets other tasks run in between, so that a deadline can end it.
    async fn salted(self, password: &[u8], salt: &[u8], rounds: u32) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Sha1 => salted::<Hmac<Sha1>>(password, salt, rounds).await,
            Self::Sha256 => salted::<Hmac<Sha256>>(password, salt, rounds).await,
        }
    }
}

fn keyed<M: Mac + KeyInit>(key: &[u8]) -> M {
    // HMAC takes keys of every length.
    <M as KeyInit>::new_from_slice(key).unwrap_or_else(|_| <M as KeyInit>::new(&Default::default()))
}

fn hmac_of<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut mac: M = keyed(key);
    mac.update(data);
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

async fn salted<M: Mac + KeyInit + Clone>(password: &[u8], salt: &[u8], rounds: u32) -> Zeroizing<Vec<u8>> {
    let keyed: M = keyed(password);
    let round = |data: &[&[u8]]| {
        let mut mac = keyed.clone();
        data.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()
    };
    let mut last = round(&[salt, &1_u32.to_be_bytes()]);
    let mut sum = Zeroizing::new(last.to_vec());
    for number in 1..rounds {
        if number % ROUNDS_AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
        last = round(&[last.as_slice()]);
        sum.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
    }
    sum
}

/// How the proof is bound to the TLS connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// Not at all: the server offers it in no way that we support.
    Unsupported,
    /// Not bound: the server offers none.
    ///
    /// The client says that it could (RFC 5802, flag `y`).
    ///
    /// A server that did offer it knows then that its offer was changed on the way.
    NotOffered,
    /// By this data, of the type of this name.
    Data(&'static str, Vec<u8>),
}

impl Binding {
    /// The gs2-header.
    fn header(&self) -> String {
        match self {
            Self::Unsupported => "n,,".to_owned(),
            Self::NotOffered => "y,,".to_owned(),
            Self::Data(name, _) => format!("p={name},,"),
        }
    }

    /// The attribute `c`.
    fn attribute(&self) -> String {
        let mut data = self.header().into_bytes();
        if let Self::Data(_, binding) = self {
            data.extend_from_slice(binding);
        }
        format!("c={}", STANDARD.encode(data))
    }
}

/// One exchange.
pub(super) struct Exchange {
    hash: Hash,
    binding: Binding,
    nonce: String,
    first_bare: String,
}

impl Exchange {
    /// Begins an exchange; `nonce` is printable, has no comma and was never used.
    pub(super) fn begin(hash: Hash, binding: Binding, name: &str, nonce: String) -> Self {
        let name = name.replace('=', "=3D").replace(',', "=2C");
        let first_bare = format!("n={name},r={nonce}");
        Self { hash, binding, nonce, first_bare }
    }

    /// The first message.
    pub(super) fn first(&self) -> String {
        self.binding.header() + &self.first_bare
    }

    /// The answer to the server's first message, and what it must answer to that.
    ///
    /// # Errors
    /// The message is malformed or not an answer to ours.
    pub(super) async fn answer(
        &self,
        challenge: &str,
        password: &str,
    ) -> Result<(Zeroizing<String>, ServerSignature), ScramError> {
        let ServerFirst { nonce, salt, rounds } = ServerFirst::parse(challenge)?;
        let own = nonce.strip_prefix(self.nonce.as_str());
        if own.is_none_or(str::is_empty) {
            return Err(ScramError::Nonce);
        }
        // What SASLprep forbids is taken as it is, as other clients and servers do.
        let prepared = stringprep::saslprep(password).unwrap_or(Cow::Borrowed(password));
        let prepared = match prepared {
            Cow::Borrowed(text) => Zeroizing::new(text.to_owned()),
            Cow::Owned(text) => Zeroizing::new(text),
        };
        let salted = self.hash.salted(prepared.as_bytes(), &salt, rounds).await;
        let client_key = self.hash.hmac(&salted, b"Client Key");
        let stored_key = self.hash.digest(&client_key);
        let without_proof = format!("{},r={nonce}", self.binding.attribute());
        let message = format!("{},{challenge},{without_proof}", self.first_bare);
        let mut proof = self.hash.hmac(&stored_key, message.as_bytes());
        proof.iter_mut().zip(client_key.iter()).for_each(|(proof, key)| *proof ^= key);
        let server_key = self.hash.hmac(&salted, b"Server Key");
        let signature = ServerSignature(self.hash.hmac(&server_key, message.as_bytes()));
        Ok((Zeroizing::new(format!("{without_proof},p={}", STANDARD.encode(&*proof))), signature))
    }
}

/// The signature that the server must send in its final message.
pub(super) struct ServerSignature(Zeroizing<Vec<u8>>);

impl ServerSignature {
    /// Checks the server's final message.
    ///
    /// # Errors
    /// It is not this signature.
    pub(super) fn verify(&self, message: &str) -> Result<(), ScramError> {
        let value = message.split(',').next().and_then(|first| first.strip_prefix("v="));
        let signature =
            STANDARD.decode(value.ok_or(ScramError::Signature)?).map_err(|_| ScramError::Signature)?;
        if bool::from(signature.as_slice().ct_eq(&self.0)) { Ok(()) } else { Err(ScramError::Signature) }
    }
}

/// The server's first message.
#[derive(Debug)]
struct ServerFirst<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    rounds: u32,
}

impl<'a> ServerFirst<'a> {
    fn parse(message: &'a str) -> Result<Self, ScramError> {
        let mut attributes = message.split(',');
        // In this order (RFC 5802 section 7); `m=`, which would come first, must not be ignored.
        let mut next = |name: &str| attributes.next().and_then(|text| text.strip_prefix(name));
        let (nonce, salt, rounds) = (next("r="), next("s="), next("i="));
        let (Some(nonce), Some(salt), Some(rounds)) = (nonce, salt, rounds) else {
            return Err(ScramError::Malformed);
        };
        let is_nonce = nonce.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
        let salt = STANDARD.decode(salt).map_err(|_| ScramError::Malformed)?;
        let is_number = (1..=10).contains(&rounds.len()) && rounds.bytes().all(|byte| byte.is_ascii_digit());
        if !is_nonce || salt.is_empty() || salt.len() > MAX_SALT || !is_number || rounds.starts_with('0') {
            return Err(ScramError::Malformed);
        }
        match rounds.parse() {
            Ok(rounds) if rounds < MIN_ROUNDS => Err(ScramError::TooFewRounds),
            Ok(rounds) if rounds <= MAX_ROUNDS => Ok(Self { nonce, salt, rounds }),
            _ => Err(ScramError::TooManyRounds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn exchange(
        exchange: &Exchange,
        challenge: &str,
        password: &str,
    ) -> Result<(String, ServerSignature), ScramError> {
        exchange.answer(challenge, password).await.map(|(last, signature)| (last.to_string(), signature))
    }

    /// RFC 5802 section 5.
    #[tokio::test]
    async fn example_of_rfc_5802_is_reproduced() {
        let nonce = "fyko+d2lbbFgONRv9qkxdawL".to_owned();
        let begun = Exchange::begin(Hash::Sha1, Binding::Unsupported, "user", nonce);
        assert_eq!(begun.first(), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
        let challenge = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
        let (last, signature) = exchange(&begun, challenge, "pencil").await.unwrap();
        let expected = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
        assert_eq!(last, expected);
        assert_eq!(signature.verify("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), Ok(()));
    }

    /// RFC 7677 section 3.
    #[tokio::test]
    async fn example_of_rfc_7677_is_reproduced() {
        let nonce = "rOprNGfwEbeRWgbNEkqO".to_owned();
        let begun = Exchange::begin(Hash::Sha256, Binding::Unsupported, "user", nonce);
        let challenge =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (last, signature) = exchange(&begun, challenge, "pencil").await.unwrap();
        assert_eq!(
            last,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(signature.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
        for wrong in [
            "",
            "v=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=",
            "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95A==",
            "e=invalid-proof",
            "x=1,v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            "V=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ] {
            assert_eq!(signature.verify(wrong), Err(ScramError::Signature), "{wrong}");
        }
    }

    /// PBKDF2 with SHA-1 (RFC 6070) is `Hi` for keys of one block.
    #[tokio::test]
    async fn examples_of_rfc_6070_are_reproduced() {
        for (rounds, expected) in [
            (1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            (2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
            (4096, "4b007901b765489abead49d926f721d065a429c1"),
        ] {
            let salted = Hash::Sha1.salted(b"password", b"salt", rounds).await;
            let hex: String = salted.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{rounds}");
        }
    }

    #[tokio::test]
    async fn first_message_of_a_server_is_checked() {
        let begun = Exchange::begin(Hash::Sha1, Binding::NotOffered, "a=b,c", "abc".to_owned());
        assert_eq!(begun.first(), "y,,n=a=3Db=2Cc,r=abc");
        for (challenge, expected) in [
            ("", ScramError::Malformed),
            ("r=abcd,s=QQ==", ScramError::Malformed),
            ("s=QQ==,r=abcd,i=4096", ScramError::Malformed),
            ("m=x,r=abcd,s=QQ==,i=4096", ScramError::Malformed),
            ("r=abcd,s=,i=4096", ScramError::Malformed),
            ("r=abcd,s=Q,i=4096", ScramError::Malformed),
            ("r=abcd,s=QQ==,i=", ScramError::Malformed),
            ("r=abcd,s=QQ==,i=+4096", ScramError::Malformed),
            ("r=abcd,s=QQ==,i=04096", ScramError::Malformed),
            ("r=abcd,s=QQ==,i=-1", ScramError::Malformed),
            ("r=abcd,s=QQ==,i=99999999999", ScramError::Malformed),
            ("r=abc d,s=QQ==,i=4096", ScramError::Malformed),
            ("r=abcé,s=QQ==,i=4096", ScramError::Malformed),
            ("r=abc,s=QQ==,i=4096", ScramError::Nonce),
            ("r=xabc,s=QQ==,i=4096", ScramError::Nonce),
            ("r=,s=QQ==,i=4096", ScramError::Nonce),
            ("r=ab,s=QQ==,i=4096", ScramError::Nonce),
            ("r=abcd,s=QQ==,i=4095", ScramError::TooFewRounds),
            ("r=abcd,s=QQ==,i=1", ScramError::TooFewRounds),
            ("r=abcd,s=QQ==,i=1000001", ScramError::TooManyRounds),
            ("r=abcd,s=QQ==,i=4294967295", ScramError::TooManyRounds),
            ("r=abcd,s=QQ==,i=9999999999", ScramError::TooManyRounds),
        ] {
            assert_eq!(exchange(&begun, challenge, "x").await.err(), Some(expected), "{challenge}");
        }
        assert!(exchange(&begun, "r=abcd,s=QQ==,i=4096,x=1", "x").await.is_ok());
        let long = format!("r=abcd,s={},i=4096", STANDARD.encode(vec![0; MAX_SALT + 1]));
        assert_eq!(exchange(&begun, &long, "x").await.err(), Some(ScramError::Malformed));
    }

    #[tokio::test]
    async fn binding_is_in_the_header_and_in_the_proof() {
        let nonce = || "abc".to_owned();
        let challenge = "r=abcd,s=QQ==,i=4096";
        let mut seen = Vec::new();
        for (binding, header, attribute) in [
            (Binding::Unsupported, "n,,", "biws"),
            (Binding::NotOffered, "y,,", "eSws"),
            (Binding::Data("tls-exporter", vec![1, 2]), "p=tls-exporter,,", "cD10bHMtZXhwb3J0ZXIsLAEC"),
            (Binding::Data("tls-exporter", vec![1, 3]), "p=tls-exporter,,", "cD10bHMtZXhwb3J0ZXIsLAED"),
        ] {
            let begun = Exchange::begin(Hash::Sha256, binding, "u", nonce());
            assert_eq!(begun.first(), format!("{header}n=u,r=abc"));
            let (last, _) = exchange(&begun, challenge, "x").await.unwrap();
            assert!(last.starts_with(&format!("c={attribute},r=abcd,p=")), "{last}");
            seen.push(last.rsplit(',').next().unwrap().to_owned());
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 4);
    }

    #[tokio::test]
    async fn password_is_prepared_where_saslprep_allows_it() {
        let begun = Exchange::begin(Hash::Sha1, Binding::Unsupported, "u", "abc".to_owned());
        let proof =
            async |password: &str| exchange(&begun, "r=abcd,s=QQ==,i=4096", password).await.unwrap().0;
        // RFC 4013 section 3: a soft hyphen is mapped to nothing, the Roman numeral to letters.
        assert_eq!(proof("I\u{ad}X").await, proof("IX").await);
        assert_eq!(proof("\u{2168}").await, proof("IX").await);
        assert_ne!(proof("ix").await, proof("IX").await);
        // Forbidden there.
        assert_ne!(proof("\u{7}").await, proof("").await);
    }
}

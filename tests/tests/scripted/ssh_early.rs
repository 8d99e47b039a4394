//! SSH servers that answer before they are asked.
//!
//! russh's own server cannot do that, so this one speaks the transport itself (RFC 4253, RFC 8731,
//! chacha20-poly1305@openssh.com), on ring.

use ring::aead::chacha20_poly1305_openssh::{KEY_LEN, OpeningKey, SealingKey, TAG_LEN};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use russh::keys::ssh_key::public::Ed25519PublicKey;
use russh::keys::{HashAlg, PublicKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use user_backend::BackendId;
use user_backend::ssh::{HostKeyPin, SshSettings};
use user_backend::transport::{Endpoint, TlsMode};

use super::ssh::{LONG, ask};

const VERSION: &str = "SSH-2.0-early";

/// SSH_MSG_SERVICE_ACCEPT: ssh-userauth.
const SERVICE: &[u8] = b"\x06\0\0\0\x0cssh-userauth";
/// SSH_MSG_USERAUTH_FAILURE: password may follow.
const FAILURE: &[u8] = b"\x33\0\0\0\x08password\0";
/// The same for keyboard-interactive.
const FAILURE_INTERACTIVE: &[u8] = b"\x33\0\0\0\x14keyboard-interactive\0";
/// SSH_MSG_USERAUTH_SUCCESS.
const SUCCESS: &[u8] = b"\x34";
/// SSH_MSG_USERAUTH_INFO_REQUEST: one hidden question.
const QUESTION: &[u8] = b"\x3c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x0aPassword: \0";

/// What is sent after each request of the client: for the service, `none`, and so on.
type Plan = &'static [&'static [&'static [u8]]];

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// A positive number (RFC 4251, section 5).
fn number(bytes: &[u8]) -> Vec<u8> {
    let begin = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let sign: &[u8] = if bytes.get(begin).is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    string(&[sign, &bytes[begin..]].concat())
}

/// A packet; `counted` is 4 where its length counts for the padding, else 0.
fn packet(payload: &[u8], counted: usize) -> Vec<u8> {
    let padding = 8 - (counted + 1 + payload.len()) % 8 + 8;
    let length = u32::try_from(1 + payload.len() + padding).unwrap();
    let head = [length.to_be_bytes().as_slice(), &[u8::try_from(padding).unwrap()]].concat();
    [head, payload.to_vec(), vec![0; padding]].concat()
}

fn payload(body: &[u8]) -> &[u8] {
    &body[1..body.len() - usize::from(body[0])]
}

async fn read_clear(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut body = vec![0; usize::try_from(stream.read_u32().await.ok()?).ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some(payload(&body).to_vec())
}

/// Both directions after the keys.
struct Encrypted {
    stream: TcpStream,
    opening: OpeningKey,
    sealing: SealingKey,
    received: u32,
    sent: u32,
}

impl Encrypted {
    async fn read(&mut self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 4];
        self.stream.read_exact(&mut bytes).await.ok()?;
        let head = <[u8; 4]>::try_from(bytes.as_slice()).unwrap();
        let length = u32::from_be_bytes(self.opening.decrypt_packet_length(self.received, head));
        bytes.resize(4 + usize::try_from(length).unwrap(), 0);
        self.stream.read_exact(&mut bytes[4..]).await.ok()?;
        let mut tag = [0; TAG_LEN];
        self.stream.read_exact(&mut tag).await.ok()?;
        let body = self.opening.open_in_place(self.received, &mut bytes, &tag).unwrap();
        self.received += 1;
        Some(payload(body).to_vec())
    }

    /// Sends these messages in one piece.
    async fn write(&mut self, messages: &[&[u8]]) -> Option<()> {
        let mut all = Vec::new();
        for message in messages {
            let (mut bytes, mut tag) = (packet(message, 0), [0; TAG_LEN]);
            self.sealing.seal_in_place(self.sent, &mut bytes, &mut tag);
            self.sent += 1;
            all.extend([bytes.as_slice(), &tag].concat());
        }
        self.stream.write_all(&all).await.ok()
    }
}

fn host_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

async fn exchange_keys(mut stream: TcpStream) -> Option<Encrypted> {
    stream.write_all(format!("{VERSION}\r\n").as_bytes()).await.ok()?;
    let mut version = Vec::new();
    while !version.ends_with(b"\n") {
        version.push(stream.read_u8().await.ok()?);
    }
    let mut own = [[20].as_slice(), &[9; 16]].concat();
    let cipher = "chacha20-poly1305@openssh.com";
    let mac = "hmac-sha2-256";
    for list in ["curve25519-sha256", "ssh-ed25519", cipher, cipher, mac, mac, "none", "none", "", ""] {
        own.extend(string(list.as_bytes()));
    }
    own.extend([0; 5]);
    stream.write_all(&packet(&own, 4)).await.ok()?;
    let theirs = read_clear(&mut stream).await?;
    let init = read_clear(&mut stream).await?;
    let client_point = &init[5..];

    let random = SystemRandom::new();
    let secret = EphemeralPrivateKey::generate(&X25519, &random).unwrap();
    let point = secret.compute_public_key().unwrap();
    let shared = agree_ephemeral(secret, &UnparsedPublicKey::new(&X25519, client_point), number).unwrap();
    let key = host_key();
    let blob = [string(b"ssh-ed25519"), string(key.public_key().as_ref())].concat();
    let hashed = [
        string(version.trim_ascii_end()),
        string(VERSION.as_bytes()),
        string(&theirs),
        string(&own),
        string(&blob),
        string(client_point),
        string(point.as_ref()),
        shared.clone(),
    ];
    let hash = digest(&SHA256, &hashed.concat());
    let signature = [string(b"ssh-ed25519"), string(key.sign(hash.as_ref()).as_ref())].concat();
    let reply = [vec![31], string(&blob), string(point.as_ref()), string(&signature)].concat();
    stream.write_all(&[packet(&reply, 4), packet(&[21], 4)].concat()).await.ok()?;
    read_clear(&mut stream).await?;

    let derive = |letter: u8| -> [u8; KEY_LEN] {
        let seed = [shared.as_slice(), hash.as_ref()].concat();
        let first = digest(&SHA256, &[seed.as_slice(), &[letter], hash.as_ref()].concat());
        let second = digest(&SHA256, &[seed.as_slice(), first.as_ref()].concat());
        [first.as_ref(), second.as_ref()].concat().try_into().unwrap()
    };
    let (opening, sealing) = (OpeningKey::new(&derive(b'C')), SealingKey::new(&derive(b'D')));
    Some(Encrypted { stream, opening, sealing, received: 3, sent: 3 })
}

/// Serves one connection by this plan, and stays silent after it.
async fn serve(stream: TcpStream, plan: Plan) -> Option<()> {
    let mut peer = exchange_keys(stream).await?;
    for messages in plan {
        peer.read().await?;
        peer.write(messages).await?;
    }
    while peer.read().await.is_some() {}
    Some(())
}

async fn start(plan: Plan) -> (u16, JoinHandle<Option<()>>) {
    user_backend_tests::logging::on();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.ok()?;
        serve(stream, plan).await
    });
    (port, task)
}

async fn answer(plan: Plan) -> String {
    let (port, task) = start(plan).await;
    let endpoint =
        Endpoint::new("127.0.0.1", port, TlsMode::None).with_connect_timeout(LONG).with_timeout(LONG);
    let key = PublicKey::from(Ed25519PublicKey(host_key().public_key().as_ref().try_into().unwrap()));
    let pin = HostKeyPin::Fingerprint(key.fingerprint(HashAlg::Sha256).to_string());
    let said = ask(SshSettings::new(BackendId::parse("shell").unwrap(), endpoint, pin)).await;
    task.abort();
    said
}

/// The server itself is a correct one where its plan is.
#[tokio::test]
async fn ssh_answers_in_time_are_believed() {
    assert_eq!(answer(&[&[SERVICE], &[FAILURE], &[SUCCESS]]).await, "accepted");
    assert_eq!(answer(&[&[SERVICE], &[FAILURE], &[FAILURE]]).await, "bad_credentials");
    let asked = answer(&[&[SERVICE], &[FAILURE_INTERACTIVE], &[QUESTION], &[SUCCESS]]).await;
    assert_eq!(asked, "accepted");
}

#[tokio::test]
async fn ssh_answer_before_the_password_is_never_a_decision() {
    let early = "protocol login: the server answered before it was asked";
    let plans: [(Plan, &str); 6] = [
        (&[&[SERVICE], &[FAILURE, SUCCESS]], early),
        (&[&[SERVICE], &[FAILURE, FAILURE]], early),
        (&[&[SERVICE, FAILURE, SUCCESS]], early),
        (&[&[SERVICE], &[FAILURE_INTERACTIVE], &[QUESTION, SUCCESS]], early),
        (&[&[SERVICE], &[FAILURE_INTERACTIVE], &[QUESTION, FAILURE_INTERACTIVE]], early),
        (
            &[&[SERVICE, SUCCESS]],
            "misconfigured login: the server lets this user in without a password, so it proves nothing",
        ),
    ];
    for (plan, expected) in plans {
        assert_eq!(answer(plan).await, expected, "{plan:?}");
    }
}

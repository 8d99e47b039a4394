//! The SMB backend against peers that are no SMB servers.

#![allow(clippy::unwrap_used, reason = "tests may")]

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use user_backend::clock::now;
use user_backend::smb::{SmbBackend, SmbEngine, SmbSettings};
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{Attempt, BackendError, BackendId, LoginName, Password, Phase, UserBackend};
use user_backend_tests::fake_server::{FakeServer, ScriptStep};

/// Long enough for every peer that answers, short enough for those that never do.
const TIMEOUT: Duration = Duration::from_millis(800);

fn backends(peer: &FakeServer) -> Vec<SmbBackend> {
    let endpoint = Endpoint::new("127.0.0.1", peer.port(), TlsMode::None).with_timeout(TIMEOUT);
    let settings = SmbSettings::new(BackendId::parse("files").unwrap(), endpoint);
    let all = [
        settings.clone().with_engine(SmbEngine::Pavao),
        settings.clone().with_share("data"),
        // The engine `native`, by default.
        settings,
    ];
    all.into_iter().map(|settings| SmbBackend::new(settings).unwrap()).collect()
}

async fn error(backend: &SmbBackend) -> BackendError {
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("Wonderland-1").unwrap());
    let attempt = Attempt::new(&name, &password, now() + Duration::from_secs(20));
    let error = backend.authenticate(&attempt).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    error
}

/// The kinds of error that the three ways to ask end with.
async fn kinds(script: impl IntoIterator<Item = ScriptStep>) -> Vec<&'static str> {
    let peer = FakeServer::start(script).await;
    let mut kinds = Vec::new();
    for backend in backends(&peer) {
        kinds.push(error(&backend).await.kind());
    }
    let received = peer.received();
    assert!(!received.windows(12).any(|window| window == b"Wonderland-1"), "the password in clear text");
    kinds
}

/// A frame of MS-SMB2 section 2.1.
fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(message);
    frame
}

/// A server that negotiates (MS-SMB2 section 2.2.4, SMB 3.0.2) and then stays silent.
async fn polite_and_silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut greeting = vec![0; 64];
    greeting[..6].copy_from_slice(b"\xfeSMB\x40\0");
    greeting[14] = 1; // one credit
    greeting[16] = 1; // an answer
    greeting.extend_from_slice(&[65, 0, 1, 0, 0x02, 0x03, 0, 0]);
    greeting.extend_from_slice(&[7; 16]); // the server's id
    greeting.extend_from_slice(&[0; 4]);
    greeting.extend_from_slice(&[0, 0, 16, 0].repeat(3)); // sizes of 1 MiB
    greeting.extend_from_slice(&[0; 16]); // clocks
    greeting.extend_from_slice(&[128, 0, 0, 0, 0, 0, 0, 0]); // no security buffer
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let greeting = frame(&greeting);
            tokio::spawn(async move {
                let length = stream.read_u32().await?;
                stream.read_exact(&mut vec![0; usize::try_from(length).unwrap()]).await?;
                stream.write_all(&greeting).await?;
                stream.read_to_end(&mut Vec::new()).await
            });
        }
    });
    port
}

#[tokio::test]
async fn silent_server_leaves_time_for_other_backends() {
    let endpoint = Endpoint::new("127.0.0.1", polite_and_silent().await, TlsMode::None);
    let settings = SmbSettings::new(BackendId::parse("files").unwrap(), endpoint);
    let backend = SmbBackend::new(settings.with_share("data")).unwrap();
    let all = tokio::join!(error(&backend), error(&backend), error(&backend));
    let mut details: Vec<String> =
        [all.0, all.1, all.2].iter().map(|error| format!("{}: {}", error.kind(), error.detail())).collect();
    details.sort();
    let waited = "unavailable: the server has fallen silent";
    assert_eq!(details, ["unavailable: no answer in time", waited, waited]);
}

#[tokio::test]
async fn silence_is_an_outage_and_ends_with_the_deadline() {
    assert_eq!(kinds([ScriptStep::Silence]).await, ["unavailable"; 3]);
}

/// The breaker counts servers that do not greet, not those that think about a login.
#[tokio::test]
async fn silent_greeting_and_silent_login_differ() {
    let peer = FakeServer::start([ScriptStep::Silence]).await;
    for backend in backends(&peer) {
        let error = error(&backend).await;
        assert_eq!((error.phase(), error.is_timeout()), (Phase::Greeting, true), "{backend}: {error}");
    }
    let endpoint = Endpoint::new("127.0.0.1", polite_and_silent().await, TlsMode::None).with_timeout(TIMEOUT);
    let settings = SmbSettings::new(BackendId::parse("files").unwrap(), endpoint);
    let native = SmbBackend::new(settings.with_engine(SmbEngine::Native)).unwrap();
    let error = error(&native).await;
    assert_eq!((error.phase(), error.is_timeout()), (Phase::Login, true), "{error}");
}

#[tokio::test]
async fn hanging_up_is_an_outage() {
    assert_eq!(kinds([]).await, ["unavailable"; 3]);
}

#[tokio::test]
async fn web_server_breaks_the_protocol() {
    let answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert_eq!(kinds([ScriptStep::send(answer), ScriptStep::Silence]).await, ["protocol"; 3]);
}

#[tokio::test]
async fn garbage_in_a_frame_is_no_verdict() {
    let no_smb = frame(&[0x5a; 200]);
    let smb_1_only =
        frame(b"\xffSMBr\0\0\0\0\x88\x01\x48\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\0\0");
    let empty_smb_2 = frame(&[b"\xfeSMB\x40\0".as_slice(), &[0; 58]].concat());
    for message in [no_smb, smb_1_only, empty_smb_2, frame(&[])] {
        let [pipe, share, native] =
            kinds([ScriptStep::Send(message), ScriptStep::Silence]).await.try_into().unwrap();
        assert_eq!((pipe, share), ("protocol", "protocol"));
        // smb2 only reports that the connection ended.
        assert!(["protocol", "unavailable"].contains(&native), "{native}");
    }
}

#[tokio::test]
async fn endless_peer_is_cut_off() {
    let empty_frames = ScriptStep::Flood { bytes: &[0; 4096], total: usize::MAX };
    // A failure here has become a verdict, or waits for ever.
    kinds([empty_frames]).await;
    let peer = FakeServer::start([ScriptStep::send([0, 0xff, 0xff, 0xff]), ScriptStep::Silence]).await;
    for backend in backends(&peer) {
        assert_eq!(error(&backend).await.kind(), "protocol");
    }
}

#[tokio::test]
async fn t20_dripping_bytes_keep_the_deadline() {
    let endless = ScriptStep::Drip(frame(&[0; 0x0010_0000]));
    assert_eq!(kinds([endless, ScriptStep::Silence]).await, ["protocol", "protocol", "protocol"]);
}

#[tokio::test]
async fn probe_of_another_protocol_is_an_error() {
    let peer =
        FakeServer::start([ScriptStep::send("220 ftp.example.com ready\r\n"), ScriptStep::Silence]).await;
    for backend in backends(&peer) {
        let error = backend.probe(now() + Duration::from_secs(20)).await.unwrap_err();
        assert_eq!(error.kind(), "protocol", "{error}");
    }
}

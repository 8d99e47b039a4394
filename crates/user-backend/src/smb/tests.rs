use std::time::Duration;

use super::*;
use crate::clock::now;
use crate::identity::LoginName;
use crate::resolver::{Credentials, Outcome, Resolver};
use crate::transport::TlsMode;

fn settings() -> SmbSettings {
    // Nothing listens there, and no test may come so far.
    SmbSettings::new(BackendId::parse("files").unwrap(), Endpoint::new("127.0.0.1", 1, TlsMode::None))
}

fn text(settings: SmbSettings) -> String {
    SmbBackend::new(settings).unwrap_err().to_string()
}

async fn verdict(backend: &SmbBackend, name: &str, password: &str) -> Result<Verdict, BackendError> {
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    backend.authenticate(&Attempt::new(&name, &password, now() + Duration::from_secs(5))).await
}

#[cfg(not(feature = "smb-helper"))]
#[test]
fn missing_engine_names_its_feature() {
    for settings in [settings().with_engine(SmbEngine::Pavao), settings().with_share("data")] {
        let error = text(settings);
        assert!(error.ends_with("engine \"pavao\" needs the cargo feature smb-helper"), "{error}");
    }
}

#[cfg(not(feature = "smb-native"))]
#[test]
fn missing_engine_names_its_feature() {
    let error = text(settings().with_engine(SmbEngine::Native));
    assert!(error.ends_with("engine \"native\" needs the cargo feature smb-native"), "{error}");
}

#[test]
fn default_engine_is_native_unless_a_share_is_set() {
    let is_native = |settings: SmbSettings| settings.is_native();
    let compiled = cfg!(feature = "smb-native");
    for engine in [None, Some(SmbEngine::Auto)] {
        let settings = || engine.into_iter().fold(settings(), SmbSettings::with_engine);
        assert_eq!(is_native(settings()), compiled, "{engine:?}");
        assert!(!is_native(settings().with_share("data")), "{engine:?}");
    }
    assert!(!is_native(settings().with_engine(SmbEngine::Pavao)));
    assert!(is_native(settings().with_engine(SmbEngine::Native).with_share("data")));
}

#[test]
fn share_is_a_name_and_not_a_path() {
    for share in ["", "a/b", "\\\\host\\share", "a\nb", "x?", "C:", &"x".repeat(81)] {
        assert!(text(settings().with_share(share)).contains("cannot be the name of a share"), "{share:?}");
    }
    for share in ["IPC$", "ipc$"] {
        assert!(text(settings().with_share(share)).contains("proves nothing"), "{share:?}");
    }
    for workgroup in ["", "A\\B", "a@b", "two words", &"x".repeat(256)] {
        assert!(text(settings().with_workgroup(workgroup)).contains("workgroup"), "{workgroup:?}");
    }
}

#[cfg(feature = "smb")]
#[tokio::test]
async fn password_beyond_libsmbclient_is_refused_before_io() {
    let backend = SmbBackend::new(settings().with_engine(SmbEngine::Pavao)).unwrap();
    for bytes in [256, 300, 1024] {
        let verdict = verdict(&backend, "alice", &"x".repeat(bytes)).await.unwrap();
        assert_eq!(verdict, Verdict::Rejected(Rejection::PolicyDenied), "{bytes}");
    }
    // Counted in bytes, not in characters.
    let long = verdict(&backend, "alice", &"ä".repeat(128)).await.unwrap();
    assert_eq!(long, Verdict::Rejected(Rejection::PolicyDenied));
    assert_eq!(verdict(&backend, "alice", &"x".repeat(255)).await.unwrap_err().phase(), Phase::Connect);
}

#[cfg(feature = "smb")]
#[tokio::test]
async fn libsmbclient_is_not_given_an_address_it_cannot_use() {
    let endpoint = Endpoint::new("::1", 445, TlsMode::None);
    let settings = SmbSettings::new(BackendId::parse("files").unwrap(), endpoint);
    let backend = SmbBackend::new(settings.with_engine(SmbEngine::Pavao)).unwrap();
    let error = verdict(&backend, "alice", "secret").await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), ("misconfigured", Phase::Resolve));
    assert!(error.to_string().contains("engine = \"native\""), "{error}");
}

#[tokio::test]
async fn refused_or_foreign_names_cause_no_io() {
    for engine in [SmbEngine::Pavao, SmbEngine::Native] {
        let Ok(backend) = SmbBackend::new(settings().with_engine(engine)) else { continue };
        for name in ["guest", "Guest", "BOGUS\\alice", "x/alice"] {
            let denied = Verdict::Rejected(Rejection::PolicyDenied);
            assert_eq!(verdict(&backend, name, "secret").await.unwrap(), denied, "{name}");
        }
        assert_eq!(verdict(&backend, "alice@realm", "secret").await.unwrap(), Verdict::NotMine);
        let resolver = Resolver::builder().backend(backend).build().unwrap();
        for name in ["anonymous", "ftp"] {
            let answer = resolver.authenticate(Credentials::new(name, "secret")).await;
            assert_eq!(answer.outcome, Outcome::Refused(Rejection::PolicyDenied), "{name}");
        }
    }
}

#[tokio::test]
async fn closed_port_is_unavailable_with_every_engine() {
    for engine in [SmbEngine::Pavao, SmbEngine::Native] {
        let Ok(backend) = SmbBackend::new(settings().with_engine(engine)) else { continue };
        let error = verdict(&backend, "alice", "secret").await.unwrap_err();
        assert_eq!((error.kind(), error.phase()), ("unavailable", Phase::Connect));
    }
}

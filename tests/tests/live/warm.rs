//! Connections prepared ahead, at the rig's servers.

use std::time::Duration;

use user_backend::clock::now;
use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{Attempt, BackendId, LoginName, Password, UserBackend, Verdict};
use user_backend_tests::Rig;

const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn prepared_connections_give_the_same_answers() {
    let Some(rig) = Rig::find() else { return };
    let at = |port, tls| {
        Endpoint::new(rig.host(), port, tls)
            .with_trust(ServerTrust::CaFile(rig.ca_file()))
            .with_connect_timeout(TIMEOUT)
            .with_timeout(TIMEOUT)
    };
    let id = || BackendId::parse("warm").unwrap();
    let mail = |port, tls| ImapBackend::new(ImapSettings::new(id(), at(port, tls)).with_warm(1)).unwrap();
    let files = |port, tls| FtpBackend::new(FtpSettings::new(id(), at(port, tls)).with_warm(1)).unwrap();
    let backends: [Box<dyn UserBackend>; 4] = [
        Box::new(mail(10143, TlsMode::Explicit)),
        Box::new(mail(10993, TlsMode::Implicit)),
        Box::new(files(10021, TlsMode::Explicit)),
        Box::new(files(10990, TlsMode::Implicit)),
    ];
    for backend in backends {
        for (password, right) in
            [("Wonderland-1", true), ("Wonderland-1", true), ("Wonderland-2", false), ("Wonderland-1", true)]
        {
            let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse(password).unwrap());
            let attempt = Attempt::new(&name, &password, now() + TIMEOUT);
            let verdict = backend.authenticate(&attempt).await.unwrap();
            assert_eq!(matches!(verdict, Verdict::Accepted(_)), right, "{backend}: {verdict:?}");
            // The `Debug` of a backend has the number of prepared connections.
            while !format!("{backend:?}").contains("ready: 1") {
                tokio::task::yield_now().await;
            }
        }
    }
}

//! What real servers say, and what it means.
//!
//! `%NAME%` is the user's name.

use super::*;
use crate::verdict::Rejection::{
    AccountDisabled, AccountLocked, BadCredentials, CredentialsExpired, UnknownUser,
};

const NAME: &str = "alice@example.com";

const REFUSED: ReplyClass = ReplyClass::Refusal(BadCredentials);
const UNKNOWN_USER: ReplyClass = ReplyClass::Refusal(UnknownUser);
const DISABLED: ReplyClass = ReplyClass::Refusal(AccountDisabled);
const LOCKED: ReplyClass = ReplyClass::Refusal(AccountLocked);
const EXPIRED: ReplyClass = ReplyClass::Refusal(CredentialsExpired);
const OUTAGE: ReplyClass = ReplyClass::Outage;
/// In doubt: not a refusal, unless the operator or two canaries teach it.
const UNKNOWN: ReplyClass = ReplyClass::Unknown;

/// Server, words without the code, meaning, source.
type Row = (&'static str, &'static str, ReplyClass, &'static str);

const IMAP: &[Row] = &[
    ("Dovecot 2.4", "Authentication failed.", REFUSED, "code: src/login-common/login-common.h"),
    ("Dovecot 2.4", "Temporary authentication failure.", OUTAGE, "code: src/login-common/login-common.h"),
    (
        "Dovecot 2.3",
        "Temporary authentication failure. [mail:2026-11-29 18:00:00]",
        OUTAGE,
        "code: src/login-common/client-common-auth.c",
    ),
    (
        "Dovecot 2.4",
        "Waiting for authentication process to respond..",
        OUTAGE,
        "code: src/login-common/client-common.h",
    ),
    (
        "Dovecot 2.4",
        "Internal login failure. Refer to server log for more information.",
        OUTAGE,
        "code: src/login-common/client-common-auth.c",
    ),
    ("Dovecot 2.4", "Login disabled for this user", DISABLED, "code: src/login-common/client-common-auth.c"),
    (
        "Dovecot 2.4",
        "Cleartext authentication not allowed without SSL/TLS",
        OUTAGE,
        "code: src/login-common/client-common-auth.c",
    ),
    ("Dovecot 2.4", "Unsupported authentication mechanism.", OUTAGE, "code: src/login-common/sasl-server.c"),
    (
        "Dovecot 1.x",
        "Maximum number of connections from user+IP exceeded",
        OUTAGE,
        "client: FairEmail ConnectionHelper.java",
    ),
    ("Dovecot, passdb static", "expired", UNKNOWN, "rig: nologin=y reason=expired (its code decides)"),
    ("Cyrus imapd 3.6", "Login failed: authentication failure", REFUSED, "rig: cyrus"),
    ("Cyrus imapd 3.6", "Login failed: generic failure", OUTAGE, "rig: cyrus with saslauthd stopped"),
    (
        "Cyrus imapd 3.8",
        "Login failed: user not found",
        UNKNOWN_USER,
        "code: cyrus-sasl lib/common.c sasl_errstring",
    ),
    ("Cyrus imapd 3.8", "Login failed: account disabled", DISABLED, "code: cyrus-sasl lib/common.c"),
    (
        "Cyrus imapd 3.8",
        "Login failed: passphrase expired, has to be reset",
        EXPIRED,
        "code: cyrus-sasl lib/common.c",
    ),
    (
        "Cyrus imapd 3.8",
        "Login failed: remote authentication server unavailable",
        OUTAGE,
        "code: cyrus-sasl lib/common.c",
    ),
    ("Cyrus imapd 3.8", "Login failed: no memory available", OUTAGE, "code: cyrus-sasl lib/common.c"),
    (
        "Cyrus imapd 3.8",
        "Login failed: transient failure (e.g., weak key)",
        OUTAGE,
        "code: cyrus-sasl lib/common.c",
    ),
    (
        "Cyrus imapd 3.8",
        "Login failed: user exists, but no verifier for user",
        REFUSED,
        "code: cyrus-sasl lib/common.c",
    ),
    ("Cyrus imapd 3.8", "Login failed: -1", UNKNOWN, "code: imap/imapd.c cmd_login"),
    ("Cyrus imapd 3.8", "Login only available under a layer", OUTAGE, "code: imap/imapd.c cmd_login"),
    ("Cyrus imapd 3.8", "Server(s) unavailable to complete operation", OUTAGE, "code: imap/imap_err.et"),
    ("Cyrus imapd 3.8", "Login incorrect", REFUSED, "code: imap/imap_err.et"),
    ("Courier IMAP", "Login failed.", REFUSED, "code: imap/imaplogin.c"),
    (
        "Courier IMAP",
        "Error in authentication, please try again later.",
        OUTAGE,
        "docs: courier-imap FAQ, authdaemon down",
    ),
    ("UW-IMAP 2007f", "LOGIN failed", REFUSED, "code: src/imapd/imapd.c"),
    ("UW-IMAP 2007f", "Invalid login credentials", REFUSED, "code: src/imapd/imapd.c"),
    ("UW-IMAP 2007f", "Invalid authentication credentials", REFUSED, "code: src/imapd/imapd.c"),
    ("UW-IMAP 2007f", "AUTHENTICATE PLAIN failed", REFUSED, "code: src/imapd/imapd.c"),
    ("Exchange, Office 365", "LOGIN failed.", REFUSED, "jstedfast/MailKit#483"),
    ("Exchange, Office 365", "AUTHENTICATE failed.", REFUSED, "jstedfast/MailKit#483"),
    ("Exchange", "Server Unavailable. 15", OUTAGE, "docs: Exchange IMAP4, error 15"),
    (
        "Office 365",
        "User is authenticated but not connected.",
        OUTAGE,
        "client: FairEmail ConnectionHelper.java",
    ),
    ("Gmail", "Invalid credentials (Failure)", REFUSED, "mscdex/node-imap#826"),
    (
        "Gmail",
        "Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)",
        REFUSED,
        "barbushin/php-imap#87",
    ),
    (
        "Gmail",
        "Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)",
        LOCKED,
        "LukeSmithxyz/mutt-wizard#831",
    ),
    ("Gmail", "Web login required.", LOCKED, "MailCore/mailcore2#876"),
    (
        "Gmail",
        "Your account is not enabled for IMAP use. Please visit your Gmail settings page and enable your account for \
         IMAP access.",
        DISABLED,
        "docs: Gmail help, IMAP access",
    ),
    (
        "Gmail",
        "Too many simultaneous connections. (Failure)",
        OUTAGE,
        "client: FairEmail ConnectionHelper.java",
    ),
    ("Gmail", "System Error (Failure)", OUTAGE, "mailpile/Mailpile#2242"),
    ("Gmail", "Account exceeded command or bandwidth limits.", OUTAGE, "docs: Gmail help, bandwidth limits"),
    ("Zimbra 8, 9", "LOGIN failed", REFUSED, "code: imap/ImapHandler.java"),
    (
        "Zimbra 8, 9",
        "AUTHENTICATE failed: authentication failed for [%NAME%]",
        REFUSED,
        "code: AccountServiceException.java",
    ),
    (
        "Zimbra 8, 9",
        "account undergoing maintenance; please try again later",
        OUTAGE,
        "code: imap/ImapHandler.java",
    ),
    (
        "Zimbra 8, 9",
        "password must be changed before IMAP login permitted",
        EXPIRED,
        "code: imap/ImapHandler.java",
    ),
    ("Zimbra 8, 9", "account does not have IMAP access enabled", DISABLED, "code: imap/ImapHandler.java"),
    ("Zimbra 8, 9", "LOGIN failed (wrong host)", OUTAGE, "code: imap/ImapHandler.java"),
    ("Zimbra 8, 9", "cleartext logins disabled", OUTAGE, "code: imap/ImapHandler.java"),
    ("hMailServer 5.6", "Invalid user name or password.", REFUSED, "code: IMAPCommandLogin.cpp"),
    (
        "hMailServer 5.6",
        "Invalid user name or password. Please use full email address as user name.",
        REFUSED,
        "code: IMAPCommandLogin.cpp",
    ),
    ("hMailServer 5.6", "Too many invalid logon attempts.", OUTAGE, "code: IMAPCommandLogin.cpp"),
    ("hMailServer 5.6", "IMAP AUTHENTICATE is not enabled.", UNKNOWN, "code: IMAPCommandAuthenticate.cpp"),
    ("Apache James", "LOGIN failed. Invalid credentials.", REFUSED, "code: HumanReadableText.java"),
    ("Apache James", "AUTHENTICATE failed. Authentication failed.", REFUSED, "code: HumanReadableText.java"),
    ("Apache James", "LOGIN processing failed.", OUTAGE, "code: HumanReadableText.java, GENERIC_FAILURE"),
    (
        "Apache James",
        "LOGIN failed. Plain login / authentication are disabled.",
        OUTAGE,
        "code: HumanReadableText.java",
    ),
    ("Stalwart", "Authentication failed", REFUSED, "code: crates/trc/src/event/enums_impl.rs"),
    ("Stalwart", "Too many authentication attempts", OUTAGE, "code: crates/trc/src/event/enums_impl.rs"),
    ("Maddy", "Invalid credentials", REFUSED, "code: internal/auth/sasl.go"),
    ("Archiveopteryx", "LOGIN failed for '%NAME%'", REFUSED, "code: imap/handlers/login.cpp"),
    (
        "GreenMail",
        "LOGIN failed. Invalid login/password for user id %NAME%",
        REFUSED,
        "code: LoginCommand.java",
    ),
    ("DavMail", "LOGIN Kerberos authentication failed", REFUSED, "code: ImapConnection.java"),
    ("nginx mail proxy", "internal server error", OUTAGE, "code: src/mail/ngx_mail_imap_module.c"),
    ("Yahoo, AOL", "LOGIN Invalid credentials", REFUSED, "Enough-Software/enough_mail#245"),
    ("Yahoo", "(#MBR1212) Incorrect username or password.", REFUSED, "RainLoop/rainloop-webmail#1354"),
    ("Yahoo", "LOGIN Server error - Please try again later", OUTAGE, "client: FairEmail Core.java"),
    ("iCloud", "Unexpected exception", OUTAGE, "client: FairEmail Core.java"),
    (
        "Yandex",
        "LOGIN Invalid credentials or IMAP is disabled sc=ebI8JB0ug4Y1_290737_53p",
        REFUSED,
        "Foundry376/Mailspring#904",
    ),
    (
        "Arcor, TalkTalk",
        "Account is temporarily unavailable.",
        OUTAGE,
        "client: FairEmail ConnectionHelper.java",
    ),
    (
        "QQ Mail",
        "Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, or \
         system is busy.",
        OUTAGE,
        "docs: QQ Mail help (both at once, so in doubt)",
    ),
    ("MDaemon, generic", "LOGIN Failed - Invalid username or password.", REFUSED, "jstedfast/MailKit#608"),
    ("au.com", "Internal server error", OUTAGE, "kazu-yamamoto/Mew#220 (for wrong passwords: refusal_texts)"),
    ("generic proxy", "LOGIN failed: backend server is down", OUTAGE, "review of this project"),
    // A locked account is no outage, whatever the words promise for later.
    ("generic", "Account locked due to too many failed logins", LOCKED, "review of this project"),
    ("generic", "Login failed: too many invalid passwords, account locked", LOCKED, "review of this project"),
    ("generic", "Too many failed login attempts, invalid password", LOCKED, "review of this project"),
    (
        "generic",
        "Your account is temporarily locked, please try again in 15 minutes",
        LOCKED,
        "review of this project",
    ),
    ("generic", "Too many failed logins, try again later", LOCKED, "review of this project"),
    (
        "generic",
        "Too many failed logins from your IP address, try again later",
        OUTAGE,
        "review of this project",
    ),
    ("generic", "Too many failed logins: server busy", OUTAGE, "review of this project"),
    ("generic", "Account locked by another process", OUTAGE, "review of this project"),
    ("generic", "Authentication failed, please wait 30 seconds", OUTAGE, "review of this project"),
];

const FTP: &[Row] = &[
    ("vsftpd 3.0.3", "Login incorrect.", REFUSED, "rig: vsftpd"),
    ("vsftpd 3.0.3", "Permission denied.", REFUSED, "rig: vsftpd with userlist_enable"),
    ("vsftpd 3.0.3", "Non-anonymous sessions must use encryption.", OUTAGE, "rig: vsftpd"),
    ("vsftpd 3.0.3", "This FTP server is anonymous only.", OUTAGE, "code: prelogin.c"),
    ("vsftpd 3.0.3", "There are too many connected users, please try later.", OUTAGE, "code: prelogin.c"),
    (
        "vsftpd 3.0.3",
        "There are too many connections from your internet address.",
        OUTAGE,
        "code: prelogin.c",
    ),
    ("vsftpd 3.0.3", "Service not available.", OUTAGE, "code: prelogin.c"),
    ("vsftpd 3.0.3", "OOPS: cannot change directory:/home/%NAME%", DISABLED, "code: secutil.c"),
    (
        "vsftpd 3.0.3",
        "OOPS: vsftpd: refusing to run with writable root inside chroot()",
        UNKNOWN,
        "code: secutil.c",
    ),
    ("ProFTPD 1.3.8", "Login incorrect.", REFUSED, "rig: proftpd"),
    (
        "ProFTPD 1.3.8",
        "Sorry, the maximum number of clients (10) from your host are already connected.",
        OUTAGE,
        "code: modules/mod_auth.c MaxClientsPerHost",
    ),
    (
        "ProFTPD 1.3.8",
        "Sorry, the maximum number of allowed clients (10) are already connected.",
        OUTAGE,
        "code: modules/mod_auth.c MaxClients",
    ),
    (
        "ProFTPD 1.3.8",
        "Sorry, the maximum number of hosts (2) for this user are already connected.",
        OUTAGE,
        "code: modules/mod_auth.c MaxHostsPerUser",
    ),
    ("ProFTPD 1.3.8", "SSL/TLS required on the control channel", OUTAGE, "rig: proftpd with TLSRequired"),
    ("ProFTPD 1.3.8", "FTP server shutting down - maintenance", OUTAGE, "code: src/main.c"),
    ("ProFTPD 1.3.8", "Please login with USER and PASS", OUTAGE, "code: modules/mod_auth.c"),
    ("Pure-FTPd 1.0.50", "Login authentication failed", REFUSED, "rig: pure-ftpd"),
    (
        "Pure-FTPd 1.0.50",
        "Sorry, cleartext sessions and weak ciphers are not accepted on this server.",
        OUTAGE,
        "rig: pure-ftpd with --tls=2",
    ),
    (
        "Pure-FTPd 1.0.50",
        "50 users (the maximum) are already logged in, sorry",
        OUTAGE,
        "code: src/messages_en.h",
    ),
    ("Pure-FTPd 1.0.50", "Too many authentication failures", OUTAGE, "code: src/messages_en.h"),
    ("pyftpdlib 2", "Authentication failed.", REFUSED, "rig: pyftpdlib"),
    ("wu-ftpd 2.6", "User %NAME% access denied.", REFUSED, "docs: wu-ftpd; seen in many descendants"),
    ("wu-ftpd 2.6", "Login incorrect.", REFUSED, "docs: wu-ftpd"),
    ("IIS 7 to 10", "User cannot log in.", REFUSED, "docs: IIS FTP; forum threads"),
    (
        "IIS 7 to 10",
        "User cannot log in, home directory inaccessible.",
        DISABLED,
        "docs: IIS FTP; forum threads",
    ),
    ("IIS 7 to 10", "Valid hostname is expected.", OUTAGE, "docs: IIS FTP virtual host names"),
    ("IIS 7 to 10", "Policy requires SSL.", OUTAGE, "docs: IIS FTP over SSL"),
    (
        "FileZilla Server 0.9",
        "Login or password incorrect!",
        REFUSED,
        "session logs, FileZilla Server 0.9.41",
    ),
    ("FileZilla Server 1", "Login incorrect.", REFUSED, "docs: FileZilla Server 1"),
    ("Serv-U", "Not logged in.", REFUSED, "docs: Serv-U response codes"),
    (
        "Serv-U",
        "PASSWORD EXPIRED - please change password before proceeding.",
        EXPIRED,
        "docs: Serv-U response codes",
    ),
    ("Serv-U", "Sorry, no ANONYMOUS access allowed.", UNKNOWN, "docs: Serv-U response codes"),
    ("Apache FtpServer", "Authentication failed.", REFUSED, "code: FtpStatus.properties"),
    ("Apache FtpServer", "Invalid user name.", REFUSED, "code: FtpStatus.properties"),
    ("Apache FtpServer", "Maximum login limit has been reached.", OUTAGE, "code: FtpStatus.properties"),
    ("Apache FtpServer", "Maximum server connection has been reached.", OUTAGE, "code: FtpStatus.properties"),
    ("Apache FtpServer", "No server access from the IP 192.0.2.7.", OUTAGE, "code: FtpStatus.properties"),
    ("SFTPGo", "Authentication error: invalid credentials", REFUSED, "code: ftpserverlib handle_auth.go"),
    (
        "SFTPGo",
        "Authentication error: too many open sessions: 3/2",
        OUTAGE,
        "code: internal/common/common.go",
    ),
    (
        "SFTPGo",
        "Authentication error: dial tcp 10.0.0.1:5432: connect: connection refused",
        OUTAGE,
        "code: ftpserverlib",
    ),
    ("SFTPGo", "Unexpected exception (driver is nil)", OUTAGE, "code: ftpserverlib handle_auth.go"),
    ("RFC 959", "Not logged in.", REFUSED, "RFC 959 section 4.2.1"),
];

/// What servers reply to AUTH, after 535 unless the text has a code.
const SMTP: &[Row] = &[
    (
        "Postfix 3.5, Dovecot SASL",
        "Error: authentication failed:",
        UNKNOWN,
        "code: src/smtpd/smtpd_sasl_glue.c (its code decides)",
    ),
    (
        "Postfix 3.7",
        "Error: authentication failed: (reason unavailable)",
        UNKNOWN,
        "live: Postfix with Dovecot SASL (its code decides)",
    ),
    (
        "Postfix, LOGIN",
        "Error: authentication failed: UGFzc3dvcmQ6",
        UNKNOWN,
        "code: src/smtpd/smtpd_sasl_glue.c (its code decides)",
    ),
    (
        "Postfix, Cyrus SASL",
        "Error: authentication failed: generic failure",
        OUTAGE,
        "docs: SASL_README, saslauthd is down",
    ),
    (
        "Postfix 3.10",
        "Temporary authentication failure: Connection lost to authentication server",
        OUTAGE,
        "code: src/xsasl/xsasl_dovecot_server.c",
    ),
    ("Dovecot submission", "Authentication failed.", REFUSED, "code: src/submission-login"),
    ("Dovecot submission", "Temporary authentication failure.", OUTAGE, "code: src/submission-login"),
    ("Exim 4", "Incorrect authentication data", UNKNOWN, "code: src/smtp_in.c (its code decides)"),
    ("Exim 4", "Unable to authenticate at present", UNKNOWN, "code: src/smtp_in.c, after 435"),
    ("OpenSMTPD 7", "Authentication failed", REFUSED, "code: smtp_session.c"),
    ("OpenSMTPD 7", "Temporary failure", OUTAGE, "code: smtp_session.c, after 421"),
    ("Sendmail 8", "authentication failed", REFUSED, "code: sendmail/srvrsmtp.c"),
    ("qmail", "authorization failed (#5.7.0)", UNKNOWN, "code: qmail-smtpd auth patch (its code decides)"),
    (
        "hMailServer 5.6",
        "Authentication failed. Restarting authentication process.",
        REFUSED,
        "code: SMTPConnection.cpp",
    ),
    (
        "hMailServer 5.6",
        "Authentication failed. Too many invalid logon attempts.",
        OUTAGE,
        "code: SMTPConnection.cpp",
    ),
    ("Exchange", "Authentication unsuccessful", UNKNOWN, "docs: Exchange, 535 5.7.3 (its code decides)"),
    (
        "Office 365",
        "Authentication unsuccessful, the user credentials were incorrect.",
        UNKNOWN,
        "docs: Exchange Online, 535 5.7.139 (its code decides)",
    ),
    (
        "Office 365",
        "Authentication unsuccessful, basic authentication is disabled.",
        OUTAGE,
        "docs: Exchange Online, 535 5.7.139",
    ),
    (
        "Office 365",
        "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
        OUTAGE,
        "docs: Exchange Online, 535 5.7.139",
    ),
    (
        "Office 365",
        "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
        DISABLED,
        "docs: Exchange Online, 535 5.7.139",
    ),
    (
        "Gmail",
        "Username and Password not accepted. For more information, go to https://support.google.com/mail/?p=BadCredentials",
        REFUSED,
        "docs: Gmail SMTP errors, 535 5.7.8",
    ),
    (
        "Gmail",
        "Application-specific password required. For more information, go to https://support.google.com/mail/?p=InvalidSecondFactor",
        REFUSED,
        "docs: Gmail SMTP errors, 534 5.7.9",
    ),
    (
        "Gmail",
        "Please log in with your web browser and then try again.",
        LOCKED,
        "docs: Gmail SMTP errors, 534 5.7.9",
    ),
    (
        "Gmail",
        "Too many login attempts, please try again later.",
        OUTAGE,
        "docs: Gmail SMTP errors, 454 4.7.0",
    ),
    ("Yahoo", "(#AUTH005) Too many bad auth attempts.", OUTAGE, "forum threads, 535 5.7.0"),
    (
        "QQ Mail",
        "Login Fail. Please enter your authorization code to login.",
        REFUSED,
        "docs: QQ Mail help, 535",
    ),
    ("163.com", "User has no permission", DISABLED, "docs: NetEase help, 550"),
    ("Fastmail", "Incorrect username or password. Use an app password", REFUSED, "docs: Fastmail, 535 5.7.8"),
    ("Apache James", "Authentication Failed", REFUSED, "code: protocols/smtp AuthCmdHandler.java"),
    ("Stalwart", "Authentication credentials invalid.", REFUSED, "code: crates/smtp/src/inbound/auth.rs"),
    ("Maddy", "Invalid credentials", REFUSED, "code: internal/auth/sasl.go"),
    ("Amazon SES", "Authentication Credentials Invalid", REFUSED, "docs: Amazon SES, 535"),
    ("SendGrid", "Authentication failed: Bad username / password", REFUSED, "docs: SendGrid, 535"),
];

fn class(reply: &str, name: &str) -> ReplyClass {
    wordings::class(reply.as_bytes(), name).0
}

#[test]
fn words_of_real_servers_have_their_meaning() {
    assert!(IMAP.len() + FTP.len() >= 60, "{}", IMAP.len() + FTP.len());
    for (server, words, expected, source) in IMAP.iter().chain(FTP).chain(SMTP) {
        let words = words.replace("%NAME%", NAME);
        for reply in [words.clone(), words.to_uppercase()] {
            let class = class(&reply, NAME);
            assert_eq!(class, *expected, "{server}: {reply} ({source})");
        }
        assert!(!source.is_empty() && !server.is_empty());
    }
}

#[test]
fn no_name_hides_or_makes_an_outage() {
    // What someone typed as a name says nothing about the server.
    for name in ["server unavailable", "generic failure", "maintenance@example.com", "busy", "database"] {
        assert_eq!(class(&format!("no such user: {name}"), name), UNKNOWN_USER, "{name}");
        assert_eq!(class(&format!("LOGIN failed for {name}"), name), REFUSED, "{name}");
        // The local part alone.
        if let Some((local, _)) = name.split_once('@') {
            assert_eq!(class(&format!("LOGIN failed for {local}"), name), REFUSED, "{name}");
        }
    }
    // Nor does it make a refusal of an outage.
    for name in ["login incorrect", "invalid password", "no such user"] {
        assert_eq!(class(&format!("temporary failure for {name}"), name), OUTAGE, "{name}");
    }
    // Names that are words of a refusal.
    for name in ["login", "password", "incorrect", "user", "failed", "authentication"] {
        assert_eq!(class("Login incorrect.", name), REFUSED, "{name}");
        assert_eq!(class("Invalid user name or password.", name), REFUSED, "{name}");
        assert_eq!(class("Authentication failed.", name), REFUSED, "{name}");
    }
}

#[test]
fn general_refusal_with_an_unlisted_reason_is_not_recognised() {
    for reply in [
        "LOGIN failed: shard 7 is gone",
        "Login failed: 5",
        "Authentication failed because of the moon",
        "Access denied until Monday",
        "Login failed. Bye from node 3",
        "failed",
        "sorry",
        "",
        "no",
    ] {
        assert_eq!(class(reply, NAME), UNKNOWN, "{reply}");
    }
}

#[test]
fn operators_texts_come_before_the_lists() {
    let taught = RefusalTexts::parse(["Internal server error"]).unwrap();
    let judged = |text: &str| {
        let mut reply = ReplyText::default();
        reply.add(text.as_bytes());
        let words = reply.judge(&taught, Sent { name: NAME, password: "Wonderland-1" });
        (words.class, words.is_taught)
    };
    assert_eq!(judged("Internal server error"), (REFUSED, true));
    assert_eq!(judged("Internal server error 17"), (OUTAGE, false));
    assert_eq!(judged("Login incorrect."), (REFUSED, false));
}

#[test]
fn phrases_stand_as_they_are_compared() {
    let mut seen = std::collections::HashSet::new();
    for phrase in wordings::lists() {
        assert!(wordings::is_normal(phrase), "{phrase:?}");
        assert!(seen.insert(phrase), "{phrase:?} stands there twice");
    }
}

#[test]
fn reply_text_is_bounded_and_hidden_in_debug() {
    let sent = Sent { name: NAME, password: "Wonderland-1" };
    let mut reply = ReplyText::default();
    reply.add(b"Sorry,");
    reply.add(b"no entry");
    assert_eq!(format!("{reply:?}"), "ReplyText(…)");
    let words = reply.judge(&RefusalTexts::default(), sent);
    assert_eq!((words.class, words.text.as_str()), (UNKNOWN, "Sorry, no entry"));
    assert!(reply.is_empty());
    for _ in 0..100 {
        reply.add(&[b'x'; 100]);
    }
    assert!(reply.raw.len() <= MAX_REPLY);
    let words = reply.judge(&RefusalTexts::default(), sent);
    assert_eq!((words.class, words.text), (UNKNOWN, ServerText::withheld()));
    // The limit of a protocol, which stays after a reply.
    let mut page = ReplyText::with_limit(MAX_REPLY + 10);
    for _ in 0..2 {
        assert!(page.append(&[b' '; MAX_REPLY]) && page.append(b"no"));
        assert_eq!(page.raw.len(), MAX_REPLY + 2);
        assert_eq!(page.judge(&RefusalTexts::default(), sent).text.as_str(), "no");
    }
    assert!(page.append(&[b'x'; MAX_REPLY]) && !page.append(&[b'x'; 11]) && !page.append(b"x"));
    assert_eq!(page.judge(&RefusalTexts::default(), sent).text, ServerText::withheld());
}

/// Texts of outages that read like a refusal, from attackers or unlucky servers.
#[test]
fn refusal_like_outages_are_not_refusals() {
    for reply in [
        "LOGIN failed: shard 7 is gone",
        "Authentication failed because the directory did not answer",
        "Access denied (policy daemon: EOF)",
        "Invalid credentials (internal error 12)",
        "Login incorrect, or the server is overloaded",
        "Invalid password hash for node 3",
        "Bad user session, moving to node 4",
        "Invalid user table",
        "Wrong password store mounted",
        "No such user database",
        "Unknown user store state",
        "Permission denied: /var/mail",
        "Not logged in yet, the queue is long",
        "L\u{43e}gin incorrect",
        "<b>Login</b><i>x</i>incorrect",
    ] {
        assert_ne!(class(reply, NAME), REFUSED, "{reply}");
        assert!(!matches!(class(reply, NAME), ReplyClass::Refusal(_)), "{reply}");
    }
    // With a name that completes a phrase.
    for (reply, name) in
        [("The flux is gone for login incorrect", "login incorrect"), ("Try no such user", "no such user")]
    {
        assert_eq!(class(reply, name), UNKNOWN, "{reply}");
    }
    // A reply that is too long to be looked through.
    let mut reply = ReplyText::default();
    reply.add(b"Login incorrect.");
    reply.add(&[b' '; 4096]);
    let words = reply.judge(&RefusalTexts::default(), Sent { name: NAME, password: "Wonderland-1" });
    assert_eq!(words.class, UNKNOWN);
}

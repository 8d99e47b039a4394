//! `mail:test`, and the message where no mail can be sent.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use crate::people::json;
use crate::{OccFixture, closed_port};

/// A one-connection mail server with this RCPT reply; returns what it received.
fn mail_server(rcpt: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = String::new();
        let mut is_data = false;
        stream.write_all(b"220 here\r\n").unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            seen += &format!("{line}\n");
            let reply = match line.split([' ', ':']).next().unwrap_or_default() {
                _ if is_data && line != "." => continue,
                "." => "250 taken",
                "RCPT" => rcpt,
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 fine",
            };
            is_data = line == "DATA";
            stream.write_all(format!("{reply}\r\n").as_bytes()).unwrap();
        }
        seen
    });
    (port, served)
}

#[test]
fn test_mail_is_sent_and_the_reply_shown() {
    let occ = OccFixture::with_store();
    let (port, served) = mail_server("250 fine");
    occ.set_mail(port);
    let output = occ.run(&["mail:test", "admin@example.com"]);
    assert_eq!(
        (output.code, output.out.as_str()),
        (0, format!("127.0.0.1:{port} took the mail to admin@example.com: it is on its way\n").as_str()),
        "{output:?}"
    );
    let seen = served.join().unwrap();
    assert!(
        seen.contains("RCPT TO:<admin@example.com>") && seen.contains("Subject: Test mail from"),
        "{seen}"
    );
    assert!(!occ.has_store(), "nothing is written");
}

#[test]
fn refused_test_mail_is_1_and_an_outage_is_3() {
    let occ = OccFixture::with_store();
    let (port, served) = mail_server("550 no such user");
    occ.set_mail(port);
    let output = occ.run(&["mail:test", "ghost@example.com"]);
    assert!(output.fails(1).starts_with("Failed to send email: 127.0.0.1:"), "{output:?}");
    assert!(
        output.out.contains("refused the mail to ghost@example.com") && output.out.contains("550"),
        "{output:?}"
    );
    drop(served.join());
    let occ = OccFixture::with_store();
    occ.set_mail(closed_port());
    let output = occ.run(&["mail:test", "ghost@example.com"]);
    assert!(output.fails(3).contains("cannot take a mail now"), "{output:?}");
    assert!(occ.run(&["mail:test", "no-address"]).fails(1).contains("mail address"));
}

#[test]
fn without_a_mail_server_no_mail_waits() {
    let occ = OccFixture::with_people();
    for words in [
        &["user:welcome", "alice"][..],
        &["user:resetpassword", "alice", "--send-email"],
        &["user:add", "bob", "--generate-password", "--email", "bob@example.com"],
        &["mail:test", "alice@example.com"],
    ] {
        let output = occ.run(words);
        assert_eq!(
            output.fails(1),
            "Failed to send email: no mail server is set up; the section [mail] of the configuration names it\n"
        );
    }
    let accounts = occ.accounts();
    assert_eq!(occ.block_on(accounts.outbox().waiting()).unwrap(), 0);
    assert_eq!(occ.run(&["user:info", "bob"]).code, 1, "no one could sign in as bob");
    occ.set_mail(25);
    let add = ["user:add", "bob", "--generate-password", "--email", "bob@example.com"];
    assert!(occ.run(&add).out.ends_with("Welcome email to bob@example.com is waiting to be sent\n"));
    assert_eq!(json(&occ.run(&["user:info", "bob", "--output=json"]))["email"], "bob@example.com");
}

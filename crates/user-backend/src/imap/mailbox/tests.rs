use proptest::prelude::*;

use super::*;

/// `host port tls certificate`, or the word that distinguishes the refusal from others.
const TABLE: &[(&str, Result<&str, &str>)] = &[
    // Services.
    ("{mail}", Ok("mail - unset")),
    ("{mail/imap}", Ok("mail - unset")),
    ("{mail/imap2}", Ok("mail - unset")),
    ("{mail/imap2bis}", Ok("mail - unset")),
    ("{mail/imap4}", Ok("mail - unset")),
    ("{mail/imap4rev1}", Ok("mail - unset")),
    ("{mail/service=imap}", Ok("mail - unset")),
    ("{mail/service=IMAP/ssl}", Ok("mail - implicit")),
    ("{mail/service=\"imap\"}", Ok("mail - unset")),
    ("{mail/service=pop3}", Err("only IMAP")),
    ("{mail/service}", Err("only IMAP")),
    ("{mail/pop3}", Err("only IMAP")),
    ("{mail/pop}", Err("only IMAP")),
    ("{mail:119/nntp}", Err("only IMAP")),
    ("{mail/smtp}", Err("only IMAP")),
    ("{mail/submit}", Err("only IMAP")),
    ("{mail/imap/imap}", Err("one service")),
    ("{mail/imap/service=imap}", Err("one service")),
    ("{mail/imap=1}", Err("/validate-cert")),
    // Encryption.
    ("{imap.gmail.com:993/imap/ssl}", Ok("imap.gmail.com 993 implicit")),
    ("{imap.gmail.com:993/imap/ssl}INBOX", Ok("imap.gmail.com 993 implicit")),
    ("{mail/SSL}", Ok("mail - implicit")),
    ("{mail/ssl/ssl}", Ok("mail - implicit")),
    ("{mail/ssl/notls}", Ok("mail - implicit")),
    ("{mail/notls/ssl}", Ok("mail - implicit")),
    ("{mail/tls}", Ok("mail - explicit")),
    ("{mail/TLS}", Ok("mail - explicit")),
    ("{mail/tls-sslv23}", Ok("mail - explicit")),
    ("{mail/notls}", Ok("mail - never")),
    ("{mail/ssl/tls}", Err("one of /ssl")),
    ("{mail/tls/ssl}", Err("one of /ssl")),
    ("{mail/tls/notls}", Err("one of /ssl")),
    ("{mail/notls/tls}", Err("one of /ssl")),
    ("{mail/tryssl}", Err("/tryssl goes on")),
    ("{mail/ssl/novalidate-cert}", Ok("mail - implicit any")),
    ("{localhost:993/imap/ssl/novalidate-cert}", Ok("localhost 993 implicit any")),
    ("{dovecot:143/imap/tls/novalidate-cert}", Ok("dovecot 143 explicit any")),
    ("{mail/ssl/validate-cert}", Ok("mail - implicit")),
    ("{mail/validate-cert/novalidate-cert}", Err("either /validate-cert")),
    ("{mail/novalidate-cert/validate-cert}", Err("either /validate-cert")),
    // Flags that would let users in without their password.
    ("{mail/user=alice}", Err("one fixed account")),
    ("{mail/user=\"al}ice\"}", Err("one fixed account")),
    ("{mail/user=\"al\\\"ice\"/ssl}", Err("one fixed account")),
    ("{mail/USER=alice}", Err("one fixed account")),
    ("{mail/authuser=admin}", Err("one fixed account")),
    ("{mail/user}", Err("one fixed account")),
    ("{mail/anonymous}", Err("anyone would pass")),
    ("{mail/secure}", Err("/secure forbids")),
    // Flags that ask for nothing here.
    ("{mail/imap/readonly/ssl}", Ok("mail - implicit")),
    ("{mail/norsh/ssl}", Ok("mail - implicit")),
    ("{mail/debug/ssl}", Ok("mail - implicit")),
    ("{mail/loser/ssl}", Ok("mail - implicit")),
    // Hosts and ports.
    ("{Mail.Example.COM/ssl}", Ok("mail.example.com - implicit")),
    ("{10.0.0.1:143/tls}", Ok("10.0.0.1 143 explicit")),
    ("{[::1]:993/ssl}", Ok("::1 993 implicit")),
    ("{[127.0.0.1]:993/ssl}", Ok("127.0.0.1 993 implicit")),
    ("{mail/imap/ssl:993}", Ok("mail 993 implicit")),
    ("{mail/imap:993/ssl}", Ok("mail 993 implicit")),
    ("{::1:143}", Err("two ports|mailbox string|between 1 and 65535")),
    ("{[::1:993/ssl}", Err("close it")),
    ("{[mail]:993/ssl}", Err("in brackets")),
    ("{mail:0}", Err("between 1 and 65535")),
    ("{mail:65535}", Ok("mail 65535 unset")),
    ("{mail:65536}", Err("between 1 and 65535")),
    ("{mail:79679}", Err("between 1 and 65535")),
    ("{mail:+143}", Err("between 1 and 65535")),
    ("{mail:99x}", Err("between 1 and 65535")),
    ("{mail:}", Err("between 1 and 65535")),
    ("{mail: 143}", Err("no blanks")),
    ("{mail:143:993}", Err("two ports")),
    ("{-oProxyCommand=sh/ssl}", Err("neither a name")),
    ("{mail;id/ssl}", Err("neither a name")),
    ("{user@mail/ssl}", Err("user name in it")),
    // Shape.
    ("", Err("begins with {")),
    ("{", Err("close it")),
    ("{}", Err("neither a name")),
    ("{/ssl}", Err("neither a name")),
    ("mail:993/ssl", Err("begins with {")),
    ("{mail/ssl", Err("ends with }")),
    ("{mail:993", Err("ends with }")),
    ("{mail/}", Err("a name behind every /")),
    ("{mail//ssl}", Err("a name behind every /")),
    ("{mail/ssl/}", Err("a name behind every /")),
    ("{mail /ssl}", Err("no blanks")),
    ("{mail/ssl }", Err("no blanks")),
    ("{mail/ssl}IN BOX", Err("no blanks")),
    ("{mail/rsh}", Err("/validate-cert")),
    ("{mail/ssl=1}", Err("/validate-cert")),
    ("{mail/user=\"open}", Err("ends with }")),
    ("{{mail}}", Err("one pair of braces")),
    ("{mail/ssl}{other}", Err("one pair of braces")),
    ("{mail/ssl}\0", Err("no blanks")),
];

fn shown(mailbox: &Mailbox) -> String {
    let port = mailbox.port.map_or_else(|| "-".to_owned(), |port| port.to_string());
    let tls = format!("{:?}", mailbox.tls).to_lowercase();
    format!("{} {port} {tls}{}", mailbox.host, if mailbox.any_certificate { " any" } else { "" })
}

#[test]
fn t13_mailbox_strings_mean_what_the_table_says() {
    for (text, expected) in TABLE {
        match (parse(text), expected) {
            (Ok(mailbox), Ok(meaning)) => assert_eq!(shown(&mailbox), *meaning, "{text}"),
            (Err(problem), Err(words)) => {
                let message = format!("{} {} {}", problem.found, problem.expected, problem.hints.join(" "));
                assert!(words.split('|').any(|word| message.contains(word)), "{text}: {message}");
            }
            (answer, _) => panic!("{text}: {answer:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn part_of_mailbox_string_without_effect_is_named() {
    for (text, words) in [
        ("{mail/ssl/readonly}", &["/readonly"][..]),
        ("{mail/ssl/DEBUG/norsh/loser}INBOX", &["/debug", "/norsh", "/loser"]),
        ("{mail/ssl}Sent", &["the folder"]),
        ("{mail/imap4rev1/tls}", &[]),
        ("{mail:993/imap/ssl/validate-cert}inbox", &[]),
    ] {
        let parts = parse(text).unwrap().without_effect;
        assert_eq!(parts.len(), words.len(), "{text}: {parts:?}");
        assert!(parts.iter().zip(words).all(|(part, word)| part.contains(word)), "{text}: {parts:?}");
    }
}

#[test]
fn limits_of_c_client_hold() {
    assert!(parse(&format!("{{mail/ssl}}{}", "x".repeat(255))).is_ok());
    assert!(parse(&format!("{{mail/ssl}}{}", "x".repeat(256))).is_err());
    assert!(parse(&format!("{{mail/imap{}}}", "/ssl".repeat(300))).is_err());
}

#[test]
fn value_of_a_refused_flag_is_not_repeated() {
    for text in [
        "{mail/user=alice%Wonderland-1}",
        "{mail/authuser=\"Wonderland-1\"}",
        "{mail/x=Wonderland-1}",
        "{alice:Wonderland-1@mail/ssl}",
        "{imap://alice:Wonderland-1@mail/ssl}",
    ] {
        assert!(!format!("{:?}", parse(text)).contains("Wonderland"), "{text}");
    }
}

#[test]
fn way_to_encrypt_keeps_everything_else() {
    assert_eq!(encrypted("{mail:143/imap/NoTLS/readonly}INBOX"), "{mail:143/imap/tls/readonly}INBOX");
    // Found by fuzzing: it was advice that could not be followed.
    assert_eq!(encrypted("{mail/notls/NOTLS}a/notls"), "{mail/tls/tls}a/notls");
}

proptest! {
    #[test]
    fn t13_no_text_makes_the_reader_panic(text in "\\PC{0,80}", inner in "[a-z0-9:/=\"\\\\\\[\\]{} ]{0,60}") {
        let _ = parse(&text);
        let _ = parse(&format!("{{{inner}}}"));
        let _ = encrypted(&inner);
    }

    #[test]
    fn flags_may_come_in_any_letter_case_and_order(port in 1_u16.., upper: bool, first: bool) {
        let flags = if upper { "/IMAP/SSL" } else { "/imap/ssl" };
        let text = if first { format!("{{mail:{port}{flags}}}") } else { format!("{{mail{flags}:{port}}}") };
        let mailbox = parse(&text).unwrap();
        prop_assert_eq!((mailbox.port, mailbox.tls), (Some(port), MailboxTls::Implicit));
    }
}

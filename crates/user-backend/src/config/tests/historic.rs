//! Existing forms: the manual's examples, and both generations of PHP app arguments.

use super::*;
use crate::resolver::names::DomainRules;
use crate::transport::{ServerTrust, TlsMode};

#[test]
fn manuals_imap_example_loads_as_it_is_printed() {
    let config = php(
        r#"<?php "user_backends" => array ( 0 => array ( "class" => "OC_User_IMAP", "arguments" => array ( 0 => '{imap.gmail.com:993/imap/ssl}' ), ), ),"#,
    );
    assert_eq!(config.entries().len(), 1);
    assert_eq!(config.entries()[0].class(), "imap");
    assert_eq!(config.entries()[0].id().as_str(), "imap:imap.gmail.com");
    assert_eq!(reached(&config), "imap.gmail.com:993 implicit");
    assert_eq!(config.warnings(), []);
}

#[cfg(feature = "smb")]
#[test]
fn manuals_smb_example_loads_as_it_is_printed() {
    let config = php(
        r#"<?php "user_backends" => array ( 0 => array ( "class" => "OC_User_SMB", "arguments" => array ( 0 => 'localhost' ), ), ),"#,
    );
    assert_eq!(config.entries()[0].id().as_str(), "smb:localhost");
    assert_eq!(reached(&config), "localhost:445 none");
    assert_eq!(config.warnings(), []);
}

#[test]
fn manuals_ftp_example_loads_as_it_is_printed() {
    let config = php(
        r#"<?php "user_backends" => array ( 0 => array ( "class" => "OC_User_FTP", "arguments" => array ( 0 => 'localhost' ), ), ),"#,
    );
    assert_eq!(config.entries()[0].id().as_str(), "ftp:localhost");
    assert_eq!(reached(&config), "localhost:21 none");
    assert_eq!(config.warnings(), []);
}

#[test]
fn manuals_fragment_loads_however_it_is_pasted() {
    let array =
        "array (\n  0 => array ( 'class' => 'OC_User_FTP', 'arguments' => array ( 'localhost' ) ),\n)";
    for text in [
        format!("<?php\n\n\"user_backends\" => {array},\n"),
        format!("<?php \"user_backends\" => {array}"),
        format!("<?php \"user_backends\" => {array}, ?>\n"),
        format!("<?php 'user_backends' => {array}, // the end"),
        format!("  'user_backends' => {array},\n"),
        format!("<?php // from the manual\n'user_backends' => {array},\n'other' => 1,"),
        format!("<?php $CONFIG = array ( 'user_backends' => {array}, );"),
        format!(
            "<?php\n$CONFIG = [\n'dbtype' => 'mysql', 'user_backends' => {array},\n'x' => getenv('X')];\n?>\n"
        ),
        format!("<?php return ['user_backends' => {array}];"),
        format!("<?php\n$CONFIG = [];\n$CONFIG['user_backends'] = {array};\n"),
        format!(
            "<?php declare(strict_types=1); $CONFIG['a'] = 1; $CONFIG[\"user_backends\"] = {array}; return $CONFIG;"
        ),
    ] {
        assert_eq!(reached(&php(&text)), "localhost:21 none", "{text}");
    }
}

#[test]
fn error_in_a_pasted_fragment_names_the_line_of_the_paste() {
    let text =
        "<?php\n\"user_backends\" => array (\n  0 => array ( 'class' => 'OC_User_FTP',\n  'port' => 0 ) ),";
    let errors = Config::parse(text, Format::Php, "config.php").unwrap_err();
    let places: Vec<_> = errors.iter().map(|error| (error.line(), error.column(), error.path())).collect();
    assert_eq!(
        places,
        [
            (Some(3), Some(8), "user_backends[0].host".to_owned()),
            (Some(4), Some(13), "user_backends[0].port".to_owned())
        ]
    );
}

#[test]
fn every_spelling_of_a_class_loads() {
    for spelling in [
        "imap",
        "OC_User_IMAP",
        "\\\\OCA\\\\UserExternal\\\\IMAP",
        "oca\\userexternal\\imap",
        "OCA\\User_External\\IMAP",
    ] {
        let config = php_entry(&format!("'class' => '{spelling}', 'arguments' => ['mail', 993, 'ssl']"));
        assert_eq!(config.entries()[0].class(), "imap", "{spelling}");
    }
    let by_constant =
        php_entry("'class' => \\OCA\\UserExternal\\IMAP::class, 'arguments' => ['mail', 993, 'ssl']");
    assert_eq!(by_constant.entries()[0].class(), "imap");
}

#[test]
fn both_forms_of_imap_arguments_are_distinguished() {
    for (arguments, expected) in [
        ("['{mail.example.com}']", "mail.example.com:143 explicit"),
        ("['{mail.example.com/tls}INBOX']", "mail.example.com:143 explicit"),
        ("['{mail.example.com/ssl}']", "mail.example.com:993 implicit"),
        ("['{mail.example.com:1993/ssl}']", "mail.example.com:1993 implicit"),
        ("['{localhost/notls}']", "localhost:143 none"),
        ("['{[::1]:993/ssl}', '']", "[::1]:993 implicit"),
        ("['mail.example.com', 993, 'ssl']", "mail.example.com:993 implicit"),
        ("['mail.example.com', '993', 'ssl', null, false, false]", "mail.example.com:993 implicit"),
        ("['mail.example.com', null, 'ssl']", "mail.example.com:993 implicit"),
        ("['mail.example.com', null, 'tls']", "mail.example.com:143 explicit"),
        ("['127.0.0.1', 143, null, null, false, false]", "127.0.0.1:143 none"),
        ("['127.0.0.1']", "127.0.0.1:143 none"),
        ("[2 => 'ssl', 0 => 'mail.example.com', 1 => 993]", "mail.example.com:993 implicit"),
        ("['sslmode' => 'ssl', 'host' => 'mail.example.com']", "mail.example.com:993 implicit"),
        ("['mail.example.com', 'sslmode' => 'tls']", "mail.example.com:143 explicit"),
    ] {
        for class in ["OC_User_IMAP", "\\OCA\\UserExternal\\IMAP"] {
            let config = php_entry(&format!("'class' => '{class}', 'arguments' => {arguments}"));
            assert_eq!(reached(&config), expected, "{class} {arguments}");
        }
    }
}

#[test]
fn ftp_arguments_accept_host_port_and_php_booleans() {
    for (arguments, expected) in [
        ("['localhost']", "localhost:21 none"),
        ("['localhost', false]", "localhost:21 none"),
        ("['localhost:2121', 0]", "localhost:2121 none"),
        ("['localhost', '0']", "localhost:21 none"),
        ("['localhost', '']", "localhost:21 none"),
        ("['ftp.example.com', true]", "ftp.example.com:21 explicit"),
        ("['ftp.example.com:2121', 1]", "ftp.example.com:2121 explicit"),
        ("['[::1]:2121', 'true']", "[::1]:2121 explicit"),
        ("['ftp.example.com', '1']", "ftp.example.com:21 explicit"),
        ("['secure' => true, 'host' => 'ftp.example.com']", "ftp.example.com:21 explicit"),
    ] {
        let config = php_entry(&format!("'class' => '\\OCA\\UserExternal\\FTP', 'arguments' => {arguments}"));
        assert_eq!(reached(&config), expected, "{arguments}");
    }
}

#[test]
fn named_fields_add_what_arguments_leave_out() {
    for (entry, expected) in [
        (
            "'class' => 'OC_User_FTP', 'arguments' => ['ftp.example.com'], 'tls' => 'implicit'",
            "ftp.example.com:990 implicit",
        ),
        (
            "'class' => 'OC_User_FTP', 'arguments' => ['ftp.example.com', null], 'tls' => 'explicit', 'port' => 2121",
            "ftp.example.com:2121 explicit",
        ),
        ("'class' => 'OC_User_IMAP', 'arguments' => ['{mail/ssl}'], 'port' => 1993", "mail:1993 implicit"),
        (
            "'class' => 'OC_User_IMAP', 'arguments' => ['mail', 143, null], 'tls' => 'starttls'",
            "mail:143 explicit",
        ),
        (
            "'class' => 'OC_User_IMAP', 'arguments' => ['{mail:143}'], 'tls' => 'explicit'",
            "mail:143 explicit",
        ),
    ] {
        assert_eq!(reached(&php_entry(entry)), expected, "{entry}");
    }
}

#[test]
fn consent_makes_clear_text_possible_and_the_warnings_say_so() {
    for (entry, expected) in [
        ("'class' => 'OC_User_FTP', 'arguments' => ['ftp.example.com']", "ftp.example.com:21 none"),
        ("'class' => 'OC_User_IMAP', 'arguments' => ['mail', 143, null]", "mail:143 none"),
        ("'class' => 'OC_User_IMAP', 'arguments' => ['{mail/notls}']", "mail:143 none"),
        // Neither /tls nor /notls: STARTTLS is required, unless plaintext is allowed.
        ("'class' => 'OC_User_IMAP', 'arguments' => ['{mail}']", "mail:143 none"),
        ("'class' => 'imap', 'host' => 'mail', 'tls' => 'none'", "mail:143 none"),
    ] {
        let config = php_entry(&format!("{entry}, 'allow_plaintext' => true"));
        assert_eq!(reached(&config), expected, "{entry}");
        assert_eq!(config.warnings().len(), 1, "{entry}");
        assert!(config.warnings()[0].text().contains("in clear text"), "{:?}", config.warnings());
    }
}

#[test]
fn any_certificate_needs_the_flag_and_the_consent() {
    let entry = "'class' => 'OC_User_IMAP', 'arguments' => ['{localhost:993/imap/ssl/novalidate-cert}']";
    let config = php_entry(&format!("{entry}, 'danger_accept_any_certificate' => true"));
    assert_eq!(config.entries()[0].endpoint().unwrap().trust(), &ServerTrust::DangerAcceptAnyCertificate);
    assert_eq!(config.warnings()[0].setting(), "danger_accept_any_certificate");
    assert!(
        Config::parse(&format!("<?php return ['user_backends' => [[{entry}]]];"), Format::Php, "x").is_err()
    );
    // Without TLS there is no certificate to look at.
    let plain = php_entry("'class' => 'OC_User_IMAP', 'arguments' => ['{localhost/notls/novalidate-cert}']");
    assert_eq!(plain.entries()[0].endpoint().unwrap().tls(), TlsMode::None);
}

#[test]
fn domain_argument_adds_and_strips_as_in_the_php_app() {
    let rules = |entry: &str| php_entry(entry).entries()[0].names().domain().clone();
    let example = || DomainRules::for_domain("example.com").unwrap();
    for (arguments, expected) in [
        ("['mail', 993, 'ssl', 'example.com']", example().add_domain(true).strip_domain(true)),
        ("['mail', 993, 'ssl', 'Example.COM', true, false]", example().add_domain(true).strip_domain(true)),
        ("['mail', 993, 'ssl', 'example.com', false]", example().add_domain(true)),
        ("['mail', 993, 'ssl', 'example.com', 0, 1]", example().add_domain(true).group_by_domain(true)),
        ("['{mail/ssl}', 'example.com']", example().add_domain(true).strip_domain(true)),
        ("['{mail/ssl}', '']", DomainRules::none()),
        ("['mail', 993, 'ssl', '', true, true]", DomainRules::none().group_by_domain(true)),
        ("['mail', 993, 'ssl', null, false, false]", DomainRules::none()),
        // The app's domain-less group, and a null that PHP takes for false.
        ("['mail', 993, 'ssl', false, null, '1']", DomainRules::none().group_by_domain(true)),
        ("['mail', 993, 'ssl', 'example.com', null]", example().add_domain(true)),
        ("['mail', 993, 'ssl', 'example.com', null, null]", example().add_domain(true)),
        ("['mail', 993, 'ssl', 'example.com', '', '0']", example().add_domain(true)),
    ] {
        assert_eq!(
            rules(&format!("'class' => 'OC_User_IMAP', 'arguments' => {arguments}")),
            expected,
            "{arguments}"
        );
    }
    let named = rules(
        "'class' => 'imap', 'arguments' => ['mail', 993, 'ssl', 'example.com'], 'add_domain' => false, 'strip_domain' => false",
    );
    assert_eq!(named, example());
    assert_eq!(rules("'class' => 'imap', 'host' => 'mail', 'domain' => 'example.com'"), example());
}

#[test]
fn imap_arguments_have_the_names_of_the_php_app() {
    for (arguments, expected) in [
        (
            "['mailbox' => 'mail', 'port' => 993, 'sslmode' => 'ssl', 'domain' => 'example.com', 'stripeDomain' => false]",
            false,
        ),
        (
            "['host' => 'mail', 'port' => 993, 'sslmode' => 'ssl', 'domain' => 'example.com', 'stripDomain' => false]",
            false,
        ),
        ("['mail', 993, 'ssl', 'example.com', 'stripeDomain' => null]", false),
        ("['mail', 993, 'ssl', 'example.com', 'stripeDomain' => true, 'groupDomain' => false]", true),
    ] {
        let config = php_entry(&format!("'class' => 'OC_User_IMAP', 'arguments' => {arguments}"));
        assert_eq!(reached(&config), "mail:993 implicit", "{arguments}");
        assert_eq!(config.entries()[0].names().domain().stripped().is_some(), expected, "{arguments}");
    }
    for arguments in ["['mailbox' => '{mail/ssl}', 'domain' => 'example.com']", "['host' => '{mail/ssl}']"] {
        let config = php_entry(&format!("'class' => 'OC_User_IMAP', 'arguments' => {arguments}"));
        assert_eq!(reached(&config), "mail:993 implicit", "{arguments}");
    }
    let twice = "<?php return ['user_backends' => [['class' => 'imap', 'arguments' => ['host' => 'a', 'mailbox' => 'b', 'sslmode' => 'ssl']]]];";
    assert!(
        wrong(twice, Format::Php, "config.php").contains("arguments.mailbox"),
        "{}",
        wrong(twice, Format::Php, "config.php")
    );
}

#[test]
fn other_keys_of_a_config_php_are_neither_read_nor_kept() {
    let text = "<?php $CONFIG = ['dbpassword' => 'Wonderland-1', 'secret' => strrev('Wonderland-2'),
        'redis' => ['password' => 'Wonderland-3'], 'user_backends' => [['class' => 'ftp', 'host' => 'localhost']]];";
    assert!(!format!("{:?}", php(text)).contains("Wonderland"));
    let broken = text.replace("'localhost'", "'local host'");
    assert!(!wrong(&broken, Format::Php, "config.php").contains("Wonderland"));
}

#[test]
fn literals_of_every_kind_are_read() {
    let config = php_entry(
        "'class' => \"OC_User_\" . 'IMAP', \"arguments\" => array((\"{mail\\x2eexample.com\" . ':9' . '93/imap/ssl}')),
         'timeout' => \"12\\x73\", 'max_concurrent' => 0x1F, 'warm' => 0b11, 'canary' => FALSE, 'ca_file' => NULL,
         'deny_names' => [3 => 'a', 'b'], 'budget' => array('failures' => 1_000)",
    );
    let entry = &config.entries()[0];
    assert_eq!(reached(&config), "mail.example.com:993 implicit");
    assert_eq!(entry.endpoint().unwrap().timeout().as_secs(), 12);
    assert_eq!((entry.policy().max_concurrent, entry.policy().warm, entry.policy().canary), (31, 3, false));
    assert_eq!(entry.policy().budget.failures, 1000);
}

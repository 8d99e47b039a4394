//! Hostile peers as one table.
//!
//! Servers that follow a script, and the only outcomes that each may have.
//!
//! These hold in all rows: no panic or hang, the answer comes by the deadline (in the row's own
//! time), there is one login at most, no error contains the password or text of the server, and
//! nothing that is logged at any level holds the password in any form.

mod ftp;
mod http;
mod imap;
mod ldap;
mod mutations;
mod outage_words;
mod row;
mod run;
mod shapes;
mod smb;
mod smtp;
mod ssh;
mod tls;
mod xmpp;

#[test]
fn every_imap_script_has_one_of_its_outcomes() {
    run::run("scripted-imap", "scripts", &imap::rows());
}

#[test]
fn every_ftp_script_has_one_of_its_outcomes() {
    run::run("scripted-ftp", "scripts", &ftp::rows());
}

#[test]
fn every_http_script_has_one_of_its_outcomes() {
    run::run("scripted-http", "scripts", &http::rows());
}

#[test]
fn every_ldap_script_has_one_of_its_outcomes() {
    run::run("scripted-ldap", "scripts", &ldap::rows());
}

#[test]
fn every_smtp_script_has_one_of_its_outcomes() {
    run::run("scripted-smtp", "scripts", &smtp::rows());
}

#[test]
fn every_ssh_script_has_one_of_its_outcomes() {
    run::run("scripted-ssh", "scripts", &ssh::rows());
}

#[test]
fn every_xmpp_script_has_one_of_its_outcomes() {
    run::run("scripted-xmpp", "scripts", &xmpp::rows());
}

#[test]
fn every_smb_script_has_one_of_its_outcomes() {
    run::run("scripted-smb", "scripts", &smb::rows());
}

#[test]
fn no_two_rows_have_one_name() {
    let rows = [
        imap::rows(),
        ftp::rows(),
        http::rows(),
        ldap::rows(),
        smb::rows(),
        smtp::rows(),
        ssh::rows(),
        xmpp::rows(),
    ]
    .concat();
    let names: std::collections::BTreeSet<_> = rows.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), rows.len());
    assert!(rows.len() > 6000, "{} rows", rows.len());
}

//! SMB account names, and which names are never sent.
//!
//! A Windows account has many spellings: `alice`, `ALICE`, `CORP\alice`, `corp/alice`,
//! `alice@corp.example`. Servers and libsmbclient treat most of them as the same user, so an
//! application that used the spelling would see several users for one account. Here one account has
//! one name; other spellings are refused without asking the server.

use super::settings::DomainForms;
use crate::identity::CanonicalName;
use crate::verdict::{Rejection, Verdict};

/// Characters that Windows account names exclude.
///
/// libsmbclient splits a name at `\`, at `/` and at the winbind separator of the machine's smb.conf
/// (usually `\` or `+`) and drops what precedes it.
const FOREIGN: [char; 16] =
    ['"', '/', '\\', '[', ']', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '\u{7f}'];

/// A name for which servers hand out sessions without a look at the password.
const NO_PERSON: &str = "guest";

/// An account of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account<'a> {
    /// The Windows domain, if it is another one than the workgroup of the settings.
    pub(super) domain: Option<&'a str>,
    pub(super) name: &'a str,
}

/// The account that is asked about.
///
/// # Errors
/// The verdict about a name that is not sent.
pub(super) fn account(upstream: &str, domains: DomainForms) -> Result<Account<'_>, Verdict> {
    let account = match upstream.split_once(['\\', '/']).filter(|_| domains.windows) {
        Some((domain, name)) => Account { domain: Some(domain), name },
        None => Account { domain: None, name: upstream },
    };
    let is_foreign = |part: &str| part.is_empty() || part.contains(FOREIGN);
    let is_odd =
        |domain: &str| is_foreign(domain) || domain.contains(['@', ' ']) || account.name.contains('@');
    if is_guest(account.name) || is_foreign(account.name) || account.domain.is_some_and(is_odd) {
        return Err(Verdict::Rejected(Rejection::PolicyDenied));
    }
    let canonical = CanonicalName::parse(account.name);
    let is_address = canonical.as_ref().map_or(account.name, CanonicalName::as_str).contains('@');
    if is_address && !domains.addresses { Err(Verdict::NotMine) } else { Ok(account) }
}

/// Independent of the list of denied names.
///
/// For this name the crate smb2 accepts a guest session.
fn is_guest(upstream: &str) -> bool {
    let canonical = CanonicalName::parse(upstream);
    let whole = canonical.as_ref().map_or(upstream, CanonicalName::as_str);
    whole.split('@').next().is_some_and(|local| local.eq_ignore_ascii_case(NO_PERSON))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::LoginName;
    use crate::resolver::names::{DomainRules, NameRules};

    /// The sent name and the known name, by the rules that the class adds; or the verdict.
    fn decide(rules: NameRules, typed: &str) -> Result<(String, String), Verdict> {
        let domain = rules.domain().clone().bare_names_only(true).windows_names("TESTNET").unwrap();
        let (upstream, identity) = rules.with_domain(domain).ask(&LoginName::parse(typed).unwrap())?;
        let Account { domain, name } = account(&upstream, DomainForms { addresses: true, windows: true })?;
        assert_eq!(domain, None, "{typed}");
        Ok((name.to_owned(), identity.name().to_string()))
    }

    fn denied() -> Result<(String, String), Verdict> {
        Err(Verdict::Rejected(Rejection::PolicyDenied))
    }

    fn corp() -> DomainRules {
        DomainRules::for_domain("corp.example").unwrap()
    }

    /// The name that is sent and the name that comes back.
    fn ask(rules: NameRules, typed: &str) -> Option<(String, String)> {
        decide(rules, typed).ok()
    }

    #[test]
    fn one_account_has_one_name() {
        for typed in ["alice", "Alice", "ALICE"] {
            assert_eq!(ask(NameRules::new(), typed), Some((typed.to_owned(), "alice".to_owned())));
        }
        let both = |rules: fn() -> DomainRules, bare: &str, known: &str| {
            let rules = || NameRules::new().with_domain(rules());
            let full = "Alice@Corp.Example";
            assert_eq!(ask(rules(), "Alice"), Some((bare.to_owned(), known.to_owned())));
            assert_eq!(ask(rules(), full), Some((full.to_owned(), known.to_owned())));
        };
        both(corp, "Alice", "alice@corp.example");
        both(|| corp().add_domain(true), "Alice@corp.example", "alice@corp.example");
        both(|| corp().strip_domain(true), "Alice", "alice");
        both(|| corp().strip_domain(true).add_domain(true), "Alice@corp.example", "alice");
    }

    #[test]
    fn t07_spellings_of_another_account_are_never_sent() {
        for typed in ["corp+alice", "a:b", "a*", "a|b", "a;b"] {
            assert_eq!(decide(NameRules::new(), typed), denied(), "{typed}");
            assert_eq!(decide(NameRules::new().with_domain(corp()), typed), denied(), "{typed}");
        }
        for typed in ["CORP\\alice", "corp/alice", "\\alice", "alice/", "TESTNET\\", "TESTNET\\x\\alice"] {
            assert_eq!(decide(NameRules::new(), typed), Err(Verdict::NotMine), "{typed}");
            assert_eq!(decide(NameRules::new().with_domain(corp()), typed), Err(Verdict::NotMine), "{typed}");
        }
    }

    #[test]
    fn own_workgroup_in_front_of_a_name_is_left_out() {
        for typed in ["TESTNET\\Alice", "testnet/Alice", "TestNet\\Alice"] {
            let expected = Some(("Alice".to_owned(), "alice".to_owned()));
            assert_eq!(ask(NameRules::new(), typed), expected, "{typed}");
        }
        assert_eq!(decide(NameRules::new(), "TESTNET\\guest"), denied());
    }

    #[test]
    fn account_with_a_windows_domain_is_asked_there() {
        let both = DomainForms { addresses: true, windows: true };
        let at_corp = Ok(Account { domain: Some("CORP"), name: "alice" });
        assert_eq!(account("CORP\\alice", both), at_corp);
        assert_eq!(account("CORP/alice", both), at_corp);
        for odd in ["\\alice", "CORP\\", "CORP\\a\\b", "CORP\\a@b", "A B\\alice", "CORP\\guest", "A@B\\alice"]
        {
            assert_eq!(account(odd, both), Err(Verdict::Rejected(Rejection::PolicyDenied)), "{odd}");
        }
        let alone = account("CORP\\alice", DomainForms::default());
        assert_eq!(alone, Err(Verdict::Rejected(Rejection::PolicyDenied)));
    }

    #[test]
    fn address_is_not_mine_unless_the_domain_is() {
        let not_mine = Err(Verdict::NotMine);
        for typed in ["alice@corp.example", "alice@", "@corp.example", "a@b@c"] {
            assert_eq!(decide(NameRules::new(), typed), not_mine, "{typed}");
        }
        for typed in ["alice@evil.example", "alice@corp.example@evil.example", "@corp.example"] {
            assert_eq!(decide(NameRules::new().with_domain(corp()), typed), not_mine, "{typed}");
        }
    }

    #[test]
    fn guest_is_refused_without_denied_names() {
        let open = || NameRules::new().deny_names([""; 0]).unwrap();
        for typed in ["guest", "Guest", "GUEST", "\u{ff47}uest"] {
            assert_eq!(decide(open(), typed), denied(), "{typed}");
            assert_eq!(decide(NameRules::new(), typed), denied(), "{typed}");
        }
        let add = open().with_domain(corp().add_domain(true));
        assert_eq!(decide(add.clone(), "guest"), denied());
        assert_eq!(decide(add, "Guest@corp.example"), denied());
    }

    #[test]
    fn ordinary_names_pass_whole() {
        for typed in ["mary-jane.o", "o'hara", "jürgen", "a b", "-l", "100%", "x$", "{x}", "#1"] {
            assert!(ask(NameRules::new(), typed).is_some_and(|(upstream, _)| upstream == typed), "{typed}");
        }
    }
}

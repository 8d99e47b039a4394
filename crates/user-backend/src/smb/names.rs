//! SMB account names, and which names are never sent.
//!
//! A Windows account has many spellings: `alice`, `ALICE`, `CORP\alice`, `corp/alice`, `alice@corp.example`. Servers and
//! libsmbclient take most of them for the same person, so an application that believed the spelling would see several
//! people where there is one account. Here one account has one name, or the spelling is refused before anybody is asked.

use crate::identity::CanonicalName;
use crate::verdict::{Rejection, Verdict};

/// Characters that no Windows account name can have. libsmbclient splits a name at `\`, at `/` and at the winbind
/// separator of the machine's smb.conf (usually `\` or `+`) and drops what stands before it.
const FOREIGN: [char; 16] =
    ['"', '/', '\\', '[', ']', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '\u{7f}'];

/// A name for which servers hand out sessions without a look at the password.
const NO_PERSON: &str = "guest";

/// The verdict about a name that is not sent: `None` for names that are.
pub(super) fn verdict(upstream: &str, addresses: bool) -> Option<Verdict> {
    if is_guest(upstream) || upstream.contains(FOREIGN) {
        return Some(Verdict::Rejected(Rejection::PolicyDenied));
    }
    let canonical = CanonicalName::parse(upstream);
    let is_address = canonical.as_ref().map_or(upstream, CanonicalName::as_str).contains('@');
    (is_address && !addresses).then_some(Verdict::NotMine)
}

/// Whatever the list of denied names says: for this name the crate smb2 takes a guest session for what was asked.
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

    /// The name that is sent and the name that the user is known by, with the rules that the class adds; or the verdict.
    fn decide(rules: NameRules, typed: &str) -> Result<(String, String), Verdict> {
        let domain = rules.domain().clone().bare_names_only(true);
        let addresses = domain.domain().is_some();
        let (upstream, identity) = rules.with_domain(domain).ask(&LoginName::parse(typed).unwrap())?;
        match verdict(&upstream, addresses) {
            Some(verdict) => Err(verdict),
            None => Ok((upstream, identity.name().to_string())),
        }
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
        for typed in
            ["CORP\\alice", "corp/alice", "\\alice", "alice/", "corp+alice", "a:b", "a*", "a|b", "a;b"]
        {
            assert_eq!(decide(NameRules::new(), typed), denied(), "{typed}");
            assert_eq!(decide(NameRules::new().with_domain(corp()), typed), denied(), "{typed}");
        }
    }

    #[test]
    fn an_address_is_not_mine_unless_the_domain_is() {
        let not_mine = Err(Verdict::NotMine);
        for typed in ["alice@corp.example", "alice@", "@corp.example", "a@b@c"] {
            assert_eq!(decide(NameRules::new(), typed), not_mine, "{typed}");
        }
        for typed in ["alice@evil.example", "alice@corp.example@evil.example", "@corp.example"] {
            assert_eq!(decide(NameRules::new().with_domain(corp()), typed), not_mine, "{typed}");
        }
    }

    #[test]
    fn guest_is_nobody_even_when_no_name_is_denied() {
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

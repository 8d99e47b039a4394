//! Search filters (RFC 4515), read once, and filled with names afterwards.
//!
//! A name is put into the tree of a filter, not into its text: whatever is in it is a value, so
//! nothing needs escaping and nothing can be forgotten.

use rasn::types::SetOf;
use rasn_ldap::{AttributeValueAssertion, Filter, SubstringChoice, SubstringFilter};

/// Most levels of a filter.
const MAX_DEPTH: usize = 16;

/// A filter with `{name}` and `{dn}` in its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterTemplate(FilterNode);

#[derive(Clone, Debug, PartialEq, Eq)]
enum FilterNode {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Present(String),
    Equal(String, Vec<Piece>),
    AtLeast(String, Vec<Piece>),
    AtMost(String, Vec<Piece>),
    Like(String, Vec<Piece>),
    /// Matches in Active Directory's bits and the like: attribute, rule, value.
    Matching(String, String, Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Bytes(Vec<u8>),
    Name,
    Dn,
    /// `*`, which only [`FilterNode::Like`] has.
    Anything,
}

/// Who is searched for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) name: &'a str,
    pub(crate) dn: &'a str,
}

impl FilterTemplate {
    /// Reads a filter.
    ///
    /// The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut reader = Reader { rest: text, depth: 0 };
        let node = reader.filter()?;
        if reader.rest.is_empty() { Ok(Self(node)) } else { Err("something follows its last parenthesis") }
    }

    /// Whether a name or a DN is in it.
    pub(crate) fn has_subject(&self) -> bool {
        self.0.has_subject()
    }

    /// The filter for one user.
    pub(crate) fn fill(&self, subject: Subject<'_>) -> Filter {
        self.0.fill(subject)
    }
}

impl FilterNode {
    fn has_subject(&self) -> bool {
        match self {
            Self::And(nodes) => nodes.iter().any(Self::has_subject),
            // Every part must ask for the user, or the other part finds everyone.
            Self::Or(nodes) => nodes.iter().all(Self::has_subject),
            Self::Not(_) | Self::Present(_) | Self::AtLeast(..) | Self::AtMost(..) | Self::Like(..) => false,
            Self::Equal(_, pieces) | Self::Matching(_, _, pieces) => {
                pieces.iter().any(|piece| matches!(piece, Piece::Name | Piece::Dn))
            }
        }
    }

    fn fill(&self, subject: Subject<'_>) -> Filter {
        let all = |nodes: &[Self]| SetOf::from_vec(nodes.iter().map(|node| node.fill(subject)).collect());
        let assertion = |attribute: &String, pieces: &[Piece]| {
            AttributeValueAssertion::new(attribute.as_str().into(), filled(pieces, subject).into())
        };
        match self {
            Self::And(nodes) => Filter::And(all(nodes)),
            Self::Or(nodes) => Filter::Or(all(nodes)),
            Self::Not(node) => Filter::Not(Box::new(node.fill(subject))),
            Self::Present(attribute) => Filter::Present(attribute.as_str().into()),
            Self::Equal(attribute, pieces) => Filter::EqualityMatch(assertion(attribute, pieces)),
            Self::AtLeast(attribute, pieces) => Filter::GreaterOrEqual(assertion(attribute, pieces)),
            Self::AtMost(attribute, pieces) => Filter::LessOrEqual(assertion(attribute, pieces)),
            Self::Matching(attribute, rule, pieces) => {
                Filter::ExtensibleMatch(rasn_ldap::MatchingRuleAssertion::new(
                    Some(rule.as_str().into()),
                    Some(attribute.as_str().into()),
                    filled(pieces, subject).into(),
                    false,
                ))
            }
            Self::Like(attribute, pieces) => {
                let parts: Vec<&[Piece]> = pieces.split(|piece| *piece == Piece::Anything).collect();
                let last = parts.len().saturating_sub(1);
                let parts = parts.into_iter().enumerate().filter(|(_, part)| !part.is_empty());
                let choices = parts.map(|(nth, part)| {
                    let value = filled(part, subject).into();
                    match nth {
                        0 => SubstringChoice::Initial(value),
                        nth if nth == last => SubstringChoice::Final(value),
                        _ => SubstringChoice::Any(value),
                    }
                });
                Filter::Substrings(SubstringFilter::new(attribute.as_str().into(), choices.collect()))
            }
        }
    }
}

fn filled(pieces: &[Piece], subject: Subject<'_>) -> Vec<u8> {
    let mut value = Vec::new();
    for piece in pieces {
        value.extend_from_slice(match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Name => subject.name.as_bytes(),
            Piece::Dn => subject.dn.as_bytes(),
            Piece::Anything => &[],
        });
    }
    value
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, token: char) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn filter(&mut self) -> Result<FilterNode, &'static str> {
        if !self.take('(') {
            return Err("it does not begin with a parenthesis");
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it has too many levels");
        }
        let node = if self.take('&') {
            FilterNode::And(self.list()?)
        } else if self.take('|') {
            FilterNode::Or(self.list()?)
        } else if self.take('!') {
            FilterNode::Not(Box::new(self.filter()?))
        } else {
            self.item()?
        };
        self.depth -= 1;
        if self.take(')') { Ok(node) } else { Err("a parenthesis is not closed") }
    }

    fn list(&mut self) -> Result<Vec<FilterNode>, &'static str> {
        let mut nodes = Vec::new();
        while self.rest.starts_with('(') {
            nodes.push(self.filter()?);
        }
        if nodes.is_empty() { Err("& and | need filters in parentheses") } else { Ok(nodes) }
    }

    fn item(&mut self) -> Result<FilterNode, &'static str> {
        let end = self.rest.find([')', '(']).filter(|end| self.rest[*end..].starts_with(')'));
        let (item, rest) = self.rest.split_at(end.ok_or("a parenthesis is not closed")?);
        self.rest = rest;
        let (left, value) = item.split_once('=').ok_or("a comparison has no =")?;
        let pieces = pieces(value)?;
        let kind = left.chars().last().filter(|last| matches!(last, '>' | '<' | ':')).unwrap_or('=');
        let left = left.strip_suffix(kind).unwrap_or(left);
        let (attribute, rule) = match (kind, left.split_once(':')) {
            (':', Some((attribute, rule))) => (attribute, Some(rule)),
            (':', None) | (_, Some(_)) => return Err("a matching rule is written attribute:rule:=value"),
            (_, None) => (left, None),
        };
        if !is_attribute(attribute) || rule.is_some_and(|rule| !is_attribute(rule)) {
            return Err("a comparison has no attribute");
        }
        let attribute = attribute.to_owned();
        let has_wildcard = pieces.contains(&Piece::Anything);
        Ok(match (kind, rule) {
            ('=', _) if pieces == [Piece::Anything] => FilterNode::Present(attribute),
            ('=', _) if has_wildcard => FilterNode::Like(attribute, pieces),
            _ if has_wildcard || pieces.is_empty() => return Err("a comparison has no value"),
            (':', Some(rule)) => FilterNode::Matching(attribute, rule.to_owned(), pieces),
            ('>', _) => FilterNode::AtLeast(attribute, pieces),
            ('<', _) => FilterNode::AtMost(attribute, pieces),
            _ => FilterNode::Equal(attribute, pieces),
        })
    }
}

/// RFC 4512 section 2.5: a name or an OID, with options.
fn is_attribute(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b';' | b'_');
    text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric) && text.bytes().all(plain)
}

/// A value: text, `\XX`, `*` and placeholders.
fn pieces(mut value: &str) -> Result<Vec<Piece>, &'static str> {
    let mut pieces: Vec<Piece> = Vec::new();
    while let Some(first) = value.chars().next() {
        let (piece, length) = match first {
            '*' => (Piece::Anything, 1),
            '{' if value.starts_with("{name}") => (Piece::Name, 6),
            '{' if value.starts_with("{dn}") => (Piece::Dn, 4),
            '{' => return Err("only {name} and {dn} are known in braces"),
            '\\' => {
                let hex = value.get(1..3).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                (Piece::Bytes(vec![byte.ok_or("a backslash is written \\5c")?]), 3)
            }
            other => (Piece::Bytes(value.as_bytes()[..other.len_utf8()].to_vec()), other.len_utf8()),
        };
        match (pieces.last_mut(), piece) {
            (Some(Piece::Bytes(last)), Piece::Bytes(more)) => last.extend(more),
            (_, piece) => pieces.push(piece),
        }
        value = &value[length..];
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: Subject<'static> = Subject { name: "*)(uid=*", dn: "cn=a,dc=b" };

    fn filled(text: &str) -> Filter {
        FilterTemplate::parse(text).unwrap().fill(EVIL)
    }

    #[test]
    fn any_name_is_escaped_as_a_value() {
        let equal =
            Filter::EqualityMatch(AttributeValueAssertion::new("uid".into(), b"*)(uid=*".to_vec().into()));
        assert_eq!(filled("(uid={name})"), equal);
        let both = filled("(&(objectClass=person)(|(uid={name})(mail={name}))(!(disabled=TRUE)))");
        let Filter::And(parts) = both else { panic!("{both:?}") };
        assert_eq!(parts.to_vec().len(), 3);
    }

    #[test]
    fn every_kind_of_comparison_is_read() {
        assert_eq!(filled("(mail=*)"), Filter::Present("mail".into()));
        let like = filled("(cn=a*b*\\2a{dn})");
        let Filter::Substrings(like) = like else { panic!("{like:?}") };
        let expected = vec![
            SubstringChoice::Initial(b"a".to_vec().into()),
            SubstringChoice::Any(b"b".to_vec().into()),
            SubstringChoice::Final(b"*cn=a,dc=b".to_vec().into()),
        ];
        assert_eq!(like.substrings, expected);
        assert!(matches!(filled("(age>=3)"), Filter::GreaterOrEqual(_)));
        assert!(matches!(filled("(age<=3)"), Filter::LessOrEqual(_)));
        let bits = filled("(userAccountControl:1.2.840.113556.1.4.803:=2)");
        assert!(matches!(bits, Filter::ExtensibleMatch(_)), "{bits:?}");
    }

    #[test]
    fn invalid_filter_is_refused() {
        for text in [
            "",
            "uid={name}",
            "(uid={name}",
            "(uid={name}))",
            "(&)",
            "(uid)",
            "(=x)",
            "(uid={who})",
            "(uid=\\zz)",
            "(uid=\\)",
            "((uid=x))",
            "(uid=a(b)",
            "(u d=x)",
            "(uid=)",
            "(age>=*)",
            "(:=x)",
            "(age>>=3)",
            "(age<<=3)",
            "(age<>=3)",
            "(uid::={name})",
            "(uid:rule::={name})",
            "(uid~={name})",
            "(a:=x)",
            "(!(a=b)",
            &"(!".repeat(40),
        ] {
            assert!(FilterTemplate::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn filter_must_ask_for_the_user_in_every_part() {
        for (text, has) in [
            ("(uid={name})", true),
            ("(&(objectClass=*)(uid={name}))", true),
            ("(|(uid={name})(mail={name}))", true),
            ("(|(uid={name})(objectClass=*))", false),
            ("(objectClass=*)", false),
            ("(!(uid={name}))", false),
            ("(uid={name}*)", false),
        ] {
            assert_eq!(FilterTemplate::parse(text).unwrap().has_subject(), has, "{text}");
        }
    }
}

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use smol_str::SmolStr;

use super::*;

/// What a parser finds: a name, the text directly in it, and its children.
#[derive(Debug, PartialEq)]
struct Found {
    name: String,
    text: String,
    children: Vec<Self>,
}

fn parse(document: &[u8]) -> Found {
    let mut reader = Reader::from_reader(document);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Found { name: String::new(), text: String::new(), children: Vec::new() }];
    let named = |name: &str| Found { name: name.to_owned(), text: String::new(), children: Vec::new() };
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(named(start.name().as_ref())),
            Event::Empty(start) => {
                let child = named(start.name().as_ref());
                open.last_mut().unwrap().children.push(child);
            }
            Event::End(_) => {
                let child = open.pop().unwrap();
                open.last_mut().unwrap().children.push(child);
            }
            Event::Text(text) => {
                let text = text.xml10_content();
                open.last_mut().unwrap().text.push_str(&text);
            }
            Event::GeneralRef(reference) => {
                let found = match reference.resolve_char_ref().unwrap() {
                    Some(found) => found.to_string(),
                    None => resolve_predefined_entity(&reference).unwrap().to_owned(),
                };
                open.last_mut().unwrap().text.push_str(&found);
            }
            Event::Decl(_) => {}
            Event::Eof => break,
            other => panic!("unexpected event {other:?}"),
        }
    }
    assert_eq!(open.len(), 1, "everything that is opened is closed");
    open.remove(0).children.remove(0)
}

/// What a parser must find.
fn expected(name: &str, value: &Data) -> Found {
    let (text, children) = match value {
        Data::Null | Data::Bool(false) => (String::new(), Vec::new()),
        Data::Bool(true) => ("1".to_owned(), Vec::new()),
        Data::Int(number) => (number.to_string(), Vec::new()),
        Data::Float(number) => (number.to_string(), Vec::new()),
        Data::Text(text) => (carried(text).into_owned(), Vec::new()),
        Data::List(elements) => (String::new(), elements.iter().map(|one| expected(ELEMENT, one)).collect()),
        Data::Map(entries) => {
            let child =
                |(key, one): &(SmolStr, Data)| expected(if is_name(key) { key } else { ELEMENT }, one);
            (String::new(), entries.iter().map(child).collect())
        }
    };
    Found { name: name.to_owned(), text, children }
}

/// Between elements there are only line ends and blanks.
fn without_indentation(mut found: Found) -> Found {
    if !found.children.is_empty() {
        assert_eq!(found.text.trim_matches([' ', '\n']), "");
        found.text.clear();
    }
    found.children = found.children.into_iter().map(without_indentation).collect();
    found
}

#[track_caller]
fn reads_back(value: &Data) {
    let document = write("ocs", &[("data", value)]).unwrap();
    let text = String::from_utf8(document).expect("UTF-8");
    let expected = expected("ocs", &Data::one("data", value.clone()));
    assert_eq!(without_indentation(parse(text.as_bytes())), expected, "{text}");
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[0-9]{1,5}",
        "[0-9a-f]{8}-[0-9a-f]{4}",
        "[a-z ]{1,5}@[a-z]{1,5}",
        any::<String>()
    ]
}

fn data() -> impl Strategy<Value = Data> {
    let leaf = prop_oneof![
        Just(Data::Null),
        any::<bool>().prop_map(Data::Bool),
        any::<i64>().prop_map(Data::Int),
        (-1e9..1e9).prop_map(Data::Float),
        any::<String>().prop_map(Data::from),
        // Above all what parsers treat in their own way.
        proptest::collection::vec(
            prop_oneof![
                Just('\r'),
                Just('\n'),
                Just('\t'),
                Just(' '),
                Just(']'),
                Just('>'),
                Just('&'),
                Just('\0'),
                any::<char>()
            ],
            0..12
        )
        .prop_map(|chars| Data::Text(chars.into_iter().collect())),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Data::List),
            proptest::collection::vec((key(), inner), 0..6).prop_map(Data::map),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_reads_back_equal(value in data()) {
        reads_back(&value);
    }
}

/// A hundred short texts for the XML tests.
///
/// Most of them hold what parsers treat differently; the others hold any character that XML can
/// carry.
fn hundred_texts(seed: u64) -> Vec<String> {
    const SPECIAL: &[char] = &[
        '\r',
        '\n',
        '\t',
        ' ',
        ']',
        '>',
        '<',
        '&',
        ';',
        '"',
        '\'',
        '#',
        '\u{7f}',
        '\u{85}',
        '\u{a0}',
        '\u{2028}',
        '\u{d7ff}',
        '\u{e000}',
        '\u{feff}',
        '\u{fffd}',
        '\u{10000}',
        '\u{10ffff}',
    ];
    // Splitmix: cheap, and the seed is all there is to shrink.
    let mut state = seed;
    let mut next = move |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32) % below
    };
    let mut text = || {
        let length = next(8);
        let chars = (0..length).map(|_| match next(3) {
            0 => char::from_u32(next(0x11_0000) as u32).filter(|found| is_allowed(*found)).unwrap_or('x'),
            _ => SPECIAL[next(SPECIAL.len() as u64) as usize],
        });
        chars.collect()
    };
    (0..100).map(|_| text()).collect()
}

proptest! {
    // A hundred texts in each of a thousand documents.
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn o03_hundred_thousand_texts_read_back_equal(seed in any::<u64>()) {
        let texts = hundred_texts(seed);
        let document = write("ocs", &[("data", &Data::list(texts.iter().map(String::as_str)))]).unwrap();
        let found = parse(&document).children.remove(0).children;
        prop_assert_eq!(found.len(), texts.len());
        for (found, text) in found.iter().zip(&texts) {
            prop_assert_eq!(&found.text, text);
        }
    }
}

#[test]
fn naughty_texts_read_back_equal() {
    for text in [
        "",
        " ",
        "  a  ",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "a\rb",
        "]]>",
        "<![CDATA[x]]>",
        "<!-- -->",
        "&amp;",
        "&#0;",
        "&lol9;",
        "\u{0}",
        "a\u{1}b\u{1f}",
        "\u{7f}\u{80}\u{85}\u{9f}",
        "\u{2028}\u{2029}",
        "\u{feff}",
        "\u{fffe}\u{ffff}",
        "\u{202e}txt",
        "'; DROP TABLE users; --",
        "\"quoted\" 'quoted'",
        "<?xml version=\"1.0\"?>",
        "Zoë 🐘 田中",
        "${jndi:ldap://x}",
        "%00%0d%0a",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>",
        "\u{1F3F4}\u{E0067}\u{E0062}",
        "e\u{301}\u{301}\u{301}",
    ] {
        reads_back(&Data::from(text));
        reads_back(&Data::one(text, text));
    }
}

#[test]
fn invalid_xml_characters_are_replaced() {
    let document = write("ocs", &[("data", &Data::from("a\0b\u{fffe}c\rd"))]).unwrap();
    let text = String::from_utf8(document).unwrap();
    assert!(text.contains("<data>a\u{fffd}b\u{fffd}c&#13;d</data>"), "{text}");
}

#[test]
fn invalid_xml_name_becomes_an_element() {
    for (key, name) in [
        ("Frank", true),
        ("_a-1.b", true),
        ("12345", false),
        ("1e3", false),
        ("123e4567-e89b-12d3-a456-426614174000", false),
        ("frank the tank", false),
        ("joe@example.com", false),
        ("a:b", false),
        ("-a", false),
        (".a", false),
        ("O'Brien", false),
        ("xmlns", false),
        ("XML1", false),
        ("Zoë", false),
        ("", false),
        ("a/>", false),
    ] {
        assert_eq!(is_name(key), name, "{key:?}");
    }
}

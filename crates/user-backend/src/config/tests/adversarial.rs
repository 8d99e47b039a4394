//! Malicious input for the readers: none panics, overflows the stack or takes long.

use proptest::prelude::*;

use super::*;

const FORMATS: [Format; 3] = [Format::Toml, Format::Json, Format::Php];

#[test]
fn nesting_is_refused_before_it_reaches_the_stack() {
    let deep = 100_000;
    let many = |what: &str| what.repeat(deep);
    for (format, text) in [
        (Format::Json, format!("{{\"user_backends\":{}", many("["))),
        (Format::Json, format!("{{\"user_backends\":{}{}}}", many("["), many("]"))),
        (Format::Json, many("{\"a\":")),
        (Format::Toml, format!("user_backends = {}", many("["))),
        (Format::Toml, format!("user_backends = {}{}", many("["), many("]"))),
        (Format::Toml, format!("user_backends = {}", many("{a="))),
        (Format::Toml, format!("user_backends.{} = 1", many("a."))),
        (Format::Toml, format!("[{}b]", many("a."))),
        (Format::Php, format!("<?php return ['user_backends' => {}{}];", many("["), many("]"))),
        (Format::Php, format!("<?php return ['user_backends' => {}{}];", many("array("), many(")"))),
        (Format::Php, format!("<?php return ['user_backends' => {}", many("["))),
        (Format::Php, format!("<?php return ['user_backends' => {}1];", many("-"))),
        (Format::Php, format!("<?php return ['user_backends' => {}'a'];", many("'a'."))),
        (Format::Php, format!("<?php $x = {}1;", many("!"))),
        (Format::Php, format!("<?php $x = {}1;", many("(int)"))),
        (Format::Php, format!("<?php {}$x = 1;", many("$a = "))),
        (Format::Php, format!("<?php {};", many("if(1)"))),
        (Format::Php, format!("<?php if(1){{}}{}", many("else if(1){}"))),
        (Format::Php, format!("<?php {}", many("if(1): "))),
        (Format::Php, format!("<?php {}", many("{"))),
        (Format::Php, format!("<?php {}", many("fn() => "))),
        (Format::Php, format!("<?php function f({}int $x) {{}}", many("?"))),
        (Format::Php, format!("<?php function f({}int $x) {{}}", many("(A&"))),
        (Format::Php, format!("<?php $x = {}", many("\"{$a["))),
        (Format::Php, format!("<?php $x = {}", many("new "))),
        (Format::Php, format!("<?php {}", many("#["))),
        (Format::Php, format!("<?php {}", many("match(1) { default => "))),
        (Format::Php, format!("<?php {}", many("namespace a {"))),
        (Format::Php, format!("<?php $x = 1 {}", many("? 1 : "))),
        (Format::Php, format!("<?php $x = {}", many("$a ?? "))),
        (Format::Php, format!("<?php $x = $a{}", many("->a"))),
        (Format::Php, format!("<?php $x = $a{};", many("[0]"))),
        (Format::Php, format!("<?php $x = {};", many("$"))),
        (Format::Php, format!("<?php switch (1) {{ {}", many("case 1: "))),
        (Format::Php, format!("<?php {}", many("try { "))),
        (Format::Php, format!("<?php {}", many("declare(ticks=1) "))),
        (Format::Php, format!("<?php {}", many("while(1) "))),
        (Format::Php, format!("<?php {}", many("a: "))),
        (Format::Php, format!("<?php {}", many("<<<A\n"))),
    ] {
        assert!(Config::parse(&text, format, "x").is_err(), "{}", &text[..60]);
    }
}

#[test]
fn arrays_nested_deeper_than_64_are_refused() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for (format, text) in [
        (Format::Json, format!("{{\"user_backends\": {}}}", nested(70))),
        (Format::Php, format!("<?php return ['user_backends' => {}];", nested(70))),
    ] {
        assert!(wrong(&text, format, "x").contains("in one another"), "{format:?}");
    }
}

/// Below the cap on tokens, the parser's own cap holds, and its stack is sufficient.
#[test]
fn accepted_nesting_does_not_overflow() {
    for depth in [60, 500, 600, 1000] {
        for (open, close) in [
            ("[", "]"),
            ("array(", ")"),
            ("(", ")"),
            ("!", ""),
            ("-", ""),
            ("fn() => ", ""),
            ("new class { function f() { return ", ";}}"),
            ("match(1) { default => ", "}"),
            ("$a ?? ", ""),
            ("1 ** ", ""),
            ("f(", ")"),
            ("$a = ", ""),
            ("1 ? 1 : (", ")"),
        ] {
            let text = format!("<?php $x = {}1{};", open.repeat(depth), close.repeat(depth));
            let _ = Config::parse(&text, Format::Php, "x");
            let text =
                format!("<?php return ['user_backends' => {}1{}];", open.repeat(depth), close.repeat(depth));
            let _ = Config::parse(&text, Format::Php, "x");
        }
        let statements = ["if(1) ", "while(1) ", "foreach($a as $b) ", "if(1){} else ", "{ "];
        for open in statements {
            let _ = Config::parse(&format!("<?php {};", open.repeat(depth)), Format::Php, "x");
        }
        let _ =
            Config::parse(&format!("<?php function f({}int $x) {{}}", "?".repeat(depth)), Format::Php, "x");
    }
}

#[test]
fn large_file_of_ordinary_php_is_no_deep_file() {
    let others: String =
        (0..5_000).map(|nth| format!("  'key{nth}' => ['a' => [1, 2, 'b' => null]],\n")).collect();
    let more: String =
        (0..300).map(|nth| format!("if (getenv('X{nth}')) {{ $CONFIG['x{nth}'] = 1; }}\n")).collect();
    let text = format!(
        "<?php\n$CONFIG = [\n{others}  'user_backends' => [['class' => 'ftp', 'host' => 'localhost']],\n];\n{more}"
    );
    assert_eq!(reached(&php(&text)), "localhost:21 explicit");
}

#[test]
fn oversized_text_is_refused_in_every_format() {
    let text = " ".repeat(1024 * 1024 + 1);
    for format in FORMATS {
        assert!(wrong(&text, format, "x").contains("at most 1048576 bytes"));
    }
}

#[test]
fn byte_order_mark_is_no_obstacle() {
    for (format, text) in [
        (Format::Toml, "\u{feff}[[user_backends]]\nclass = \"ftp\"\nhost = \"localhost\""),
        (Format::Json, "\u{feff}{\"user_backends\": [{\"class\": \"ftp\", \"host\": \"localhost\"}]}"),
        (
            Format::Php,
            "\u{feff}<?php return ['user_backends' => [['class' => 'ftp', 'host' => 'localhost']]];",
        ),
    ] {
        assert!(Config::parse(text, format, "x").is_ok(), "{format:?}");
    }
}

/// Fragments of configurations, so that random texts get beyond the first character.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        Just("<?php "),
        Just("$CONFIG"),
        Just(" = "),
        Just("return "),
        Just("array("),
        Just("["),
        Just("]"),
        Just(")"),
        Just("("),
        Just("'user_backends'"),
        Just("\"user_backends\""),
        Just("user_backends"),
        Just(" => "),
        Just(","),
        Just(";"),
        Just(":"),
        Just("{"),
        Just("}"),
        Just("'class'"),
        Just("class"),
        Just("\"imap\""),
        Just("'arguments'"),
        Just("'{mail/ssl}'"),
        Just("host"),
        Just("\"mail\""),
        Just("993"),
        Just("-"),
        Just("."),
        Just("null"),
        Just("true"),
        Just("\n"),
        Just("[["),
        Just("]]"),
        Just("#"),
        Just("//"),
        Just("/*"),
        Just("?>"),
        Just("'"),
        Just("\""),
        Just("\\"),
        Just("\\u{"),
        Just("$"),
        Just("${"),
        Just("<<<X\n"),
        Just("X"),
        Just("::class"),
        Just("\\OCA\\UserExternal\\IMAP"),
        Just("0x"),
        Just("1e"),
        Just("ü"),
        Just("\0"),
        Just("\u{feff}"),
        Just("'user_backends_resolver'"),
        Just("`"),
        Just("..."),
        Just("&"),
        Just("else"),
        Just("<?="),
        Just("#["),
        Just("b'"),
    ];
    proptest::collection::vec(scrap, 0..40).prop_map(|scraps| scraps.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,200}", scraps in scraps()) {
        for format in FORMATS {
            let _ = Config::parse(&text, format, "x").map_err(|errors| errors.to_string());
            if let Err(errors) = Config::parse(&scraps, format, "x") {
                // A panic in the thread that parses PHP would come out as this.
                prop_assert!(!errors.to_string().contains("cannot cope"), "{}", scraps);
            }
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        for format in FORMATS {
            if let Err(errors) = Config::parse(&text, format, "x") {
                prop_assert!(!errors.to_string().contains("cannot cope"), "{}", text);
            }
        }
    }

    #[test]
    fn no_value_makes_an_entry_panic(value in "\\PC{0,40}", number in any::<i64>()) {
        for field in ["class", "id", "host", "port", "tls", "domain", "timeout", "cache_accepted", "max_stale", "share", "ca_file"] {
            let text = serde_json::json!({"user_backends": [{"class": "imap", "host": "mail", field: value}, {"class": "ftp", "host": "mail", field: number}]});
            let _ = Config::parse(&text.to_string(), Format::Json, "x").map_err(|errors| errors.to_string());
        }
        let text = serde_json::json!({"user_backends": [{"class": "imap", "arguments": [value, number, value]}, {"class": "ftp", "arguments": {value: number}}]});
        let _ = Config::parse(&text.to_string(), Format::Json, "x").map_err(|errors| errors.to_string());
    }
}

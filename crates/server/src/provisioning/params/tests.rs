use proptest::prelude::*;

use super::*;

async fn body(content_type: Option<&str>, text: &str) -> Result<Params, ParamError> {
    Params::of_body(content_type, text.as_bytes().to_vec()).await
}

const FORM: Option<&str> = Some("application/x-www-form-urlencoded; charset=utf-8");
const JSON: Option<&str> = Some("application/json");

fn query(text: &str) -> Params {
    Params::of_query(text).unwrap()
}

#[tokio::test]
async fn body_wins_over_the_query() {
    let params = query("key=quota&value=1&search=x")
        .overridden_by(body(FORM, "value=2%20GB&more=a+b%2Bc").await.unwrap());
    assert_eq!(params.text("key"), Ok(Some("quota")));
    assert_eq!(params.text("value"), Ok(Some("2 GB")));
    assert_eq!(params.text("search"), Ok(Some("x")));
    assert_eq!(params.text("more"), Ok(Some("a b+c")));
    assert_eq!(params.text("none"), Ok(None));
    assert_eq!(params.once("value"), Ok("2 GB"), "a query and a body are not a repetition");
}

#[tokio::test]
async fn empty_body_of_any_type_has_no_parameters() {
    for content_type in [None, FORM, JSON, Some("text/plain"), Some("multipart/form-data"), Some("nonsense")]
    {
        assert_eq!(body(content_type, "").await, Ok(Params::default()), "{content_type:?}");
    }
    assert_eq!(body(JSON, "{}").await, Ok(Params::default()));
    assert_eq!(body(JSON, " [] ").await, Ok(Params::default()));
}

#[tokio::test]
async fn lists_come_in_many_spellings() {
    for text in [
        "groups[]=a&groups[]=b",
        "groups%5B%5D=a&groups%5B%5D=b",
        "groups[0]=a&groups[1]=b",
        "groups[x]=a&groups[y]=b",
    ] {
        assert_eq!(body(FORM, text).await.unwrap().texts("groups"), Ok(vec!["a", "b"]), "{text}");
    }
    let json = body(JSON, r#"{"groups": ["a", "b"]}"#).await.unwrap();
    assert_eq!(json.texts("groups"), Ok(vec!["a", "b"]));
    assert_eq!(query("groups=a").texts("groups"), Ok(vec!["a"]));
    assert_eq!(query("groups=a&groups=b").texts("groups"), Err(ParamError::RepeatedList { name: "groups" }));
    assert_eq!(query("groups=").texts("groups"), Ok(vec![]));
    assert_eq!(query("").texts("groups"), Ok(vec![]));
    assert_eq!(query("groups[][]=a").texts("groups"), Err(ParamError::NotTexts { name: "groups" }));
}

#[tokio::test]
async fn maps_come_in_forms_and_in_json() {
    for params in [
        query("fields[email]=a@b.example&fields[quota]=5+GB"),
        body(JSON, r#"{"fields": {"email": "a@b.example", "quota": "5 GB"}}"#).await.unwrap(),
    ] {
        assert_eq!(params.text_map("fields"), Ok(Some(vec![("email", "a@b.example"), ("quota", "5 GB")])));
    }
    assert_eq!(query("").text_map("fields"), Ok(None));
    assert!(query("fields=x").text_map("fields").is_err());
    let params = query("search[abc][]=1&search[abc][]=2&search[9][]=3");
    assert_eq!(params.text_lists("search"), Ok(vec![("abc", vec!["1", "2"]), ("9", vec!["3"])]));
    assert!(query("search[abc]=1").text_lists("search").is_err());
}

#[tokio::test]
async fn list_is_no_text_and_a_missing_parameter_is_named() {
    assert_eq!(query("key[]=a").required("key"), Err(ParamError::NotText { name: "key" }));
    let missing = query("").required("key").unwrap_err();
    assert_eq!(missing.to_string(), "The parameter key is missing");
    assert_eq!(query("key").required("key"), Ok(""));
}

#[tokio::test]
async fn same_parameter_twice_is_noticed_where_it_matters() {
    let params = body(FORM, "key=quota&value=3GB&key=email&value=x").await.unwrap();
    assert_eq!(params.required("key"), Ok("email"), "the last one wins, as in PHP");
    assert_eq!(params.once("key"), Err(ParamError::Repeated { name: "key" }));
}

#[tokio::test]
async fn json_key_twice_is_refused_at_any_level() {
    for text in [
        r#"{"key": "quota", "key": "email"}"#,
        r#"{"key": null, "key": "email"}"#,
        r#"{"key": "quota", "\u006bey": null}"#,
        r#"{"fields": {"email": "a", "quota": "b", "email": "c"}}"#,
        r#"{"a": [{"b": {"c": 1, "c": 1}}]}"#,
    ] {
        assert_eq!(body(JSON, text).await, Err(ParamError::SameKey), "{text}");
    }
    assert!(body(JSON, r#"{"a": {"b": 1}, "c": {"b": 1}, "A": 1}"#).await.is_ok());
}

#[tokio::test]
async fn nodes_of_a_body_have_one_budget_in_every_format() {
    let nested = |lists: usize| format!("{{\"a\":[{}]}}", vec!["[0,0,0,0,0,0,0,0,0]"; lists].join(","));
    let part = "--b\r\nContent-Disposition: form-data; name=\"a[]\"\r\n\r\nx\r\n";
    let file = "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\nx\r\n";
    let multipart = Some("multipart/form-data; boundary=b");
    for (kind, fits, too_many) in [
        (JSON, nested(MOST / 10 - 1), nested(MOST / 10)),
        (
            JSON,
            format!("{{\"a\":[{}1]}}", "null,".repeat(MOST - 2)),
            format!("{{\"a\":[{}1]}}", "null,".repeat(MOST)),
        ),
        (FORM, "a=1&".repeat(MOST), "a=1&".repeat(MOST + 1)),
        (FORM, "a[]=1&".repeat(MOST / 2), "a[]=1&".repeat(MOST / 2 + 1)),
        (FORM, "a[b][c][]=1&".repeat(MOST / 4), "a[b][c][]=1&".repeat(MOST / 4 + 1)),
        (
            multipart,
            format!("{}--b--\r\n", part.repeat(MOST / 2)),
            format!("{}--b--\r\n", part.repeat(MOST / 2 + 1)),
        ),
        (multipart, format!("{}--b--\r\n", file.repeat(MOST)), format!("{}--b--\r\n", file.repeat(MOST + 1))),
    ] {
        let read = body(kind, &fits).await;
        assert!(read.is_ok(), "{kind:?} {read:?}");
        assert!(read.unwrap().weight() <= MOST * (NODE_BYTES + 10), "{kind:?}");
        assert_eq!(body(kind, &too_many).await, Err(ParamError::TooMany), "{kind:?}");
    }
}

#[tokio::test]
async fn unneeded_parameters_are_dropped() {
    let mut params = body(FORM, "login=a&password=b&more[]=1&more[]=2&more=3&login=a").await.unwrap();
    params.keep(|name| ["login", "password"].contains(&name));
    assert_eq!(params.weight(), 3 * NODE_BYTES + "loginapasswordblogin".len());
    assert_eq!((params.text("more"), params.text("login")), (Ok(None), Ok(Some("a"))));
    assert!(params.once("login").is_err() && params.once("password").is_ok());
}

#[test]
fn numbers_are_read_as_php_reads_them() {
    for (text, number) in [
        ("25", 25),
        ("-1", -1),
        ("abc", 0),
        ("12abc", 12),
        (" 7", 7),
        ("+7", 7),
        ("1e3", 1),
        ("99999999999999999999", i64::MAX),
        ("-99999999999999999999", -i64::MAX),
    ] {
        let query =
            format!("n={}", percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC));
        assert_eq!(Params::of_query(&query).unwrap().number("n"), Ok(Some(number)), "{text}");
    }
    assert_eq!(query("n=").number("n"), Ok(None));
    assert_eq!(query("").number("n"), Ok(None));
}

#[tokio::test]
async fn json_scalars_are_texts_and_null_is_nothing() {
    let params =
        body(JSON, r#"{"a": 12345, "b": 1.5, "c": true, "d": false, "e": null, "f": "\ud83d\udc18"}"#).await;
    let params = params.unwrap();
    for (name, text) in [
        ("a", Some("12345")),
        ("b", Some("1.5")),
        ("c", Some("1")),
        ("d", Some("")),
        ("e", None),
        ("f", Some("🐘")),
    ] {
        assert_eq!(params.text(name), Ok(text));
    }
}

#[tokio::test]
async fn unreadable_body_is_refused_with_a_message() {
    for (content_type, text, expected) in [
        (JSON, "{not json", "The body is not valid JSON, or not an object"),
        (JSON, "[1]", "The body is not valid JSON, or not an object"),
        (JSON, "\"text\"", "The body is not valid JSON, or not an object"),
        (JSON, "null", "The body is not valid JSON, or not an object"),
        (JSON, r#"{"a": "\ud800"}"#, "The body is not valid JSON, or not an object"),
        (FORM, "a=%ff", "What was sent is not valid UTF-8"),
        (Some("multipart/form-data"), "x", "The body is not valid multipart/form-data"),
        (Some("multipart/form-data; boundary=b"), "--c\r\n", "The body is not valid multipart/form-data"),
    ] {
        assert_eq!(body(content_type, text).await.unwrap_err().to_string(), expected, "{text}");
    }
    let refused = body(Some("text/plain"), "key=email").await.unwrap_err();
    assert!(refused.to_string().contains("-d key=value"), "{refused}");
    let many = "a=1&".repeat(MOST + 1);
    assert_eq!(body(FORM, &many).await, Err(ParamError::TooMany));
    assert_eq!(body(FORM, &format!("a{}=1", "[b]".repeat(DEEPEST + 1))).await, Err(ParamError::TooMany));
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(DEEPEST + 1), "]".repeat(DEEPEST + 1));
    assert_eq!(body(JSON, &deep).await, Err(ParamError::TooMany));
    assert!(body(JSON, &format!("{{\"a\":{}", "[".repeat(100_000))).await.is_err(), "no stack is that deep");
}

#[tokio::test]
async fn multipart_fields_count_and_files_do_not() {
    let text = "--b\r\nContent-Disposition: form-data; name=\"userid\"\r\n\r\nfrank\r\n\
                --b\r\nContent-Disposition: form-data; name=\"groups[]\"\r\n\r\na\r\n\
                --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n\r\nfile\r\n--b--\r\n";
    let params = body(Some("multipart/form-data; boundary=b"), text).await.unwrap();
    assert_eq!(params.text("userid"), Ok(Some("frank")));
    assert_eq!(params.texts("groups"), Ok(vec!["a"]));
    assert_eq!(params.text("f"), Ok(None));
}

#[tokio::test]
async fn without_a_content_type_it_is_a_form() {
    assert_eq!(body(None, "a=b").await.unwrap().text("a"), Ok(Some("b")));
}

#[test]
fn debug_of_parameters_hides_values() {
    let shown = format!("{:?}", query("password=geheim&groups[]=auch"));
    assert!(!shown.contains("geheim") && !shown.contains("auch"), "{shown}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_fall(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = form::read(&text);
        let _ = json::read(&text);
    }

    #[test]
    fn every_text_arrives_as_it_was_sent(text in any::<String>()) {
        let encoded = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC);
        let params = query(&format!("a={encoded}"));
        prop_assert_eq!(params.text("a"), Ok(Some(text.as_str())));
        let json = serde_json::json!({"a": text}).to_string();
        let params = json::read(json.as_bytes()).unwrap();
        prop_assert_eq!(params.text("a"), Ok(Some(text.as_str())));
    }
}

use super::*;

fn sealed(
    outcome: Result<OcsAnswer, OcsFailure>,
    version: Version,
    format: Format,
) -> (u16, &'static str, String) {
    let sealed = seal(&outcome, version, format).unwrap();
    (sealed.status.as_u16(), sealed.content_type, String::from_utf8(sealed.body).unwrap())
}

#[test]
fn version_1_in_xml_always_mentions_totals() {
    let answer = OcsAnswer::from(Data::one("users", Data::list(["anna", "Bert"])));
    let (status, content_type, body) = sealed(Ok(answer), Version::V1, Format::Xml);
    assert_eq!((status, content_type), (200, "application/xml; charset=utf-8"));
    assert_eq!(
        body,
        "<?xml version=\"1.0\"?>
<ocs>
 <meta>
  <status>ok</status>
  <statuscode>100</statuscode>
  <message>OK</message>
  <totalitems></totalitems>
  <itemsperpage></itemsperpage>
 </meta>
 <data>
  <users>
   <element>anna</element>
   <element>Bert</element>
  </users>
 </data>
</ocs>
"
    );
}

#[test]
fn version_2_in_xml_leaves_totals_out_unless_there_are_some() {
    let (_, _, body) = sealed(Ok(OcsAnswer::NOTHING), Version::V2, Format::Xml);
    assert_eq!(
        body,
        "<?xml version=\"1.0\"?>
<ocs>
 <meta>
  <status>ok</status>
  <statuscode>200</statuscode>
  <message>OK</message>
 </meta>
 <data/>
</ocs>
"
    );
    let (_, _, body) = sealed(Ok(OcsAnswer::NOTHING.with_total(70, 25)), Version::V2, Format::Json);
    let expected = r#"{"ocs":{"meta":{"status":"ok","statuscode":200,"message":"OK","totalitems":"70","itemsperpage":"25"},"data":[]}}"#;
    assert_eq!(body, expected);
}

#[test]
fn both_versions_in_json() {
    let answer = || Ok(OcsAnswer::from(Data::one("path", "/a/b")));
    let (_, content_type, body) = sealed(answer(), Version::V1, Format::Json);
    assert_eq!(content_type, "application/json; charset=utf-8");
    let expected = r#"{"ocs":{"meta":{"status":"ok","statuscode":100,"message":"OK","totalitems":"","itemsperpage":""},"data":{"path":"\/a\/b"}}}"#;
    assert_eq!(body, expected);
    let (_, _, body) = sealed(answer(), Version::V2, Format::Json);
    assert_eq!(
        body,
        r#"{"ocs":{"meta":{"status":"ok","statuscode":200,"message":"OK"},"data":{"path":"\/a\/b"}}}"#
    );
}

#[test]
fn null_false_and_empty_text_differ_where_xml_can_tell() {
    let data = Data::map([
        ("null", Data::Null),
        ("empty", Data::from("")),
        ("false", Data::from(false)),
        ("true", Data::from(true)),
        ("list", Data::NOTHING),
        ("map", Data::Map(Vec::new())),
        ("number", Data::from(-3_i64)),
        ("part", Data::from(12.5)),
    ]);
    let (_, _, body) = sealed(Ok(data.clone().into()), Version::V2, Format::Xml);
    let (_, inside) = body.split_once("<data>\n").unwrap();
    assert_eq!(
        inside,
        "  <null/>
  <empty></empty>
  <false></false>
  <true>1</true>
  <list/>
  <map/>
  <number>-3</number>
  <part>12.5</part>
 </data>
</ocs>
"
    );
    let (_, _, body) = sealed(Ok(data.into()), Version::V2, Format::Json);
    assert!(body.ends_with(
        r#""data":{"null":null,"empty":"","false":false,"true":true,"list":[],"map":[],"number":-3,"part":12.5}}}"#
    ));
}

#[test]
fn failure_has_its_code_and_text() {
    let failure = || Err(OcsFailure::new(Code::of_endpoint(102), "User already exists"));
    let (status, _, body) = sealed(failure(), Version::V1, Format::Xml);
    assert_eq!(status, 200);
    assert!(body.contains("<status>failure</status>\n  <statuscode>102</statuscode>\n  <message>User already exists</message>\n  <totalitems></totalitems>"));
    assert!(body.ends_with(" <data/>\n</ocs>\n"));
    let (status, _, body) = sealed(failure(), Version::V2, Format::Json);
    assert_eq!(status, 400);
    assert_eq!(
        body,
        r#"{"ocs":{"meta":{"status":"failure","statuscode":102,"message":"User already exists"},"data":[]}}"#
    );
}

#[test]
fn no_message_is_not_the_empty_message() {
    let data = Data::one("data", Data::one("message", "Invalid app id given"));
    let (status, _, body) = sealed(Err(OcsFailure::in_data(Code::FORBIDDEN, data)), Version::V1, Format::Xml);
    assert_eq!(status, 200);
    assert!(body.contains("<statuscode>403</statuscode>\n  <message/>\n"));
    assert!(body.contains("<message>Invalid app id given</message>"));
    let (_, _, body) = sealed(Err(OcsFailure::new(Code::NOT_FOUND, "")), Version::V1, Format::Xml);
    assert!(body.contains("<message></message>"));
}

#[test]
fn old_envelope_has_its_own_content_type_and_no_totals() {
    for (failure, v1, v2) in [
        (OcsFailure::wrong_credentials(), (401, "997"), (401, "997")),
        (OcsFailure::unknown_path(), (200, "998"), (404, "404")),
        (OcsFailure::broken(), (200, "996"), (500, "500")),
    ] {
        for (version, (status, code)) in [(Version::V1, v1), (Version::V2, v2)] {
            let (found, content_type, body) = sealed(Err(failure.clone()), version, Format::Xml);
            assert_eq!((found, content_type), (status, "text/xml; charset=UTF-8"));
            assert!(body.contains(&format!("<statuscode>{code}</statuscode>")), "{body}");
            assert!(!body.contains("totalitems"), "{body}");
        }
    }
    let (_, content_type, body) = sealed(Err(OcsFailure::unknown_path()), Version::V1, Format::Json);
    assert_eq!(content_type, "application/json; charset=utf-8");
    let expected = r#"{"ocs":{"meta":{"status":"failure","statuscode":998,"message":"Invalid query, please check the syntax. API specifications are here: http:\/\/www.freedesktop.org\/wiki\/Specifications\/open-collaboration-services.\n"},"data":[]}}"#;
    assert_eq!(body, expected);
}

use super::*;
use crate::provisioning::routes::ROUTES;

/// The operations of a document: method and path.
fn operations(version: Version) -> Vec<(String, String)> {
    let document = document(version, CompatLevel::V25, "/");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        found.extend(item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    found.sort();
    found
}

#[test]
fn every_route_is_described_and_nothing_else() {
    for version in [Version::V1, Version::V2] {
        let of_route = |route: &crate::provisioning::routes::Route| {
            let path = format!("{}{}", paths::prefix(version), route.path.replace("*}", "}"));
            (route.method.as_str().to_owned(), path)
        };
        let others = routes().map(|(path, _)| path);
        let others = others.into_iter().chain(["/healthz", "/readyz", "/metrics", "/status.php"]);
        let mut expected: Vec<_> = ROUTES.iter().map(of_route).collect();
        expected.extend(others.map(|path| ("GET".to_owned(), path.to_owned())));
        expected.sort();
        assert_eq!(operations(version), expected);
    }
}

#[test]
fn operation_names_are_unique() {
    let document = document(Version::V2, CompatLevel::V25, "/");
    let mut names = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        names
            .extend(item.as_object().unwrap().values().map(|operation| operation["operationId"].to_string()));
    }
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn docs_page_has_every_route_and_no_scripts() {
    let page = html::page(CompatLevel::V25, "https://example.org/cloud").plain;
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(page.contains("https://example.org/cloud/ocs/v1.php") && !page.contains(URL));
    for route in ROUTES {
        assert!(page.contains(&route.path.replace("*}", "}")), "{}", route.path);
    }
    assert_eq!(page.matches("<section ").count(), ROUTES.len());
    for word in ["<script", "javascript:", "style=", " onclick", "//cdn", "@import", "url("] {
        assert!(!page.contains(word) && !html::STYLE.contains(word), "{word}");
    }
    for (open, close) in [("<code>", "</code>"), ("<table", "</table>"), ("<section ", "</section>")] {
        assert_eq!(page.matches(open).count(), page.matches(close).count(), "{open}");
    }
}

#[test]
fn document_is_copied_for_another_url_only() {
    let built = Built::new();
    let write = || format!("[{URL}]");
    let first = built.for_url("https://a".to_owned(), write).plain;
    assert_eq!(built.for_url("https://a".to_owned(), write).plain.as_ptr(), first.as_ptr());
    assert_eq!(built.for_url("https://b".to_owned(), write).plain, "[https://b]");
    assert_eq!(
        (built.for_url("https://a".to_owned(), write).plain, first.as_ref()),
        (first.clone(), &b"[https://a]"[..])
    );
}

#[test]
fn document_is_compressed_when_its_url_comes_again() {
    let built = Built::new();
    let write = || format!("{URL} {}", "Wonderland ".repeat(100));
    for url in ["https://a", "https://b", "https://a"] {
        assert_eq!(built.for_url(url.to_owned(), write).packed, None, "{url}");
    }
    let again = built.for_url("https://a".to_owned(), write);
    assert!(again.packed.is_some_and(|packed| packed.len() * 10 < again.plain.len()));
}

#[test]
fn answers_have_names_and_few_types() {
    let document = document(Version::V2, CompatLevel::V25, "/");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert!((20..80).contains(&schemas.len()), "{:?}", schemas.keys());
    for item in
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values())
    {
        for response in item["responses"].as_object().unwrap().values() {
            let schema = &response["content"]["application/json"]["schema"];
            let one = [schema.clone()];
            for schema in schema["oneOf"].as_array().map_or(&one[..], Vec::as_slice) {
                let Some(name) = schema["$ref"].as_str() else {
                    assert!(schema.is_null(), "an answer without a name: {schema}");
                    continue;
                };
                assert!(schemas.contains_key(name.rsplit('/').next().unwrap()), "{name}");
            }
        }
    }
}

/// So that generated clients need no argument for either.
#[test]
fn header_and_format_have_defaults() {
    for version in [Version::V1, Version::V2] {
        let document = document(version, CompatLevel::V25, "/");
        let parameters = &document["components"]["parameters"];
        let header = &parameters["OCS-APIRequest"]["schema"];
        assert_eq!((&header["default"], &header["enum"]), (&"true".into(), &serde_json::json!(["true"])));
        assert_eq!(parameters["format"]["schema"]["default"], "json");
    }
}

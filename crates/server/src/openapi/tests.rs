use super::*;
use crate::provisioning::routes::ROUTES;

/// The operations of a document: method and path.
fn operations(version: Version) -> Vec<(String, String)> {
    let document = serde_json::to_value(document(version)).unwrap();
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
        let doors = routes::<()>().map(|(path, _)| path);
        let doors = doors.into_iter().chain(["/healthz", "/readyz", "/metrics", "/status.php"]);
        let mut expected: Vec<_> = ROUTES.iter().map(of_route).collect();
        expected.extend(doors.map(|path| ("GET".to_owned(), path.to_owned())));
        expected.sort();
        assert_eq!(operations(version), expected);
    }
}

#[test]
fn operation_names_are_unique() {
    let document = serde_json::to_value(document(Version::V2)).unwrap();
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
    let page = html::written();
    for route in ROUTES {
        assert!(page.contains(&route.path.replace("*}", "}")), "{}", route.path);
    }
    assert_eq!(page.matches("<section ").count(), ROUTES.len());
    for word in ["<script", "javascript:", "style=", " onclick", "//cdn", "@import", "url("] {
        assert!(!page.contains(word) && !html::STYLE.contains(word), "{word}");
    }
    for (open, close) in [("<code>", "</code>"), ("<table>", "</table>"), ("<section ", "</section>")] {
        assert_eq!(page.matches(open).count(), page.matches(close).count(), "{open}");
    }
}

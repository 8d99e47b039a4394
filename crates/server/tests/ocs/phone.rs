//! Phone numbers: what is stored, and who is found by one.

use super::*;

const PATH: &str = "/cloud/users/search/by-phone?format=json";

async fn stored(server: &Server, text: &str) -> serde_json::Value {
    let json = serde_json::json!({ "key": "phone", "value": text }).to_string();
    server.ask("admin", Method::PUT, "/cloud/users/Frank").body("application/json", &json).send().await.ok();
    server.get("admin", "/cloud/users/Frank?format=json").send().await.ok().data()["phone"].clone()
}

async fn found(server: &Server, location: &str, number: &str) -> serde_json::Value {
    let json = serde_json::json!({ "location": location, "search": { "c": [number] } }).to_string();
    server.ask("jane", Method::POST, PATH).body("application/json", &json).send().await.ok().data()
}

#[tokio::test(flavor = "multi_thread")]
async fn national_number_is_found_by_its_location() {
    let server = Server::start().await;
    assert_eq!(stored(&server, "+49 (0)711 / 25 24 28-90").await, "+4971125242890");
    let frank = server.app.settings().cloud_id(&UserId::parse("Frank").unwrap());
    let frank = serde_json::json!({ "c": frank });
    for (location, number, expected) in [
        ("DE", "0711 / 252 428-90", &frank),
        ("de", "0049 711/25 24 28-90", &frank),
        ("US", "011 49 711 25242890", &frank),
        ("US", "+4971125242890", &frank),
        ("US", "0711 / 252 428-90", &serde_json::json!([])),
        ("DE", "0711 / 252 428-91", &serde_json::json!([])),
    ] {
        assert_eq!(found(&server, location, number).await, *expected, "{location} {number}");
    }
    for location in ["", "XX", "ZZ", "Germany", "D1"] {
        let form = format!("location={location}");
        server.post("jane", "/cloud/users/search/by-phone", &form).send().await.fails(400, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn national_number_is_stored_by_the_default_region() {
    let plain = Server::start().await;
    assert_eq!(stored(&plain, "0123 / 456 789").await, "0123 / 456 789", "as typed");
    assert_eq!(found(&plain, "DE", "0123 / 456 789").await, serde_json::json!([]), "its country is unknown");
    let german = Server::with("default_phone_region = \"DE\"", "").await;
    assert_eq!(stored(&german, "0123 / 456 789").await, "+49123456789");
    assert_ne!(found(&german, "DE", "0123 / 456 789").await, serde_json::json!([]));
    for text in ["12", "call me", "0711 x", "+12", "+999 123456"] {
        let form = format!("key=phone&value={}", text.replace('+', "%2B").replace(' ', "+"));
        let answer = german.put("admin", "/cloud/users/Frank", &form).send().await;
        assert!(answer.body.contains("digits and blanks"), "{answer:?}");
        answer.fails(102, "Invalid phone");
    }
}

//! The API description as one static HTML page, without scripts or external resources.
//!
//! It is built once.

use std::fmt::Write;
use std::sync::LazyLock;

use accounts::CompatLevel;
use axum::body::Bytes;

use super::paths::{operation_id, usual, whom, with_what};
use super::{Built, Document, URL, examples};
use crate::gzip;
use crate::provisioning::docs::{ParamDoc, ParamKind, Tag, UNKNOWN_PATH};
use crate::provisioning::envelope::code::Version;
use crate::provisioning::operation::Operation;
use crate::provisioning::routes::{ROUTES, Route};

/// How it looks.
pub(super) const STYLE: &str = include_str!("docs.css");

/// The stylesheet as it is sent.
pub(super) fn style() -> Document {
    static MADE: LazyLock<Document> = LazyLock::new(|| {
        let plain = Bytes::from_static(STYLE.as_bytes());
        Document { url: String::new(), packed: gzip::compressed(&plain), plain }
    });
    MADE.clone()
}

/// The page of a server at this URL.
pub(super) fn page(level: CompatLevel, url: &str) -> Document {
    static MADE: [Built; 2] = [const { Built::new() }; 2];
    let made = MADE.get(usize::from(level >= CompatLevel::V31));
    made.map(|made| made.for_url(escaped(url), || written(level))).unwrap_or_default()
}

fn written(level: CompatLevel) -> String {
    let mut html = String::with_capacity(128 * 1024);
    html += "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>User provisioning API</title>\n<link rel=\"icon\" href=\"pages/icon.svg\">\n\
             <link rel=\"stylesheet\" href=\"pages/style.css\">\n<link rel=\"stylesheet\" href=\"docs.css\">\n</head>\n<body>\n\
             <header>\n<a class=\"brand\" href=\"settings\"><img src=\"pages/icon.svg\" alt=\"\" height=\"32\">\
             <span>User provisioning API</span></a>\n<a href=\"settings\">Your account</a>\n</header>\n\
             <main class=\"wide docs\" id=\"content\">\n<h1>User provisioning API</h1>\n";
    html += &INTRODUCTION.replace("{url}", URL);
    html += "<nav aria-label=\"Operations\">\n";
    for tag in chapters() {
        let _ = write!(html, "<details><summary>{}</summary>\n<ul>\n", escaped(tag.name()));
        for (nth, route) in of_tag(tag) {
            let (method, path) = (route.method.as_str(), escaped(&shown(route.path)));
            let _ = writeln!(
                html,
                "<li><a href=\"#r{nth}\"><b class=\"{}\">{method}</b> {path}</a></li>",
                method.to_lowercase()
            );
        }
        html += "</ul>\n</details>\n";
    }
    html += "</nav>\n";
    for tag in chapters() {
        let _ = writeln!(html, "<h2>{}</h2>", escaped(tag.text()));
        for (nth, route) in of_tag(tag) {
            operation(&mut html, nth, route, level);
        }
    }
    html += "</main>\n</body>\n</html>\n";
    html
}

const INTRODUCTION: &str = "<p>Every call carries the name and the password of an account on this server, and a header:</p>\n\
    <pre>curl -u admin -H 'OCS-APIRequest: true' {url}/ocs/v1.php/cloud/users</pre>\n\
    <p>Paths stand behind <code>/ocs/v1.php</code> or <code>/ocs/v2.php</code>. Version 1 nearly always answers with status 200 and \
    says in <code>statuscode</code> how it went (100 is good); version 2 says it in the status too (200 is good). Parameters come in \
    the query, as a form, as JSON or as <code>multipart/form-data</code>. Answers are XML, or JSON with <code>format=json</code> or \
    <code>Accept: application/json</code>.</p>\n\
    <p>For programs: <a href=\"openapi.json\">version 2</a> and <a href=\"openapi-v1.json\">version 1</a> as OpenAPI 3.1.</p>\n";

fn chapters() -> impl Iterator<Item = Tag> {
    Tag::ALL.iter().copied().filter(|tag| *tag != Tag::Server)
}

fn of_tag(tag: Tag) -> impl Iterator<Item = (usize, &'static Route)> {
    ROUTES.iter().enumerate().filter(move |(_, route)| route.operation.tag == tag)
}

fn operation(html: &mut String, nth: usize, route: &Route, level: CompatLevel) {
    let described = route.operation;
    let method = route.method.as_str();
    let _ = write!(
        html,
        "<section id=\"r{nth}\">\n<h3><b class=\"{}\">{method}</b> <code>{}</code></h3>\n<p>{}. {} {} {}</p>\n",
        method.to_lowercase(),
        escaped(&shown(route.path)),
        escaped(described.summary),
        escaped(whom(route.role)),
        escaped(with_what(route.requires)),
        escaped(described.more),
    );
    parameters(html, described);
    if let Some(example) = examples::of(&operation_id(nth, route)) {
        let user = if example.id.starts_with("AppPassword") { "Frank" } else { "admin" };
        let answer = serde_json::to_string_pretty(&example.answer).unwrap_or_default();
        let _ = writeln!(
            html,
            "<pre>{}</pre>\n<details><summary>Answer: status {}</summary>\n<pre>{}</pre>\n</details>",
            plain(&example.as_curl(URL, user)),
            example.status,
            plain(&answer),
        );
    }
    codes(html, route, described, level);
    *html += "</section>\n";
}

fn parameters(html: &mut String, described: &Operation) {
    for (params, before) in [(described.params, ""), (described.or_params, "<p>or</p>\n")] {
        if params.is_empty() {
            continue;
        }
        *html += before;
        *html +=
            "<table>\n<thead><tr><th>parameter</th><th>type</th><th>meaning</th></tr></thead>\n<tbody>\n";
        for param in params {
            let needed = if param.required { ", required" } else { "" };
            let words: String = param.words.iter().map(|word| format!(" <code>{word}</code>")).collect();
            let _ = writeln!(
                html,
                "<tr><td><code>{}</code></td><td>{}{needed}</td><td>{}{words}</td></tr>",
                escaped(&written_as(param)),
                type_of(param),
                escaped(param.text),
            );
        }
        *html += "</tbody>\n</table>\n";
    }
}

/// The codes of this route only; common codes are listed once.
fn codes(html: &mut String, route: &Route, described: &Operation, level: CompatLevel) {
    let usual = usual(route);
    let everywhere: Vec<String> = usual.iter().map(|(code, _)| code.shown(Version::V1).to_string()).collect();
    *html += "<table class=\"codes\">\n<thead><tr><th>statuscode</th><th>status in version 2</th><th>meaning</th></tr></thead>\n<tbody>\n";
    let _ = writeln!(html, "<tr><td>100, 200</td><td>200</td><td>it worked</td></tr>");
    for (code, text) in described.codes {
        let (shown, status) = match code.at(level) {
            UNKNOWN_PATH => ("998, 404".to_owned(), 404),
            code => (code.shown(Version::V1).to_string(), code.status(Version::V2).as_u16()),
        };
        let _ = writeln!(html, "<tr><td>{shown}</td><td>{status}</td><td>{}</td></tr>", escaped(text));
    }
    let _ = writeln!(
        html,
        "<tr><td colspan=\"3\">and as everywhere: {}, and status 412 without the header</td></tr>",
        everywhere.join(", ")
    );
    *html += "</tbody>\n</table>\n";
}

fn type_of(param: &ParamDoc) -> &'static str {
    match param.kind {
        ParamKind::Text | ParamKind::Secret => "text",
        ParamKind::Number | ParamKind::Count => "number",
        ParamKind::List => "list",
        ParamKind::Map => "map",
        ParamKind::Lists => "map of lists",
    }
}

fn written_as(param: &ParamDoc) -> String {
    match param.kind {
        ParamKind::List => format!("{}[]", param.name),
        ParamKind::Map => format!("{}[…]", param.name),
        ParamKind::Lists => format!("{}[…][]", param.name),
        ParamKind::Text | ParamKind::Secret | ParamKind::Number | ParamKind::Count => param.name.to_owned(),
    }
}

fn shown(path: &str) -> String {
    path.replace("*}", "}")
}

/// A text of a program, as it is.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut code = false;
    for found in text.chars() {
        match found {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // As the descriptions mark words of programs.
            '`' => {
                out.push_str(if code { "</code>" } else { "<code>" });
                code = !code;
            }
            found => out.push(found),
        }
    }
    out
}

//! Hints for calls to an address that there is not, or with a method that it does not take.
//!
//! They come from the table of routes. A row that takes any word in its last place matches typing
//! mistakes, too, so its methods are no advice.

use axum::http::Method;

use super::call_path::Path;
use super::envelope::OcsFailure;
use super::routes::{ROUTES, Route, RouteMatch, find};
use super::users::edit::NO_COLLECTION;

/// The place of a route that takes any word.
const ANY_WORD: &str = "/{collection}";

/// Options of curl that stand after the address.
const OPTIONS: [&str; 4] = ["-d", "-H", "-u", "-X"];

/// The hint for an address with a method that it does not take; these routes it has.
pub(super) fn other_method(method: &Method, path: &Path, known: &[&Route]) -> String {
    if let Some(hint) = missing_blank(method, path) {
        return hint;
    }
    let by_name = known.iter().filter(|route| !route.path.ends_with(ANY_WORD));
    let by_name: Vec<&str> = by_name.map(|route| route.method.as_str()).collect();
    match by_name.first() {
        None => unknown_word(path),
        Some(example) => format!("this address takes {}; with curl: -X {example}", by_name.join(", ")),
    }
}

/// The hint for an unknown address; `raw` is how it came.
pub(super) fn unknown_path(method: &Method, path: Option<&Path>, raw: &str) -> String {
    if let Some(hint) = path.and_then(|path| missing_blank(method, path)) {
        return hint;
    }
    let text = if raw.contains("%20-d") || raw.contains("+-d") || raw.contains("userid=") {
        "that is a command line and not an address: type it in a terminal, as in: curl -u name:password \
         -H 'OCS-APIRequest: true' https://.../ocs/v1.php/cloud/users -d userid=frank -d password=..."
    } else if raw.ends_with('/') {
        "unknown path; try it without the trailing slash"
    } else {
        "unknown path; users are at /ocs/v1.php/cloud/users, groups at /ocs/v1.php/cloud/groups, apps at \
         /ocs/v1.php/cloud/apps"
    };
    text.to_owned()
}

/// A failure of a route that takes any word, with a hint if it does not know the word.
pub(super) fn of_word(
    route: &Route,
    method: &Method,
    path: Option<&Path>,
    failure: OcsFailure,
) -> OcsFailure {
    match path {
        Some(path) if route.path.ends_with(ANY_WORD) && failure.code() == NO_COLLECTION => {
            let hint = missing_blank(method, path).unwrap_or_else(|| unknown_word(path));
            failure.with_hint(hint)
        }
        _ => failure,
    }
}

/// The hint for an address below a user that names nothing.
fn unknown_word(path: &Path) -> String {
    let typed = path.segments().last().map(|word| word.to_lowercase()).unwrap_or_default();
    let below = |route: &&Route| {
        let prefix = route.path.rsplit_once('/').map(|(prefix, _)| prefix);
        last_word(route).is_some() && prefix == Some("/cloud/users/{user}")
    };
    let mut words: Vec<&str> = ROUTES.iter().filter(below).filter_map(last_word).collect();
    words.dedup();
    let is_near = |word: &&&str| !typed.is_empty() && (word.starts_with(&typed) || typed.starts_with(**word));
    match words.iter().find(is_near) {
        Some(near) => format!("unknown address; did you mean .../{near}?"),
        None => format!("unknown address; below a user there are: {}", words.join(", ")),
    }
}

/// The hint for an option of curl that is part of the address: `.../groups-d groupid=staff`.
fn missing_blank(method: &Method, path: &Path) -> Option<String> {
    let last = path.segments().last()?;
    let (word, option) = OPTIONS.iter().find_map(|option| Some((last.strip_suffix(option)?, option)))?;
    let path = path.with_last(word);
    let by_method = |method: &Method| match find(method, &path) {
        RouteMatch::Route(route, _) if last_word(route) == Some(word) => Some(route),
        _ => None,
    };
    let others = [Method::POST, Method::PUT, Method::DELETE, Method::GET];
    let route = by_method(method).or_else(|| others.iter().find_map(by_method))?;
    let example = match (*option, route.operation.params.iter().find(|param| param.required)) {
        ("-d", Some(param)) => format!("-d {}=...", param.name),
        _ => (*option).to_owned(),
    };
    Some(format!("a blank is missing before {option}: .../{word} {example}"))
}

/// The last part of a route's path, if it is a word and no name of a parameter.
fn last_word(route: &Route) -> Option<&'static str> {
    let (_, word) = route.path.rsplit_once('/')?;
    (!word.is_empty() && !word.starts_with('{')).then_some(word)
}

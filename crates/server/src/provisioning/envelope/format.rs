//! XML or JSON: who decides.

/// How an answer is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// XML, unless the request asks for JSON.
    Xml,
    /// JSON.
    Json,
}

impl Format {
    /// Chooses by the parameter `format`, or else by the first media type of `Accept`.
    ///
    /// Other media types of `Accept` are ignored, as clients expect. Whatever is unknown means XML.
    pub fn choose(parameter: Option<&str>, accept: Option<&str>) -> Self {
        match parameter {
            Some(asked) => Self::known(asked, "json"),
            None => {
                let first = accept.unwrap_or_default().split([',', ';']).next().unwrap_or_default();
                Self::known(first.trim(), "application/json")
            }
        }
    }

    /// Matches in any letter case.
    ///
    /// The original ends with an internal error for `format=JSON`.
    fn known(found: &str, json: &str) -> Self {
        if found.eq_ignore_ascii_case(json) { Self::Json } else { Self::Xml }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_wins_and_only_the_first_media_type_counts() {
        for (parameter, accept, expected) in [
            (None, None, Format::Xml),
            (Some("json"), None, Format::Json),
            (Some("xml"), Some("application/json"), Format::Xml),
            (Some("JSON"), None, Format::Json),
            (Some("bogus"), Some("application/json"), Format::Xml),
            (Some(""), Some("application/json"), Format::Xml),
            (None, Some("application/json"), Format::Json),
            (None, Some("application/json; charset=utf-8, text/html"), Format::Json),
            (None, Some("text/html, application/json;q=0.9"), Format::Xml),
            (None, Some("*/*"), Format::Xml),
            (None, Some(""), Format::Xml),
        ] {
            assert_eq!(Format::choose(parameter, accept), expected, "{parameter:?} {accept:?}");
        }
    }
}

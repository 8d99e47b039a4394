//! The languages of the pages: which one a reader gets, and its texts from `locales/`.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// A language that the pages speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PageLanguage {
    #[default]
    English,
    German,
    French,
    Spanish,
}

impl PageLanguage {
    /// All of them, in the order of the choice at the page of one's own account.
    pub(super) const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Spanish];

    /// Its code (ISO 639).
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    /// What its speakers call it.
    pub(super) const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
            Self::French => "Français",
            Self::Spanish => "Español",
        }
    }

    const fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("../../locales/en.ftl"),
            Self::German => include_str!("../../locales/de.ftl"),
            Self::French => include_str!("../../locales/fr.ftl"),
            Self::Spanish => include_str!("../../locales/es.ftl"),
        }
    }

    /// The language of a tag such as `de`, `de_DE` or `de-AT`.
    pub(super) fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.', '@']).next()?;
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(primary))
    }

    /// The available language that the browser prefers (RFC 9110, section 12.5.4).
    pub(super) fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let wanted = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best: Option<(f32, Self)> = None;
        for part in wanted.split(',') {
            let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok());
            let (Some(weight), Some(language)) = (weight, Self::of_tag(tag.trim())) else { continue };
            if weight > best.map_or(0.0, |(best, _)| best) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// A text.
    pub(super) fn text(self, id: &str) -> String {
        self.text_with(id, &[])
    }

    /// A text with values.
    ///
    /// A missing text is shown as its id; a test ensures that none is missing.
    pub(super) fn text_with(self, id: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
        let Some(bundle) = BUNDLES.iter().zip(Self::ALL).find(|(_, language)| *language == self) else {
            return id.to_owned();
        };
        let bundle = bundle.0;
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else {
            return id.to_owned();
        };
        let values: FluentArgs<'_> = values.iter().cloned().collect();
        bundle.format_pattern(pattern, Some(&values), &mut Vec::new()).into_owned()
    }
}

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 4]> = LazyLock::new(|| {
    PageLanguage::ALL.map(|language| {
        let id: LanguageIdentifier = language.code().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Names are set apart by quotes or by elements, and pages are searched for what they say.
        bundle.set_use_isolating(false);
        let resource = FluentResource::try_new(language.source().to_owned());
        bundle.add_resource_overriding(resource.unwrap_or_else(|(resource, _)| resource));
        bundle
    })
});

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// The ids of a language's texts, with the values that each has.
    fn texts(language: PageLanguage) -> BTreeMap<String, BTreeSet<String>> {
        FluentResource::try_new(language.source().to_owned())
            .unwrap_or_else(|(_, errors)| panic!("{language:?}: {errors:?}"));
        let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut id = String::new();
        for line in language.source().lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) = line.split_once(" =")
                && !name.starts_with([' ', '*', '['])
            {
                id = name.to_owned();
                assert!(texts.insert(id.clone(), BTreeSet::new()).is_none(), "{language:?}: {id} twice");
            }
            for value in line.split('$').skip(1) {
                let value = value.split([' ', '}']).next().unwrap().to_owned();
                texts.get_mut(&id).unwrap().insert(value);
            }
        }
        texts
    }

    #[test]
    fn every_language_has_every_text_with_the_same_values() {
        let english = texts(PageLanguage::English);
        assert!(english.len() > 150);
        for language in PageLanguage::ALL {
            let own = texts(language);
            let missing: Vec<_> = english.keys().filter(|id| !own.contains_key(*id)).collect();
            let unknown: Vec<_> = own.keys().filter(|id| !english.contains_key(*id)).collect();
            assert!(missing.is_empty() && unknown.is_empty(), "{language:?}: {missing:?} {unknown:?}");
            assert_eq!(own, english, "{language:?}: other values");
            for id in own.keys() {
                let bundle = &BUNDLES[PageLanguage::ALL.iter().position(|one| *one == language).unwrap()];
                let values: FluentArgs<'_> =
                    own[id].iter().map(|name| (name.clone(), FluentValue::from(2))).collect();
                let mut errors = Vec::new();
                let message = bundle.get_message(id).and_then(|message| message.value()).unwrap();
                let text = bundle.format_pattern(message, Some(&values), &mut errors);
                assert!(errors.is_empty() && !text.contains("{$"), "{language:?} {id}: {errors:?}");
            }
        }
    }

    /// Every text that a page uses exists, and every text is used.
    #[test]
    fn texts_of_pages_are_those_of_the_files() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut used = String::new();
        for folder in ["templates", "src/web", "src/web/admin", "src/auth"] {
            for file in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = file.unwrap().path();
                if path.is_file() && !path.ends_with("language.rs") {
                    used += &std::fs::read_to_string(path).unwrap();
                }
            }
        }
        let known = texts(PageLanguage::English);
        for id in known.keys() {
            assert!(used.contains(&format!("\"{id}\"")), "nothing asks for {id}");
        }
        let message_ids = used.split(".t(\"").chain(used.split(".t_with(\"")).skip(1);
        for id in message_ids.filter_map(|rest| rest.split_once('"').map(|(id, _)| id)) {
            if id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !id.is_empty() {
                assert!(known.contains_key(id), "no text {id}");
            }
        }
    }

    #[test]
    fn browser_gets_the_language_it_likes_best() {
        for (wanted, expected) in [
            ("de", Some(PageLanguage::German)),
            ("de-AT,de;q=0.9,en;q=0.8", Some(PageLanguage::German)),
            ("it, fr;q=0.5, es;q=0.7", Some(PageLanguage::Spanish)),
            ("en;q=0, fr ;q=0.1", Some(PageLanguage::French)),
            ("it", None),
            ("*", None),
            ("de;q=x", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, wanted.parse().unwrap());
            assert_eq!(PageLanguage::of_headers(&headers), expected, "{wanted}");
        }
        assert_eq!(PageLanguage::of_tag("de_DE"), Some(PageLanguage::German));
        assert_eq!(PageLanguage::of_tag("den"), None);
    }

    #[test]
    fn numbers_get_their_plural_form() {
        let minutes = |language: PageLanguage, n: u64| language.text_with("wait-minutes", &[("n", n.into())]);
        assert_eq!(minutes(PageLanguage::English, 1), "1 minute");
        assert_eq!(minutes(PageLanguage::English, 12), "12 minutes");
        assert_eq!(minutes(PageLanguage::German, 12), "12 Minuten");
        assert_eq!(minutes(PageLanguage::French, 0), "0 minute");
    }
}

//! Stylesheet, script and image of the pages, with the configured colour and logo.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use accounts::{Color, PageSettings};
use axum::body::Bytes;
use user_backend::file_permissions;

use crate::gzip;

const STYLE: &str = include_str!("../templates/style.css");
const SCRIPT: &str = include_str!("../templates/page.js");
const ICON: &str = include_str!("../templates/icon.svg");
/// On the button that shows a password.
const EYE: &str = include_str!("../templates/eye.svg");

/// The colour in `icon.svg`.
const ICON_COLOR: &str = "#1f5fbf";

/// The backgrounds in `style.css` on which links and buttons stand.
const LIGHT: Color = Color([0xf4, 0xf5, 0xf7]);
const DARK: Color = Color([0x1d, 0x21, 0x28]);

/// The contrast that text needs (WCAG 2.2, 1.4.3), and a little more.
const CONTRAST: f64 = 4.6;

/// The largest logo, so that the first page stays small.
const MAX_LOGO_BYTES: u64 = 16 * 1024;

/// A file that pages load.
#[derive(Debug)]
pub(crate) struct Asset {
    name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) body: Bytes,
    /// The same in gzip, if that is shorter.
    pub(crate) packed: Option<Bytes>,
}

/// What the pages look like.
#[derive(Debug)]
pub(crate) struct PageAssets {
    /// All of them: there is no other way to serve one.
    files: Vec<Asset>,
    /// Changes with the assets, so that browsers may keep them as long as they like.
    pub(crate) version: String,
    pub(crate) settings: PageSettings,
}

impl PageAssets {
    /// Reads the logo.
    ///
    /// Without one that can be read, the icon stands there.
    pub(crate) fn new(settings: &PageSettings) -> Self {
        let mut style = STYLE.to_owned();
        let mut icon = ICON.to_owned();
        if let Some(color) = settings.color {
            style.push_str(&variables(color));
            icon = icon.replace(ICON_COLOR, &readable_on(color, LIGHT).to_string());
        }
        let logo = settings.logo.as_deref().and_then(logo);
        let (icon, icon_kind) = logo.unwrap_or_else(|| (Bytes::from(icon), "image/svg+xml"));
        let asset = |name, kind, body: Bytes| Asset { name, kind, body, packed: None };
        let mut files = vec![
            asset("style.css", "text/css; charset=utf-8", style.clone().into()),
            asset("page.js", "text/javascript; charset=utf-8", Bytes::from_static(SCRIPT.as_bytes())),
            asset(LOGO, icon_kind, icon),
            asset("eye.svg", "image/svg+xml", Bytes::from_static(EYE.as_bytes())),
        ];
        let version = version(&files);
        for file in files.iter_mut().filter(|file| file.name == "style.css") {
            file.body = style.replace("url(\"eye.svg\")", &format!("url(\"eye.svg?v={version}\")")).into();
        }
        for file in &mut files {
            file.packed = gzip::compressed(&file.body);
        }
        Self { files, version, settings: settings.clone() }
    }

    /// The asset of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Asset> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// The logo, if there is one, and else the icon.
pub(crate) const LOGO: &str = "icon.svg";

fn version(files: &[Asset]) -> String {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(&(file.body.len() as u64).to_le_bytes()).update(&file.body);
    }
    hasher.finalize().to_hex().chars().take(12).collect()
}

/// Reads a logo.
fn logo(path: &Path) -> Option<(Bytes, &'static str)> {
    let kind = kind_of(path.extension()?.to_str()?)?;
    let mut bytes = Vec::new();
    let read =
        file_permissions::open(path).and_then(|file| file.take(MAX_LOGO_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        tracing::warn!(logo = ?path, %error, "the logo cannot be read");
        return None;
    }
    if bytes.len() as u64 > MAX_LOGO_BYTES {
        tracing::warn!(logo = ?path, most = MAX_LOGO_BYTES, "the logo is too large");
        return None;
    }
    Some((bytes.into(), kind))
}

/// The media type of a logo, by the ending of its name.
fn kind_of(extension: &str) -> Option<&'static str> {
    match extension.to_ascii_lowercase().as_str() {
        "svg" => Some("image/svg+xml"),
        "png" => Some("image/png"),
        "webp" => Some("image/webp"),
        _ => None,
    }
}

/// The colour of links and buttons, adjusted until text in it is readable.
fn variables(color: Color) -> String {
    let (light, dark) = (readable_on(color, LIGHT), readable_on(color, DARK));
    let mut text = String::new();
    // Writing into a text does not fail.
    let _ = write!(
        text,
        "\n:root {{ --accent: {light}; --accent-ink: #ffffff; --link: {light}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; --accent-ink: #0d1219; --link: {dark}; }} }}\n"
    );
    text
}

/// The colour, darkened or lightened in small steps until the contrast is sufficient.
fn readable_on(color: Color, background: Color) -> Color {
    let towards = if luminance(background) > 0.5 { 0.0 } else { 255.0 };
    (0..=20_u8)
        .map(|step| mixed(color, towards, f64::from(step) / 20.0))
        .find(|mixed| contrast(*mixed, background) >= CONTRAST)
        .unwrap_or_else(|| mixed(color, towards, 1.0))
}

fn mixed(Color(parts): Color, towards: f64, share: f64) -> Color {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    Color(parts.map(|part| (f64::from(part) * (1.0 - share) + towards * share).round() as u8))
}

/// The ratio of two colours' luminance (WCAG 2.2).
fn contrast(one: Color, other: Color) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(Color(parts): Color) -> f64 {
    let [red, green, blue] = parts.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_color_of_the_settings_can_be_read() {
        for red in (0..=255_u8).step_by(51) {
            for green in (0..=255_u8).step_by(51) {
                for blue in (0..=255_u8).step_by(51) {
                    let color = Color([red, green, blue]);
                    for (background, ink) in [(LIGHT, Color([255; 3])), (DARK, Color([0x0d, 0x12, 0x19]))] {
                        let readable = readable_on(color, background);
                        assert!(contrast(readable, background) >= 4.5, "{color} on {background}");
                        assert!(contrast(ink, readable) >= 4.5, "{ink} on {readable}");
                    }
                }
            }
        }
        let color = Color([0x1f, 0x5f, 0xbf]);
        assert_eq!(readable_on(color, LIGHT), color, "one that can be read stays");
    }

    #[test]
    fn every_asset_changes_the_version() {
        let made = || PageAssets::new(&PageSettings::default());
        let before = made().version;
        assert_eq!(before, made().version);
        for nth in 0..made().files.len() {
            let mut files = made().files;
            let bytes = [files[nth].body.as_ref(), b" "].concat();
            files[nth].body = bytes.into();
            assert_ne!(version(&files), version(&made().files), "{}", files[nth].name);
        }
        let style = made().find("style.css").unwrap().body.clone();
        let style = String::from_utf8(style.to_vec()).unwrap();
        assert!(style.contains(&format!("url(\"eye.svg?v={before}\")")));
    }

    #[test]
    fn logo_is_a_small_file_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logo.png");
        std::fs::write(&path, vec![b'x'; 16 * 1024]).unwrap();
        assert_eq!(logo(&path).unwrap().1, "image/png");
        std::fs::write(&path, vec![b'x'; 16 * 1024 + 1]).unwrap();
        assert!(logo(&path).is_none());
        #[cfg(unix)]
        {
            std::fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink("/dev/null", &path).unwrap();
            assert!(logo(&path).is_none());
        }
    }

    #[test]
    fn backgrounds_are_those_of_the_stylesheet() {
        assert!(STYLE.contains(&format!("--paper: {LIGHT};")) && STYLE.contains(&format!("--card: {DARK};")));
        assert!(ICON.contains(ICON_COLOR));
    }
}

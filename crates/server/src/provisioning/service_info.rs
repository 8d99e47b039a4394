//! Capabilities and identity of the service.

use super::call::Call;
use super::envelope::data::Data;
use super::envelope::{OcsAnswer, OcsFailure};
use super::operation::{Operation, operation};

/// The version of the PHP system whose answers these are: clients read it to know what to expect.
pub(crate) const API_VERSION: (u32, u32, u32) = (25, 0, 2);

/// `GET /cloud/capabilities`
pub(crate) const CAPABILITIES: Operation = operation!(
    "Capabilities",
    Service,
    "Returns the capabilities of the server",
    capabilities(),
    capabilities(call)
)
.with_etag();

async fn capabilities(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let (major, minor, micro) = API_VERSION;
    let version = Data::map([
        ("major", Data::from(major)),
        ("minor", minor.into()),
        ("micro", micro.into()),
        ("string", format!("{major}.{minor}.{micro}").into()),
        ("edition", "".into()),
        ("extendedSupport", false.into()),
    ]);
    let mut capabilities = vec![(
        "provisioning_api".to_owned(),
        Data::map([
            ("version", Data::from("1.15.0")),
            ("AccountPropertyScopesVersion", 2_u32.into()),
            ("AccountPropertyScopesFederatedEnabled", true.into()),
            ("AccountPropertyScopesPublishedEnabled", true.into()),
        ]),
    )];
    if let Some(policy) = call.app.rules().await?.policy() {
        let rules = policy.rules();
        let at = |what: &str| {
            Data::from(format!(
                "{}/ocs/v2.php/apps/password_policy/api/v1/{what}",
                call.app.settings().public_url()
            ))
        };
        let minimum = i64::try_from(rules.min_length).unwrap_or(i64::MAX);
        let map = Data::map([
            ("minLength", Data::Int(minimum)),
            ("enforceNonCommonPassword", rules.enforce_non_common_password.into()),
            ("enforceNumericCharacters", rules.enforce_numeric_characters.into()),
            ("enforceSpecialCharacters", rules.enforce_special_characters.into()),
            ("enforceUpperLowerCase", rules.enforce_upper_lower_case.into()),
            ("api", Data::map([("generate", at("generate")), ("validate", at("validate"))])),
        ]);
        capabilities.push(("password_policy".to_owned(), map));
    }
    Ok(Data::map([("version", version), ("capabilities", Data::Map(capabilities))]).into())
}

/// `GET /config`
pub(crate) const SERVICE: Operation =
    operation!("ServiceInfo", Service, "Returns version and name of the service", service(), service(call));

async fn service(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let settings = call.app.settings();
    Ok(Data::map([
        ("version", Data::from("1.7")),
        ("website", settings.name.as_str().into()),
        ("host", settings.public_host().into()),
        ("contact", "".into()),
        ("ssl", if settings.public_url().starts_with("https:") { "true" } else { "false" }.into()),
    ])
    .into())
}

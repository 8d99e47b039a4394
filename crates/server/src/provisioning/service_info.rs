//! Capabilities and identity of the service.

use super::call::Call;
use super::compat;
use super::envelope::data::Data;
use super::envelope::{OcsAnswer, OcsFailure};
use super::operation::{Operation, operation};

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
    let level = call.app.settings().compat;
    let (major, minor, micro) = level.version();
    let version = Data::map([
        ("major", Data::from(major)),
        ("minor", minor.into()),
        ("micro", micro.into()),
        ("string", format!("{major}.{minor}.{micro}").into()),
        ("edition", "".into()),
        ("extendedSupport", false.into()),
    ]);
    // Without a sign-in only the version is returned, as clients expect, and no password rules.
    if call.caller.is_none() {
        return Ok(Data::map([("version", version), ("capabilities", Data::NOTHING)]).into());
    }
    let mut capabilities = vec![(
        "provisioning_api".into(),
        Data::map([
            ("version", Data::from(compat::api_version(level))),
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
        let flags = [
            ("enforceNonCommonPassword", Data::from(rules.enforce_non_common_password)),
            ("enforceNumericCharacters", rules.enforce_numeric_characters.into()),
            ("enforceSpecialCharacters", rules.enforce_special_characters.into()),
            ("enforceUpperLowerCase", rules.enforce_upper_lower_case.into()),
        ];
        let mut map = vec![("minLength", Data::Int(minimum))];
        map.extend(flags.clone());
        map.push(("api", Data::map([("generate", at("generate")), ("validate", at("validate"))])));
        if compat::has_policies_per_context(level) {
            let mut account = vec![
                ("minLength", Data::Int(minimum)),
                ("enforceHaveIBeenPwned", rules.enforce_have_i_been_pwned.into()),
            ];
            account.extend(flags);
            map.push(("policies", Data::one("account", Data::map(account))));
        }
        capabilities.push(("password_policy".into(), Data::map(map)));
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

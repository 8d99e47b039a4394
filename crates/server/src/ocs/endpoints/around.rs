//! What stands around users and groups: what the server can do, who it is, and passwords before anybody has them.

use accounts::{PasswordRules, Person};
use user_backend::clock::later;

use super::Call;
use crate::app::SignIn;
use crate::ocs::code::Code;
use crate::ocs::data::Data;
use crate::ocs::envelope::{Answer, Failure};

/// The version of the PHP system whose answers these are: clients read it to know what to expect.
pub const SPOKEN: (u32, u32, u32) = (25, 0, 2);

/// `GET /cloud/capabilities`
pub(super) async fn capabilities(call: &Call<'_>) -> Result<Answer, Failure> {
    let (major, minor, micro) = SPOKEN;
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
pub(super) fn service(call: &Call<'_>) -> Result<Answer, Failure> {
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

/// `POST /person/check`: whether a name and a password belong together.
pub(super) async fn person_check(call: &Call<'_>) -> Result<Answer, Failure> {
    let login = call.params.text("login")?.unwrap_or_default();
    let password = call.params.text("password")?.unwrap_or_default();
    if login.is_empty() || password.is_empty() {
        return Err(Failure::bare(101));
    }
    if !call.origin.private && !call.app.settings().allow_plaintext {
        return Err(Failure::new(Code::FORBIDDEN, crate::http::PLAINTEXT));
    }
    match call.app.sign_in(login, password, call.origin.address).await? {
        SignIn::Welcome(_, standing) => {
            let id = standing.user.id.as_str();
            Ok(Data::one("person", Data::one("personid", id)).into())
        }
        SignIn::Refused => Err(Failure::bare(102)),
        SignIn::Throttled(wait) => Err(Failure::throttled(wait)),
        SignIn::Unavailable(wait) => Err(Failure::unavailable(wait)),
    }
}

/// `GET /apps/password_policy/api/v1/generate`
pub(super) async fn generate(call: &Call<'_>) -> Result<Answer, Failure> {
    let policy = call.app.rules().await?.policy().ok_or_else(Failure::unknown_path)?;
    let generated = policy.generate().map_err(|error| {
        tracing::error!(%error, "no password could be generated");
        Failure::broken()
    })?;
    Ok(Data::one("password", generated.expose()).into())
}

/// `POST /apps/password_policy/api/v1/validate`
pub(super) async fn validate(call: &Call<'_>) -> Result<Answer, Failure> {
    let password = call.params.required("password")?.to_owned();
    let rules = call.app.rules().await?;
    if rules.policy().is_none() {
        return Err(Failure::unknown_path());
    }
    let id = call.caller()?.id().as_str().to_owned();
    let app = call.app.clone();
    // A rule may ask a server; that waits where waiting is allowed.
    let work = tokio::task::spawn_blocking(move || {
        let person = Person { id: &id, display_name: None, email: None };
        app.known_rules().check(&password, &person)
    });
    let deadline = later(user_backend::clock::now(), std::time::Duration::from_secs(10));
    let checked = tokio::time::timeout_at(deadline, work).await;
    let checked = checked.map_err(|_| Failure::broken())?.map_err(|_| Failure::broken())?;
    Ok(match checked {
        Ok(()) => Data::map([("passed", Data::from(true))]),
        Err(reason) => Data::map([("passed", Data::from(false)), ("reason", reason.into())]),
    }
    .into())
}

//! Passwords: whether one fits a name, whether one may be chosen, and new ones.

use std::time::Duration;

use accounts::{Person, SetError};
use user_backend::Outcome;
use user_backend::clock::{later, now};

use super::call::Call;
use super::docs::{ParamDoc, ParamKind, ResponseDoc, UNKNOWN_PATH};
use super::envelope::code::Code;
use super::envelope::data::Data;
use super::envelope::{OcsAnswer, OcsFailure};
use super::operation::{Operation, operation};
use crate::auth::sign_in::Accepts;
use crate::problem::plaintext;
use crate::state::RULES_TIME;

const MISSING: Code = Code::of_endpoint(101);
const WRONG: Code = Code::of_endpoint(102);

const POLICY_OFF: &[ResponseDoc] = &[(UNKNOWN_PATH, "the password policy is switched off")];

/// `POST /person/check`: checks a name and a password.
pub(crate) const CHECK: Operation =
    operation!("PersonCheck", Passwords, "Checks a name and a password", person(), check(call))
        .params(&[
            ParamDoc::text("login", "The name").required(),
            ParamDoc::new("password", ParamKind::Secret, "The password").required(),
        ])
        .codes(&[
            (MISSING, "one of them is missing"),
            (WRONG, "they do not"),
            (Code::FORBIDDEN, "passwords are not accepted over plain HTTP from other machines"),
        ]);

async fn check(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let login = call.params.text("login")?.unwrap_or_default();
    let password = call.params.text("password")?.unwrap_or_default();
    if login.is_empty() || password.is_empty() {
        return Err(OcsFailure::bare(MISSING));
    }
    if !call.origin.private && !call.app.settings().allow_plaintext {
        return Err(OcsFailure::new(Code::FORBIDDEN, plaintext(&call.origin)));
    }
    match call.app.sign_in(login, password, call.origin.address, Accepts::AppPassword).await? {
        Ok(accepted) => {
            let id = accepted.standing.user.id.as_str();
            Ok(Data::one("person", Data::one("personid", id)).into())
        }
        Err(Outcome::Refused(_)) => Err(OcsFailure::bare(WRONG)),
        Err(outcome) => Err(OcsFailure::not_signed_in(&outcome)),
    }
}

/// `GET /apps/password_policy/api/v1/generate`
pub(crate) const GENERATE: Operation = operation!(
    "PasswordGenerate",
    Passwords,
    "Generates a password that the policy accepts",
    named_text("password"),
    generate(call)
)
.codes(POLICY_OFF);

async fn generate(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let policy = call.app.rules().await?.policy().ok_or_else(OcsFailure::unknown_path)?;
    let generated = policy.generate().map_err(|error| {
        tracing::error!(%error, "no password could be generated");
        OcsFailure::broken()
    })?;
    Ok(Data::one("password", generated.expose()).into())
}

/// `POST /apps/password_policy/api/v1/validate`
pub(crate) const VALIDATE: Operation = operation!(
    "PasswordValidate",
    Passwords,
    "Checks a password against the policy",
    judged(),
    validate(call)
)
.params(&[ParamDoc::new("password", ParamKind::Secret, "The password").required()])
.codes(POLICY_OFF);

async fn validate(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let password = call.params.required("password")?;
    let rules = call.app.rules().await?;
    if rules.policy().is_none() {
        return Err(OcsFailure::unknown_path());
    }
    let person = Person { id: call.caller()?.id().as_str(), display_name: None, email: None };
    let checked = call.app.passwords().check(person, password, later(now(), RULES_TIME)).await;
    Ok(match checked {
        Ok(()) => Data::map([("passed", Data::from(true))]),
        Err(SetError::Refused(reason)) => {
            Data::map([("passed", Data::from(false)), ("reason", reason.into())])
        }
        Err(error) => {
            tracing::warn!(%error, "a password was not judged");
            let text = "Passwords cannot be judged at the moment, try again later";
            return Err(OcsFailure::new(Code::UNAVAILABLE, text).after(Duration::from_secs(1)));
        }
    }
    .into())
}

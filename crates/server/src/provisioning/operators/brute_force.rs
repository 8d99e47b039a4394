//! Limits on guessing: which sources are slowed down and why, and how to lift that.

use accounts::{Clock, NextAttempt, UserId};

use super::{count, seconds};
use crate::provisioning::call::Call;
use crate::provisioning::docs::ParamDoc;
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};

const NO_SOURCE: Code = Code::of_endpoint(101);

/// How many sources an answer has at most.
const MAX_SOURCES: u32 = 500;

/// `GET /cloud/server/brute-force`
pub(crate) const LIST: Operation = operation!(
    "BruteForceList",
    Operators,
    "Lists the sources with failed sign-ins that still count",
    limited_sources(),
    list(call)
)
.more(
    "Those with the most failures first, at most 500. Which names were tried is not kept: what was typed may be a password \
     in the wrong field.",
);

async fn list(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let resolver = call.app.resolver();
    let (throttle, now) = (resolver.throttle(), Clock::system().now());
    let sources = call.app.accounts().failed_logins().sources(now.before(throttle.per), MAX_SOURCES).await?;
    let shown = sources.iter().map(|(source, at)| {
        let next = NextAttempt::of(&throttle, *source, at, now);
        Data::map([
            ("source", Data::from(source.to_string())),
            ("failures", count(at.len())),
            ("first", seconds(at.first().copied())),
            ("last", seconds(at.last().copied())),
            ("refused", next.refused.into()),
            ("wait", count(next.left.as_millis().div_ceil(1000))),
        ])
    });
    let pressure = resolver.pressure();
    Ok(Data::map([
        ("sources", Data::List(shown.collect())),
        ("limit", throttle.refuse_after.into()),
        ("seconds", count(throttle.per.as_secs())),
        ("users", count(pressure.locked_users)),
    ])
    .into())
}

/// `DELETE /cloud/server/brute-force`
pub(crate) const RELEASE: Operation = operation!(
    "BruteForceRelease",
    Operators,
    "Forgets the failed sign-ins from a source, or with a name, on all servers",
    nothing(),
    release(call)
)
.params(&[
    ParamDoc::text("source", "An address, or a network as it is listed"),
    ParamDoc::text("user", "The name of a user, whose remembered sign-ins are forgotten as well"),
])
.codes(&[(NO_SOURCE, "neither an address nor the name of a user")]);

async fn release(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let wanted =
        |text: Option<&'_ str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let (source, user) = (wanted(call.params.text("source")?), wanted(call.params.text("user")?));
    let accounts = call.accounts()?;
    match (source, user) {
        (Some(source), None) => {
            let source = source.parse().map_err(|_| OcsFailure::bare(NO_SOURCE))?;
            accounts.failed_logins().reset(source).await?;
        }
        (None, Some(user)) => {
            let user = UserId::parse(&user).map_err(|_| OcsFailure::bare(NO_SOURCE))?;
            accounts.credential_epoch().forget(user.name()).await?;
        }
        _ => return Err(OcsFailure::bare(NO_SOURCE)),
    }
    Ok(OcsAnswer::NOTHING)
}

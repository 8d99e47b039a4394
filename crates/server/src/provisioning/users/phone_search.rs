//! Users by their phone numbers.

use accounts::{PhoneRegion, international_phone_number};

use crate::provisioning::call::Call;
use crate::provisioning::docs::{ParamDoc, ParamKind, TextForm};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};

/// `POST /cloud/users/search/by-phone`: which user has which number.
///
/// Address books of phones use it.
pub(crate) const SEARCH: Operation = operation!(
    "UserSearchByPhone",
    Users,
    "Finds users by their phone numbers, by key",
    texts_by_key(),
    search(call)
)
.params(&[
    ParamDoc::text("location", "The country of numbers that do not name theirs, in two letters").form(TextForm::COUNTRY).required(),
    ParamDoc::new("search", ParamKind::Lists, "Phone numbers by a key of one's own; national ones are those of `location`"),
])
.more("At most 1,000 numbers a user and day. A call that would be beyond that answers 429 with `Retry-After`, and looks up none.")
.codes(&[
    (Code::BAD_REQUEST, "`location` is no country"),
    (Code::THROTTLED, "the caller has looked up 1,000 numbers in the last 24 hours"),
]);

const TOO_MANY: &str = "Too many phone numbers were looked up";

const TOO_MANY_HINT: &str =
    "a user may look up 1,000 numbers in 24 hours; none of this call was looked up, so send fewer, or later";

async fn search(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let region = call.params.text("location")?.unwrap_or_default();
    let region: PhoneRegion = region.parse().map_err(|_| OcsFailure::new(Code::BAD_REQUEST, ""))?;
    let phone = |number| international_phone_number(number, Some(region));
    let search = call.params.text_lists("search")?.into_iter();
    let search: Vec<(&str, Vec<String>)> =
        search.map(|(key, numbers)| (key, numbers.into_iter().filter_map(phone).collect())).collect();
    let count = search.iter().map(|(_, numbers)| numbers.len()).sum::<usize>();
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let counted =
        call.app.accounts().as_system().users().count_phone_searches(call.caller()?.id(), count).await?;
    if let Err(wait) = counted {
        return Err(OcsFailure::new(Code::THROTTLED, TOO_MANY).with_hint(TOO_MANY_HINT).after(wait));
    }
    let mut found = Vec::new();
    for (key, numbers) in search {
        for number in numbers {
            let users = call.app.accounts().users().by_phone(&number).await?;
            if let Some(user) = users.first() {
                let cloud_id = call.app.settings().cloud_id(&user.id);
                found.push((key.into(), Data::from(cloud_id)));
                break;
            }
        }
    }
    Ok(Data::Map(found).into())
}

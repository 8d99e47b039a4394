//! Users by their phone numbers.

use super::validate::phone;
use crate::provisioning::call::Call;
use crate::provisioning::docs::{Kind, Param};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{Answer, Failure};
use crate::provisioning::operation::{Operation, operation};

/// `POST /cloud/users/search/by-phone`: who has which number, for address books of phones.
pub(crate) const SEARCH: Operation = operation!(
    "UserSearchByPhone",
    Users,
    "Finds users by their phone numbers, by key",
    texts_by_key(),
    search(call)
)
.params(&[
    Param::text("location", "A country in two letters").required(),
    Param::new("search", Kind::Lists, "Phone numbers with their country code, by a key of one's own"),
])
.codes(&[(Code::BAD_REQUEST, "`location` is no country")]);

async fn search(call: &Call<'_>) -> Result<Answer, Failure> {
    let region = call.params.text("location")?.unwrap_or_default();
    if region.len() != 2 || !region.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(Failure::new(Code::BAD_REQUEST, ""));
    }
    let mut found = Vec::new();
    for (key, numbers) in call.params.text_lists("search")? {
        for number in numbers {
            // Without a table of all countries only numbers with a country code can be compared.
            let Some(number) = phone(number) else { continue };
            let users = call.app.accounts().users().by_phone(&number).await?;
            if let Some(user) = users.first() {
                let cloud_id = call.app.settings().cloud_id(&user.id);
                found.push((key.to_owned(), Data::from(cloud_id)));
                break;
            }
        }
    }
    Ok(Data::Map(found).into())
}

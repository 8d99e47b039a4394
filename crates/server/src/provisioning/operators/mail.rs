//! The queue of mails, and a test of the mail server.

use std::time::Duration;

use accounts::{EmailAddress, EmailMessage, MailTransport, SendError, SmtpTransport, WaitingMail};
use user_backend::clock::{later, now};

use super::{count, seconds};
use crate::provisioning::call::Call;
use crate::provisioning::docs::ParamDoc;
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};

const NO_ADDRESS: Code = Code::of_endpoint(101);
const NOT_TAKEN: Code = Code::of_endpoint(102);

/// How many mails an answer has at most.
const MAX_MAILS: u32 = 200;

/// Less than a request may take.
const TIME: Duration = Duration::from_secs(45);

/// `GET /cloud/server/mail`
pub(crate) const QUEUE: Operation =
    operation!("MailQueue", Operators, "Lists the mails that wait to be sent", mail_queue(), queue(call))
        .more("The first 200 that are due. Texts are written when a mail is sent, so none is kept.");

async fn queue(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let outbox = call.app.accounts().outbox();
    let (waiting, mails) = (outbox.waiting().await?, outbox.next(MAX_MAILS).await?);
    let server = call.app.settings().mail.as_ref().map(|mail| mail.endpoint().to_string());
    Ok(Data::map([
        ("server", Data::from(server.unwrap_or_default())),
        ("waiting", count(waiting)),
        ("mails", Data::List(mails.iter().map(as_data).collect())),
    ])
    .into())
}

fn as_data(mail: &WaitingMail) -> Data {
    Data::map([
        ("kind", Data::from(mail.kind.as_str())),
        ("created", seconds(Some(mail.created))),
        ("due", seconds(Some(mail.due))),
        ("attempts", count(mail.attempts)),
    ])
}

/// `POST /cloud/server/mail/test`
pub(crate) const TEST: Operation = operation!(
    "MailTest",
    Operators,
    "Hands one mail to the mail server now, and says what it answers",
    nothing(),
    test(call)
)
.params(&[ParamDoc::text("address", "Where the mail goes").required()])
.codes(&[
    (NO_ADDRESS, "that is no mail address"),
    (NOT_TAKEN, "there is no mail server, or it did not take the mail; see the message"),
]);

async fn test(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let address = call.params.once("address")?;
    let address = EmailAddress::parse(address.trim()).map_err(|_| OcsFailure::bare(NO_ADDRESS))?;
    let settings = call.app.settings();
    let failed = |why: String| OcsFailure::new(NOT_TAKEN, why);
    let Some(mail) = settings.mail.clone() else {
        return Err(failed("No mail server is configured".to_owned()));
    };
    let host = mail.endpoint().to_string();
    let message = EmailMessage::test(&settings.name, &address).map_err(|error| failed(error.to_string()))?;
    let transport = SmtpTransport::new(mail).map_err(|error| failed(format!("{host}: {error}")))?;
    call.accounts()?.audit().record("mail.tested", address.as_str(), None).await?;
    match transport.send(&message, later(now(), TIME)).await {
        Ok(()) => Ok(OcsAnswer::NOTHING),
        Err(SendError::Refused(why)) => Err(failed(format!("{host} refused the mail: {why}"))),
        Err(SendError::Later(why)) => Err(failed(format!("{host} cannot take a mail now: {why}"))),
    }
}

//! `mail:test`: hands one mail to the mail server now, and says what the server answers.

use std::time::Duration;

use accounts::{EmailAddress, EmailMessage, MailTransport, SendError, SmtpTransport};
use serde_json::json;
use user_backend::clock::{later, now};

use crate::Call;
use crate::cli::MailTestArgs;
use crate::config_file;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::user::NO_MAIL_SERVER;

/// Longer than a mail server takes to look at a mail.
const TIME: Duration = Duration::from_secs(90);

pub(crate) async fn run(call: Call<'_>, args: &MailTestArgs) -> Result<Output, CliError> {
    let (_, server, _) = config_file::read(call.common)?;
    let address = EmailAddress::parse(&args.address)?;
    let failed = |why: String| format!("Failed to send email: {why}");
    let Some(mail) = server.mail else {
        return Err(CliError::refused(failed(NO_MAIL_SERVER.to_owned())));
    };
    let host = mail.endpoint().to_string();
    let message = EmailMessage::test(&server.name, &address);
    let message = message.map_err(|error| CliError::refused(failed(error.to_string())))?;
    let transport = SmtpTransport::new(mail);
    let transport = transport.map_err(|error| CliError::new(failed(format!("{host}: {error}"))))?;
    match transport.send(&message, later(now(), TIME)).await {
        Ok(()) => {
            let plain = format!("{host} took the mail to {address}: it is on its way\n");
            let json = json!({ "result": "accepted", "server": host, "address": address.as_str() });
            Output::new(plain, &json, Exit::Fine)
        }
        Err(SendError::Refused(why)) => {
            Err(CliError::refused(failed(format!("{host} refused the mail to {address}: {why}"))))
        }
        Err(SendError::Later(why)) => {
            Err(CliError::unavailable(failed(format!("{host} cannot take a mail now: {why}"))))
        }
    }
}

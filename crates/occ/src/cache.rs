//! `cache:flush`: all servers forget what they remember of sign-ins.

use accounts::UserId;

use crate::Call;
use crate::cli::FlushArgs;
use crate::exit::Failure;
use crate::output::Reply;
use crate::store::{self, Missing};

pub(crate) async fn flush(call: Call<'_>, args: &FlushArgs) -> Result<Reply, Failure> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let generations = store.accounts.generations();
    match &args.user {
        Some(user) => {
            let id = UserId::parse(user)?;
            generations.forget(id.name()).await?;
            Ok(Reply::done([format!("What was remembered of {} is forgotten", id.name())]))
        }
        None => {
            generations.forget_all().await?;
            Ok(Reply::done(["What was remembered of sign-ins is forgotten"]))
        }
    }
}

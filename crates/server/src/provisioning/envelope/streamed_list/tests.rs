use std::collections::VecDeque;

use http_body_util::BodyExt;

use super::*;
use crate::provisioning::envelope::code::Version;
use crate::provisioning::envelope::{OcsAnswer, seal};

/// Parts that were written down before, and failures between them.
struct Parts(VecDeque<Result<Data, AccountsError>>);

#[async_trait::async_trait]
impl PageSource for Parts {
    async fn next(&mut self) -> Result<Option<Data>, AccountsError> {
        self.0.pop_front().transpose()
    }
}

fn down() -> AccountsError {
    AccountsError::Unavailable { why: "away".to_owned() }
}

fn meta() -> Data {
    Data::map([("status", Data::from("ok")), ("statuscode", Data::Int(200)), ("message", "OK".into())])
}

async fn written(
    parts: impl IntoIterator<Item = Result<Data, AccountsError>>,
    format: Format,
) -> Result<Vec<u8>, String> {
    let mut parts: VecDeque<_> = parts.into_iter().collect();
    let first = parts.pop_front().unwrap().unwrap();
    let body = StreamedList::new("users", first, Parts(parts)).into_body(&meta(), format).unwrap();
    body.collect().await.map(|body| body.to_bytes().to_vec()).map_err(|error| error.to_string())
}

fn held(data: Data, format: Format) -> Vec<u8> {
    seal(&Ok(OcsAnswer::from(Data::one("users", data))), Version::V2, format).unwrap().body
}

fn ids(from: usize, to: usize) -> Data {
    Data::list((from..to).map(|n| format!("user <{n}> & \"Zoë\"")))
}

fn people(from: usize, to: usize) -> Data {
    Data::map((from..to).map(|n| (format!("{n}a"), Data::map([("id", n.to_string())]))))
}

#[tokio::test]
async fn in_parts_or_in_one_piece_the_bytes_are_the_same() {
    for format in [Format::Json, Format::Xml] {
        for (whole, parts) in [
            (ids(0, 5), vec![ids(0, 2), ids(2, 2), ids(2, 5)]),
            (ids(0, 1), vec![ids(0, 1)]),
            (ids(0, 0), vec![ids(0, 0)]),
            (people(0, 4), vec![people(0, 0), people(0, 3), people(3, 4)]),
            (people(0, 0), vec![people(0, 0), people(0, 0)]),
        ] {
            let streamed = written(parts.into_iter().map(Ok), format).await.unwrap();
            assert_eq!(String::from_utf8(streamed), String::from_utf8(held(whole, format)), "{format:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn returning_store_is_waited_for() {
    let parts = [Ok(ids(0, 2)), Err(down()), Err(down()), Ok(ids(2, 3)), Err(down()), Ok(ids(3, 4))];
    assert_eq!(written(parts, Format::Json).await.unwrap(), held(ids(0, 4), Format::Json));
}

#[tokio::test(start_paused = true)]
async fn half_a_list_is_never_a_whole_answer() {
    let away = || Err(down());
    let lasting = [Ok(ids(0, 2)), Ok(ids(2, 3)), away(), away(), away(), away(), Ok(ids(3, 4))];
    let broken = [Ok(ids(0, 2)), Err(AccountsError::Full), Ok(ids(2, 3))];
    for parts in [lasting.to_vec(), broken.to_vec()] {
        for format in [Format::Json, Format::Xml] {
            let error = written(parts.clone(), format).await.unwrap_err();
            assert!(error.contains("in the middle of a list"), "{error}");
        }
    }
}

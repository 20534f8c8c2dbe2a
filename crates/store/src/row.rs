//! Reading of typed values from rows; an error for an invalid value names its column.

use crate::{StoreError, sql::SqlRow};
use keydesk_model::{AccountNumber, Timestamp};
use std::str::FromStr;

/// Parses a text column as `T`.
pub(crate) fn parsed<T: FromStr>(row: &SqlRow, column: &'static str) -> Result<T, StoreError> {
    let text: &str = row.get(column)?;
    text.parse().map_err(|_| StoreError::Unreadable { column })
}

pub(crate) fn parsed_opt<T: FromStr>(
    row: &SqlRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = row.get(column)?;
    text.map(|text| text.parse().map_err(|_| StoreError::Unreadable { column })).transpose()
}

pub(crate) fn text(row: &SqlRow, column: &'static str) -> Result<String, StoreError> {
    row.get(column)
}

pub(crate) fn number(row: &SqlRow, column: &'static str) -> Result<i64, StoreError> {
    row.get(column)
}

pub(crate) fn account_number(
    row: &SqlRow,
    column: &'static str,
) -> Result<AccountNumber, StoreError> {
    let number = u32::try_from(number(row, column)?).ok().and_then(|number| number.try_into().ok());
    number.ok_or(StoreError::Unreadable { column })
}

pub(crate) fn instant(row: &SqlRow, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_micros(row.get(column)?))
}

pub(crate) fn instant_opt(
    row: &SqlRow,
    column: &'static str,
) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = row.get(column)?;
    Ok(micros.map(Timestamp::from_micros))
}

pub(crate) fn digest(row: &SqlRow, column: &'static str) -> Result<[u8; 32], StoreError> {
    let bytes: &[u8] = row.get(column)?;
    bytes.try_into().map_err(|_| StoreError::Unreadable { column })
}

pub(crate) fn digest_opt(
    row: &SqlRow,
    column: &'static str,
) -> Result<Option<[u8; 32]>, StoreError> {
    let bytes: Option<&[u8]> = row.get(column)?;
    bytes.map(|bytes| bytes.try_into().map_err(|_| StoreError::Unreadable { column })).transpose()
}

/// Escapes `text` for a LIKE pattern with the escape character `!`.
pub(crate) fn escape_like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

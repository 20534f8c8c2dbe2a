//! HTTP/1.1 as bytes: heads, bodies, and buffers. Parses strictly and writes its own framing.

mod body;
mod buffer;
mod field;
mod head;
mod name;
mod write;

pub(crate) use body::{Decoder, Framing, Step, announced_length};
pub(crate) use buffer::Buffer;
pub use field::MOST_FIELDS;
pub(crate) use field::{Field, Kind, Noted};
pub(crate) use head::{Head, HeadError, ResponseHead};
pub(crate) use name::{IDENTITY_HEADERS, mistaken_for};
pub(crate) use write::{
    LAST_CHUNK, answer_bytes, begin_chunk, http_date, push_field, push_status, with_date,
};

//! Requests that a client can repeat without repeating their effect.

/// A request that has an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// The digest of the client and its key for the request.
    pub key: [u8; 32],
    /// The digest of the request itself.
    pub fingerprint: [u8; 32],
}

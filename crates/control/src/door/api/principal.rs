//! Extractors: the principal as whom the request's management key acts, the ID in the path, and the query.

use super::{ApiError, RequestCode, page::read_query};
use crate::{
    AppState,
    management_keys::{Either, KeyHolder},
    principal::{Caller, Credential, Operator},
    refusal::{Code, Refusal},
};
use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use std::{str::FromStr, sync::Arc};

/// The principal of a request, which the guard has authenticated.
#[derive(Clone)]
pub(crate) struct Authenticated(pub Arc<KeyHolder>);

/// A principal that a management key can act as.
pub(crate) trait ApiPrincipal: Sized + Send + Sync {
    fn of(holder: &KeyHolder) -> Result<Self, ApiError>;
    fn credential_mut(&mut self) -> &mut Credential;
}

impl ApiPrincipal for Caller {
    fn of(holder: &KeyHolder) -> Result<Self, ApiError> {
        match holder {
            KeyHolder::Member(caller) => Ok((**caller).clone()),
            KeyHolder::Operator(_) => {
                let detail = "This request is about an account. Use a management key that was created in the account.";
                Err(ApiError::new(RequestCode::AccountKeyRequired, detail))
            }
        }
    }

    fn credential_mut(&mut self) -> &mut Credential {
        &mut self.credential
    }
}

impl ApiPrincipal for Operator {
    fn of(holder: &KeyHolder) -> Result<Self, ApiError> {
        match holder {
            KeyHolder::Operator(operator) => Ok((**operator).clone()),
            KeyHolder::Member(_) => {
                let detail = "This request is about the instance. Use a management key that an operator created.";
                Err(ApiError::new(RequestCode::InstanceKeyRequired, detail))
            }
        }
    }

    fn credential_mut(&mut self) -> &mut Credential {
        &mut self.credential
    }
}

impl ApiPrincipal for Either {
    fn of(holder: &KeyHolder) -> Result<Self, ApiError> {
        Ok(match holder {
            KeyHolder::Member(caller) => Self::Member(caller.clone()),
            KeyHolder::Operator(operator) => Self::Operator(operator.clone()),
        })
    }

    fn credential_mut(&mut self) -> &mut Credential {
        match self {
            Self::Member(caller) => &mut caller.credential,
            Self::Operator(operator) => &mut operator.credential,
        }
    }
}

/// Returns the principal of a request.
pub(crate) fn principal_of<C: ApiPrincipal>(parts: &Parts) -> Result<C, ApiError> {
    let Some(Authenticated(holder)) = parts.extensions.get() else {
        return Err(Refusal::from(Code::InvalidManagementKey).into());
    };
    C::of(holder)
}

/// The principal of a request that changes nothing.
pub(crate) struct By<C>(pub C);

impl<C: ApiPrincipal> FromRequestParts<AppState> for By<C> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        principal_of(parts).map(Self)
    }
}

/// The ID in the path. A text that isn't an ID names nothing.
pub(crate) struct ApiPath<T>(pub T);

impl<T: FromStr> FromRequestParts<AppState> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let not_found = || ApiError::from(Refusal::from(Code::NotFound));
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(text) = path.map_err(|_| not_found())?;
        text.parse().map(Self).map_err(|_| not_found())
    }
}

/// The two IDs in the path. Texts that aren't IDs name nothing.
pub(crate) struct ApiPaths<A, B>(pub A, pub B);

impl<A: FromStr, B: FromStr> FromRequestParts<AppState> for ApiPaths<A, B> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let not_found = || ApiError::from(Refusal::from(Code::NotFound));
        let path = Path::<(String, String)>::from_request_parts(parts, app).await;
        let Path((first, second)) = path.map_err(|_| not_found())?;
        let first = first.parse().map_err(|_| not_found())?;
        Ok(Self(first, second.parse().map_err(|_| not_found())?))
    }
}

/// The parameters in the query of a request for one object; unknown ones are errors.
pub(crate) struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        read_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

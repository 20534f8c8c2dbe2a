//! The user and the account for which a page was opened. Each of its forms carries them.

use keydesk_model::{AccountId, UserId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageFor {
    pub user: UserId,
    pub account: Option<AccountId>,
}

impl std::fmt::Display for PageFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.user)?;
        self.account.map_or(Ok(()), |account| write!(f, ".{account}"))
    }
}

impl std::str::FromStr for PageFor {
    type Err = keydesk_model::IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (user, account) = match text.split_once('.') {
            Some((user, account)) => (user, Some(account.parse()?)),
            None => (text, None),
        };
        Ok(Self { user: user.parse()?, account })
    }
}

help-lead-token = Answers for your account. Your endpoint URL is <code>{ $endpoint_url }</code>, and your bearer token <code>{ $masked }</code> was created { $when }.
help-lead = Answers for your account. Your endpoint URL is <code>{ $endpoint_url }</code>.
help-api-token = An <b>API token</b>, which you create with <i>Create new token</i>, belongs to the account. It’s shown once and can be limited to certain scopes. It works until it expires or someone rotates or revokes it, even if the person who created it leaves.
help-live =
    { $n ->
        [one] This account has { $n } active API token.
       *[other] This account has { $n } active API tokens.
    }
help-one-each = Use a separate token for each production integration.
help-thanks = Thanks for your feedback.
help-asked = Did this answer your question?
help-yes = Yes
help-no = No
help-missing = What was missing? (optional)
help-missing-example = For example, how to rotate a token from a script
help-find = Where do I find my endpoint URL and bearer token?
help-find-answer = On <a href="/api-docs">API Docs</a>, one click from every page. Each has a <i>Copy</i> button. Your endpoint URL is <code>{ $endpoint_url }</code>.
help-find-viewer = On <a href="/api-docs">API Docs</a>, if you’re an owner, administrator, or developer. You’re a viewer here; the page lists who can change your role.
help-use = How do I use them in a request?
help-use-answer = Send requests to paths under the endpoint URL, with the token in the Authorization header:
help-example = Example
help-use-more = This request returns the token, account, scopes, and IP address that reach the gateway. The header contains the word <i>Bearer</i> once, then one space, then the token.
help-difference = What’s the difference between the bearer token and “Create new token”?
help-bearer = The <b>bearer token</b> on API Docs is tied to you. You can copy it at any time. It stops working when you change or reset your password, log out of all sessions, leave the account, or rotate it.
help-password = What happens to my tokens when I change my password?
help-password-answer = As soon as the page confirms the change, your current bearer token stops working. You’ll find the new one on <a href="/api-docs">API Docs</a>. API tokens aren’t affected. The same applies to resetting your password and logging out of all sessions.
help-break = What would break if I changed it now?
help-break-answer = These clients would stop working. First, <a href="/api-docs/move">create an API token for each</a>.
help-secure = How do I keep a token secure?
help-secure-answer = Anyone who has the token can call the API as this account. Keep it in an environment variable or a secrets manager, never in source code, a URL, a ticket, or a chat. Keydesk looks up tokens by hash only, encrypts the copy shown on API Docs with a key stored outside the database, and rejects tokens in URLs. If a token leaks, rotate it immediately: the previous one stops working right away.
help-rejected = Why is my request rejected?
help-rejected-answer = The response body explains why in <code>title</code> and <code>detail</code>: for example, the token is missing, incomplete, expired, or revoked, “Bearer” appears twice, or the endpoint URL belongs to another account. A 401 is always about the token. A 403 means that the token isn’t allowed to do this. A 502 or 504 means that the API behind the gateway is unavailable and your token is fine.
help-slash = Does a trailing slash matter?
help-slash-answer = No. <code>{ $endpoint_url }</code> and <code>{ $endpoint_url }/</code> are the same. If your endpoint URL ends in an account number, it must be the number of the token’s account.
invalid-answer = The answer must be yes or no.
errors-title = Error codes
errors-one = Error { $code }
errors-lead = What each of the gateway’s error codes means, and what to do about it.
errors-all = All errors
help-search = Search error codes
errors-search = Error code, status, or keyword
errors-none = No matching error codes.

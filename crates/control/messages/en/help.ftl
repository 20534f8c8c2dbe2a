help-lead-token = Answers for your account: your endpoint is <code>{ $endpoint_url }</code>, your bearer token <code>{ $masked }</code> was made { $when }.
help-lead = Answers for your account: your endpoint is <code>{ $endpoint_url }</code>.
help-api-token = An <b>API token</b>, made with <i>Create new token</i>, is bound to the account. It is shown once, may be limited to scopes, and lives until it expires or someone rotates or revokes it, whatever happens to the person who made it.
help-live =
    { $n ->
        [one] This account has { $n } live API token.
       *[other] This account has { $n } live API tokens.
    }
help-one-each = Use one for each program in production.
help-thanks = Thank you for telling us.
help-asked = Did this answer your question?
help-yes = Yes
help-no = No
help-missing = What was missing, optional
help-missing-example = What was missing? (optional)
help-find = Where do I find my endpoint URL and bearer token?
help-find-answer = On <a href="/api-docs">API Docs</a>, one click from every page: each has a <i>Copy</i> button. Your endpoint URL is <code>{ $endpoint_url }</code>.
help-find-viewer = On <a href="/api-docs">API Docs</a>, for owners, administrators and developers. You are a viewer here; the page says whom to ask.
help-use = How do I use them in a request?
help-use-answer = Send requests below the endpoint URL with the token in one header:
help-example = Example
help-use-more = This one answers which token, account, scopes and address arrive. The word <i>Bearer</i> stands there once, then one space, then the token.
help-difference = What is the difference between the bearer token and “Create new token”?
help-bearer = The <b>bearer token</b> on API Docs is bound to you. It is always there to copy, and it ends when you change or reset your password, log out from all active sessions, leave the account, or rotate it.
help-password = What happens to my tokens when I change my password?
help-password-answer = Your bearer token is refused from the moment the page says “changed”; the new one stands on <a href="/api-docs">API Docs</a>. API tokens are not touched. The same holds for a password reset and for logging out from all active sessions.
help-break = What would break if I changed it now?
help-break-answer = These stop working. <a href="/tokens/new">Give each an API token of its own</a> first.
help-secure = How do I keep a token secure?
help-secure-answer = Whoever holds it calls the API as this account. Keep it in the program's environment or a secret store, never in code, a URL, a ticket or a chat. Keydesk finds a token by its digest alone, keeps the copy that API Docs shows you encrypted under a key outside the database, and refuses tokens in URLs. If one has got out, rotate it at once: the old one is refused from that moment.
help-refused = Why is my request refused?
help-refused-answer = The answer's body says it, in <code>title</code> and <code>detail</code>: no token, “Bearer” twice, a token cut short, expired when, ended by what, or another account's endpoint. A 401 is always about the token; 403 means that it may not do this; 502 and 504 mean that the API behind is away and your token is fine.
help-slash = Does a trailing slash matter?
help-slash-answer = No. <code>{ $endpoint_url }</code> and <code>{ $endpoint_url }/</code> are the same. Where the endpoint URL ends in an account number, it must be the token's own.
help-answered = answered is yes or no

errors-title = Errors of the gateway
errors-one = Error { $code }
errors-lead = What each error code of the API’s gateway means.
errors-all = All errors

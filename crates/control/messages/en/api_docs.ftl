api-docs-lead = Everything an integration needs to call the API as { $account }: where to send requests, and the token that authenticates them.
api-docs-used-by =
    { $n ->
        [one] <b>{ $client } from { $address }</b> uses this token (last request { $when }) and stops working if your password changes. <a href="/api-docs/move">Create an API token for it</a>
       *[other] <b>{ $client } from { $address }</b> and { $others } more use this token (last request { $when }) and stop working if your password changes. <a href="/api-docs/move">Create an API token for each</a>
    }
reference-title = API reference · Keydesk
reference-back = ← API Docs
reference-no-script = The interactive reference requires JavaScript. The operations are also listed on <a href="/api-docs#reference">API Docs</a>, and you can read the OpenAPI document at <a href="/api-docs/openapi.json">openapi.json</a>.
rotate-bearer = Rotate bearer token
rotate-bearer-lead = You’ll get a new bearer token, and the current one stops working immediately. API tokens aren’t affected.
viewer-lead = Your role here is Viewer, and viewers don’t have a token. To get one, ask one of these people to change your role to Developer:
api-docs-create = Create new token
api-docs-credentials = Your credentials
api-docs-number = Account { $number }
api-docs-of-url = endpoint URL
api-docs-of-token = bearer token
api-docs-show = Show
api-docs-hide = Hide
api-docs-rotate = Rotate
api-docs-yours = This token is yours alone. Keep it secret: anyone who has it can call the API as you. It stops working when you change or reset your password, log out of all sessions, leave the account, or rotate it.
api-docs-show-token = Show bearer token
api-docs-a-while = It’s been a while since you entered your password. Enter it to show the token.
api-docs-first-call = Make your first request
api-docs-call-it = Send it from this browser
api-docs-of-snippet = { $label } snippet
api-docs-whoami = From your own server, <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code> returns the token, account, and scopes that reach the gateway, and the IP address they come from.
api-docs-all-tokens = All tokens
api-docs-no-token = No API tokens yet. Your bearer token is tied to you. In production, use an API token: it keeps working when your password changes.
api-docs-by = by { $made_by }
api-docs-reference = API reference
api-docs-try-it = Open interactive reference
api-docs-no-description = The API’s OpenAPI document can’t be loaded right now. Contact the API provider. Your endpoint URL and token still work.
api-docs-operations = API operations
api-docs-what-it-does = Description
api-docs-scopes-any = Required scopes (any one)
api-docs-scopes = Required scopes
reference-unavailable-why = The API’s OpenAPI document can’t be loaded right now. Contact the API provider.
reference-unavailable = The API reference isn’t available
api-docs-left-behind = Rejected since your bearer token was replaced:
api-docs-left-behind-why = These clients still use the previous token. Give them the new one or, better, an API token, which keeps working when your password changes.
service-works = Everything works.
service-you = Your requests fail, and those of other accounts don’t.
service-api = The API fails for all accounts.
service-no-gateway = No gateway is running.
service-gateways = { $n ->
    [one] { $n } gateway runs
   *[other] { $n } gateways run
}
service-all = All accounts: the API failed { $share } of requests (5xx)
service-own = You: { $share } failed (4xx and 5xx)
api-docs-collection = Postman and Bruno collection
api-docs-env = .env file
api-docs-agents = For coding agents
api-docs-agents-lead = The prompt has the endpoint URL, authentication, scopes, and error codes of the API, and no secret. Give it to an agent together with openapi.json or reference.md.
api-docs-prompt = Show prompt
api-docs-copy-prompt = Copy prompt
service-you-at-least = Many of your requests fail.
operation-request = Request
operation-try = Try it
operation-body = Body
operation-schema = Schema
operation-fill-in = Confirm your password to fill in your bearer token
operation-send = Send request
operation-copy-curl = Copy as curl
operation-response = Response
operation-history = Requests from this tab
operation-no-script = To send requests from this page, turn on JavaScript. The curl command works without it.
operation-facts = About the operation
operation-required = required
operation-responses = Responses
operation-gateway-errors = Gateway errors
operation-used-by = Used by
operation-unused = No client in this account has used this operation in the last 30 days.
operation-requests = { $n ->
    [one] { $n } request
   *[other] { $n } requests
 }
operation-rejected = { $n ->
    [one] { $n } rejected
   *[other] { $n } rejected
 }
operation-deprecated = This operation is deprecated and might be removed. Ask the API provider which operation to use instead.
operation-is-deprecated = Deprecated
operation-place-path = path
operation-place-query = query
operation-place-header = header
api-changes = API changes that affect you
api-changes-what = Change
api-changes-gone = No longer in the API’s OpenAPI document
api-changes-lead = Operations that your clients used and that are deprecated or no longer in the API’s OpenAPI document.
api-changes-none = Your clients use no operation that is deprecated or gone.
api-history = Changes of the API
last-90-days = Last 90 days
api-history-none = The API’s OpenAPI document has not changed.
api-history-clients = Your clients
api-history-seen = Seen
api-difference-added = New operation
api-difference-removed = Operation removed
api-difference-deprecated = Deprecated
api-difference-required = { $name } is required now
api-difference-input_removed = { $name } was removed
api-difference-input_added = { $name } can be sent now
api-difference-scope_added = The scope { $name } is required now

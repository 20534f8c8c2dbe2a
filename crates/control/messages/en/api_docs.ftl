api-docs-lead = Everything a program needs to call the API as { $account }: where to send requests, and the token that opens it.
api-docs-used-by =
    { $n ->
        [one] <b>{ $program } from { $address }</b> uses this token (last call { $when }) and stops if your password changes. <a href="/tokens/new">Give it an API token of its own</a>
       *[other] <b>{ $program } from { $address }</b> and { $others } more use this token (last call { $when }) and stop if your password changes. <a href="/tokens/new">Give each an API token of its own</a>
    }
reference-title = API reference · Keydesk
reference-back = ← API Docs
reference-no-script = The interactive reference needs JavaScript. The operations are listed on <a href="/api-docs#reference">API Docs</a>, and the document itself is at <a href="/api-docs/openapi.json">openapi.json</a>.
rotate-bearer = Rotate bearer token
rotate-bearer-lead = A new bearer token takes the place of yours. The old one is refused from that moment. API tokens are not touched.
viewer-lead = You are a viewer here, and viewers have no token. If you need one, ask one of these to make you a developer:
api-docs-create = Create new token
api-docs-credentials = Your credentials
api-docs-number = Account { $number }
api-docs-of-url = endpoint URL
api-docs-of-token = bearer token
api-docs-show = Show
api-docs-hide = Hide
api-docs-rotate = Rotate
api-docs-yours = Yours alone. It ends when you change or reset your password, log out everywhere, leave the account, or rotate it. Keep it secret: whoever has it calls the API as you.
api-docs-show-token = Show bearer token
api-docs-a-while = It is a while since you gave your password, so the token is not on this page.
api-docs-first-call = Make the first call
api-docs-call-it = Call it from this browser
api-docs-of-snippet = { $label } snippet
api-docs-whoami = From your own server, <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code> answers which token, account and scopes arrive there, and from which address.
api-docs-all-tokens = All tokens
api-docs-no-token = None yet. The bearer token is bound to you; a program in production deserves an API token, which no password change ends.
api-docs-by = by { $made_by }
api-docs-reference = API reference
api-docs-try-it = Open with “try it”
api-docs-no-description = The API's description cannot be read at the moment. Ask whoever runs this API; your endpoint URL and token work without it.
api-docs-operations = Operations of the API
api-docs-what-it-does = What it does
api-docs-scopes-any = Scopes, any one
api-docs-scopes = Scopes
reference-none-why = The API's description cannot be read at the moment. Ask whoever runs it.
reference-none = There is no reference yet

api-docs-left-behind = Rejected since your bearer token was replaced:
api-docs-left-behind-why = These programs still use the old token. Give them the new one, or better an API token, which no password change ends.

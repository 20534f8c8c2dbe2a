receipts-lead = For every revoked token: which gateways rejected it, and when.
receipts-latest = Latest receipts
receipts-none = No token in this account has been revoked yet. <a href="/tokens">Go to Tokens</a>.
receipts-none-found = No matching receipts.
receipts-search = Name of a token or member
receipts-gateways = Gateways
receipts-rejected = Rejected by all gateways
receipts-after = after { $slowest_ms } ms
receipt-complete = Every gateway rejects it. The last one confirmed after { $slowest_ms } ms. Requests in progress at a gateway end within half a second.
receipt-complete-by-lease = Every gateway rejects it. Not all of them confirmed in time; the last lease expired { $when }.
receipt-pending = At least one gateway hasn’t confirmed yet. A gateway that can’t be reached rejects the token on its own when its lease expires { $when }. Reload this page then.
receipt-gateways = Gateways
receipt-gateway = Gateway
receipt-rejects = Rejects it
receipt-confirmed = confirmed { $after }
receipt-at-latest = when its lease expires: { $when }
receipt-committed = Committed
receipt-change = Change number
receipt-of = Subject
receipt-signed = Signed receipt
receipt-one = Receipt
receipt-check = Anyone can verify it with the keys at <code>/.well-known/keydesk-receipt-keys</code>: <code class="code-line" tabindex="0">keydesk receipt verify --keys keys.json receipt.txt</code>
receipt-all = All receipts
event-unknown = Token revoked
durable-twice = on disk on two machines before it was acknowledged
durable-soon = on disk on one machine, and soon on another
durable-here = on disk on one machine

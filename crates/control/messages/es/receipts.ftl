receipts-lead = Para cada token revocado: qué gateways lo rechazaron y cuándo.
receipts-latest = Últimos recibos
receipts-none = Aún no se revocó ningún token de esta cuenta. <a href="/tokens">Ir a Tokens</a>.
receipts-none-found = Ningún recibo coincide.
receipts-search = Nombre de un token o miembro
receipts-gateways = Gateways
receipts-rejected = Rechazado en todos los gateways
receipts-after = después de { $slowest_ms } ms
receipt-complete = Todos los gateways lo rechazan. El último confirmó después de { $slowest_ms } ms. Las solicitudes en curso en un gateway finalizan en medio segundo como máximo.
receipt-complete-by-lease = Todos los gateways lo rechazan. No todos confirmaron a tiempo; la última concesión (lease) venció { $when }.
receipt-pending = Aún no se rechaza en todos los gateways: al menos uno no ha confirmado. Incluso un gateway que no se puede contactar lo rechaza a más tardar { $when }. Recarga esta página en ese momento.
receipt-gateways = Gateways
receipt-gateway = Gateway
receipt-rejects = Lo rechaza
receipt-confirmed = confirmado { $after }
receipt-at-latest = a más tardar { $when }, automáticamente
receipt-committed = Guardado
receipt-change = Número de cambio
receipt-of = Objeto
receipt-signed = Recibo firmado
receipt-one = Recibo
receipt-check = Cualquiera puede verificarlo con las claves de <code>/.well-known/keydesk-receipt-keys</code>: <code class="code-line" tabindex="0">keydesk receipt verify --keys keys.json receipt.txt</code>
receipt-all = Todos los recibos
event-unknown = Token revocado
durable-twice = en disco en dos máquinas antes de confirmarse
durable-soon = en disco en una máquina y, en breve, en otra
durable-here = en disco en una máquina

receipts-lead = Para cada token que terminó: qué gateways lo rechazaron, y cuándo.
receipts-latest = Últimos
receipts-none = Aún no ha terminado ningún token de esta cuenta. <a href="/tokens">Ir a Tokens</a>.
receipts-gateways = Gateways
receipts-rejected = Rechazado en todas partes
receipts-after = tras { $slowest_ms } ms
receipt-complete = Todos los gateways lo rechazan. El último lo confirmó tras { $slowest_ms } ms. Las solicitudes en curso en un gateway terminan en medio segundo.
receipt-complete-by-lease = Todos los gateways lo rechazan. No todos confirmaron a tiempo; la última concesión terminó { $when }.
receipt-pending = Aún no en todas partes: un gateway no ha confirmado. Pase lo que pase, lo rechaza por sí solo desde las { $when }. Recarga la página después de esa hora.
receipt-gateways = Gateways
receipt-gateway = Gateway
receipt-rejects = Lo rechaza
receipt-confirmed = confirmado { $after }
receipt-at-latest = a más tardar { $when }, por sí mismo
receipt-committed = Escrito
receipt-change = Número de cambio
receipt-of = Sobre
receipt-signed = Firmado
receipt-one = Recibo
receipt-check = Cualquiera puede comprobarlo con las claves de <code>/.well-known/keydesk-receipt-keys</code>: <code class="code-line" tabindex="0">keydesk receipt verify --keys keys.json receipt.txt</code>
receipt-all = Todos los recibos
event-unknown = Token terminado
durable-twice = en los discos de dos máquinas antes de confirmarse
durable-soon = en el disco de una máquina, y pronto en el de otra
durable-here = en el disco de una máquina
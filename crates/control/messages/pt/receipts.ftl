receipts-lead = Para cada token que terminou: quais gateways o recusaram, e quando.
receipts-latest = Últimos
receipts-none = Nenhum token desta conta terminou ainda. <a href="/tokens">Ir para Tokens</a>.
receipts-gateways = Gateways
receipts-rejected = Recusado em todos os lugares
receipts-after = após { $slowest_ms } ms
receipt-complete = Todos os gateways o recusam. O último confirmou após { $slowest_ms } ms. As solicitações em andamento em um gateway terminam em meio segundo.
receipt-complete-by-lease = Todos os gateways o recusam. Nem todos confirmaram a tempo; a última concessão terminou { $when }.
receipt-pending = Ainda não em todos os lugares: um gateway não confirmou. Aconteça o que acontecer, ele o recusa por conta própria a partir das { $when }. Recarregue a página depois dessa hora.
receipt-gateways = Gateways
receipt-gateway = Gateway
receipt-rejects = Recusa
receipt-confirmed = confirmado { $after }
receipt-at-latest = no mais tardar { $when }, por si mesmo
receipt-committed = Gravado
receipt-change = Número da mudança
receipt-of = Sobre
receipt-signed = Assinado
receipt-one = Recibo
receipt-check = Qualquer um pode verificá-lo com as chaves em <code>/.well-known/keydesk-receipt-keys</code>: <code class="code-line" tabindex="0">keydesk receipt verify --keys keys.json receipt.txt</code>
receipt-all = Todos os recibos
event-unknown = Token terminado
durable-twice = nos discos de duas máquinas antes de ser confirmado
durable-soon = no disco de uma máquina, e logo no de outra
durable-here = no disco de uma máquina
receipts-lead = Para cada token revogado: quais gateways o rejeitaram e quando.
receipts-latest = Recibos mais recentes
receipts-none = Nenhum token desta conta foi revogado ainda. <a href="/tokens">Ir para Tokens</a>.
receipts-none-found = Nenhum recibo corresponde.
receipts-search = Nome de um token ou membro
receipts-gateways = Gateways
receipts-rejected = Rejeitado em todos os gateways
receipts-after = após { $slowest_ms } ms
receipt-complete = Todos os gateways o rejeitam. O último confirmou após { $slowest_ms } ms. As solicitações em andamento em um gateway são encerradas em até meio segundo.
receipt-complete-by-lease = Todos os gateways o rejeitam. Nem todos confirmaram a tempo; a última concessão expirou { $when }.
receipt-pending = Ainda não é rejeitado em todos os gateways: pelo menos um gateway não confirmou. Mesmo um gateway que não possa ser contatado o rejeita, no mais tardar, a partir de { $when }. Recarregue esta página nesse momento.
receipt-gateways = Gateways
receipt-gateway = Gateway
receipt-rejects = Rejeita o token
receipt-confirmed = confirmado { $after }
receipt-at-latest = automaticamente, prazo máximo: { $when }
receipt-committed = Gravado
receipt-change = Número da alteração
receipt-of = Assunto
receipt-signed = Recibo assinado
receipt-one = Recibo
receipt-check = Qualquer pessoa pode verificá-lo com as chaves em <code>/.well-known/keydesk-receipt-keys</code>: <code class="code-line" tabindex="0">keydesk receipt verify --keys keys.json receipt.txt</code>
receipt-all = Todos os recibos
event-unknown = Token revogado
durable-twice = em disco em duas máquinas antes de ser confirmado
durable-soon = em disco em uma máquina e, em breve, em outra
durable-here = em disco em uma máquina

keys-title = Chaves de gerenciamento
keys-lead = Para programas que gerenciam esta conta pela API de gerenciamento. Uma chave de gerenciamento não dá acesso à API em si: para isso, use um token de API.
keys-search = Encontrar uma chave pelo nome ou pelo final do segredo
keys-api-url = URL da API de gerenciamento
keys-reference = Referência da API
keys-none = Ainda não há chaves de gerenciamento.
keys-none-found = Nenhuma chave de gerenciamento corresponde.
keys-acts-as = age como { $name }
keys-previous-until = O segredo anterior funciona até
keys-take-over = Assumir
management-key = Chave de gerenciamento
key-created = Chave de gerenciamento criada
key-new-title = Criar chave de gerenciamento
key-new-lead = Dê a cada programa a própria chave, só com os escopos de que ele precisa. A chave age como você: nunca faz mais do que você pode fazer e é revogada quando você sai da conta.
key-new-example = Terraform
key-new-create = Criar chave de gerenciamento
key-new-expiry-hint = { $n ->
    [one] A duração máxima é de { $n } dia. A chave funciona até o fim do último dia, UTC.
   *[other] A duração máxima é de { $n } dias. A chave funciona até o fim do último dia, UTC.
 }
key-shown-once = Copie a chave de gerenciamento agora: você não poderá vê-la de novo. Guarde-a onde só o seu programa possa ler.
key-shown-try = Teste-a, com a chave em <code>$KEYDESK_KEY</code>: <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $KEYDESK_KEY" { $url }/key</code>
key-stored = Salvei a chave
key-rotate = Rotacionar a chave
key-rotate-lead = A chave mantém o nome, os escopos e a data de expiração e recebe um novo segredo, que é mostrado uma única vez. O segredo atual, <span class="mono">{ $masked }</span>, para de funcionar imediatamente ou após um período de carência.
key-revoke = Revogar a chave
key-revoke-lead = A chave <span class="mono">{ $masked }</span> para de funcionar imediatamente e em definitivo. Ela permanece na lista.
key-scope-tokens-read = Ver os tokens de API, sem os segredos
key-scope-tokens-write = Criar, limitar, rotacionar e revogar tokens de API
key-scope-limits-read = Ver os limites, o plano e o que as operações exigem
key-scope-limits-write = Alterar os limites da conta
key-scope-usage-read = Ver os clientes e as violações de limites
key-scope-receipts-read = Ler os recibos
key-scope-members-read = Ver os membros
key-scope-members-write = Convidar membros, alterar funções, remover membros e encerrar as sessões deles
key-scope-audit-read = Ler e exportar o log de auditoria
key-scope-sso-write = Configurar o logon único
key-scope-keys-read = Ver as chaves de gerenciamento, sem os segredos
key-scope-keys-write = Criar, rotacionar e revogar chaves de gerenciamento
key-scope-accounts-read = Ver as contas
key-scope-accounts-write = Abrir, suspender, encerrar e restaurar contas, alterar os planos e convidar proprietários
key-scope-instance-read = Ver os planos, as operações, os gateways e os operadores
too-many-keys = Você pode ter no máximo { $most } chaves de gerenciamento ativas. Revogue uma de que não precisa.
invalid-key-scope = Escolha escopos da lista, como tokens:read.
scope-not-grantable = Você não pode conceder o escopo { $scope }: uma chave nunca faz mais do que a função, o operador ou a chave que a cria.
key-inactive = Esta chave de gerenciamento expirou ou foi revogada
key-inactive-why = Nada mudou. Crie uma nova chave se o programa ainda precisar de uma.
key-changed = Esta chave de gerenciamento mudou
key-changed-why = Ela foi rotacionada depois que você abriu esta página. Nada mudou. Abra a lista de novo.
key-is-yours = Esta chave de gerenciamento já age como você
key-is-yours-why = Nada mudou.
scope-required = Falta um escopo a esta chave de gerenciamento
scope-required-why = A solicitação exige o escopo { $scope }. Crie uma chave que o tenha.
session-required = Para isso, entre no console
session-required-why = As chaves de gerenciamento não podem fazer isso. Entre no console.
invalid-management-key = Esta chave de gerenciamento não é válida
invalid-management-key-why = A chave é desconhecida, expirou ou foi revogada. Tokens de API e bearer tokens não funcionam aqui: envie uma chave de gerenciamento, que tem esta forma: kd_m_….
ip-not-allowed = Este endereço IP não é permitido
ip-not-allowed-why = A lista de IPs permitidos da chave de gerenciamento não inclui { $address }.
request-repeated = Esta solicitação já foi feita
request-repeated-why = Uma solicitação com esta Idempotency-Key já foi executada.
invalid-expiry-time = Informe um horário em RFC 3339, como 2027-06-30T00:00:00Z.
invalid-digest = Envie o SHA-256 do segredo como 64 dígitos hexadecimais minúsculos.
invalid-masked-secret = Envie o segredo mascarado, como kd_a_••••••••3fQ9. “keydesk token make” o mostra.
secret-taken = Este segredo não pode ser usado
secret-taken-why = O resumo dele é ou foi o de outro token. Gere um novo segredo.
errors-management = Erros da API de gerenciamento

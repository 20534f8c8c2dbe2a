tokens-live-label = Tokens de API vivos
tokens-ended-label = Tokens de API terminados
token-rotate-title = Rotacionar “{ $name }”
token-rotate-lead = O token mantém nome, escopos e validade e recebe um segredo novo, mostrado uma vez. O antigo, <span class="mono">{ $masked }</span>, é recusado a partir desse momento, ou continua por um tempo.
token-revoke-title = Revogar “{ $name }”
token-revoke-lead = O token <span class="mono">{ $masked }</span> é recusado a partir desse momento, para sempre. Fica na lista com o motivo.
token-old = O segredo antigo
token-old-none = termina na hora
token-old-1h = continua por uma hora
token-old-24h = por 24 horas
token-old-7d = por 7 dias
token-earlier = Fechar antes
token-earlier-no = não
token-earlier-1h = após uma hora sem chamadas
token-earlier-24h = após 24 horas sem nenhuma
token-old-hint = Enquanto continua, quem o usa aparece na página Tokens.
token-rotate = Rotacionar o token
token-revoke = Revogar o token
token-limits-title = Limites de “{ $name }”
token-limits-lead = <span class="mono">{ $masked }</span> mantém o seu segredo: só muda o que pode fazer. Os limites podem ser testados antes: nada é recusado, e se lista o que seria.
token-limits-object = O que os limites objetam
token-limits-used = Para que é usado
token-limits-unused = Nada ainda, até onde o documento da API nomeia as suas operações.
token-limits-operations = Operações para as quais este token foi usado
token-limits-smallest = Os menores limites com os quais passa tudo o que não foi recusado:
token-limits-fill-in = Pôr no formulário
token-limits-new = Limites novos
token-limits-filled = Os menores limites estão preenchidos. Nada muda até você apertar o botão.
token-limits-hint = Um endereço ou rede por linha, como 203.0.113.7 ou 2001:db8::/32. Vazio: de qualquer lugar.
token-limits-set = Definir limites
token-limits-leave = Deixar como está
token-new-title = Criar novo token
token-new-lead = Para um programa. É mostrado uma vez e pertence à conta: vive até expirar, ou até alguém o rotacionar ou revogar.
token-new-example = Sincronização CRM
token-new-no-scopes = O documento da API não nomeia escopos, então um token pode fazer tudo ou ser limitado pela própria API.
token-new-select-all = Selecionar tudo
token-new-last-day = Após um último dia
token-new-last-day-utc = Último dia, UTC
token-new-last-day-hint = O último dia conta em UTC, até o fim.
token-new-create = Criar token
token-new-cancel = Cancelar
objections-title = O que os limites objetam
objections-lead = Chamadas dos últimos 30 dias recusadas pelo que um token pode fazer, ou que seriam quando os limites em observação entrarem em vigor. O nome de um token leva aos seus limites.
objections-days = Últimos 30 dias
objections-nothing = Nada. Cada chamada era uma que o seu token pode fazer.
objections-back = Voltar aos tokens
objections-label = Chamadas que os limites objetam
objections-why = Por quê
objections-refused = { $refused } recusadas
shown-new-secret = “{ $name }” tem um segredo novo
shown-ready = “{ $name }” está pronto
shown-old-until = O segredo antigo continua até { $when }; mude o programa antes.
shown-refused = O segredo antigo é recusado a partir de agora: veja o <a href="/receipts/{ $number }">recibo</a>.
shown-pending = Nem todos os gateways confirmaram que recusam o segredo antigo; o <a href="/receipts/{ $number }">recibo</a> diz a partir de quando o fazem.
shown-unwritten = Não foi possível registrar se todos os gateways já recusam o segredo antigo; cada um o faz dentro da sua concessão.
shown-once = Esta é a única vez que o token é mostrado. Guarde-o onde o programa o encontre, e em nenhum lugar público.
shown-try = Teste do seu servidor, com o token em <code>$TOKEN</code>: <code class="code-line">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code>
shown-stored = Eu o guardei
tokens-title = Tokens de API
tokens-lead = Para programas. Pertencem à conta, não a uma pessoa: nenhuma mudança de senha, saída ou remoção os termina.
tokens-create = Criar novo token
tokens-live = Vivos
tokens-none = Nenhum token de API ainda. Crie um para cada programa, para poder rotacionar cada um sem tocar nos outros.
tokens-old = Segredos antigos que continuam
tokens-old-label = Segredos antigos de tokens rotacionados
tokens-until = Até
tokens-quiet = ou { $quiet } sem chamadas
tokens-not-since = não desde a rotação
tokens-close = Fechar já
tokens-old-hint = Quem ainda chama com um segredo antigo aparece em <a href="/tokens/objections">objeções</a>, e é avisado por <code>Deprecation</code> e <code>Sunset</code> na resposta.
tokens-links = O que os limites recusaram ou recusariam nos últimos 30 dias: <a href="/tokens/objections">objeções</a>. Plano e endereços de toda a conta: <a href="/limits">limites da conta</a>.
tokens-ended = Terminados
tokens-receipts = Quais gateways recusaram um token, e quando, está em <a href="/receipts">Recibos</a>.
tokens-by = por { $made_by }
tokens-limits = Limites
tokens-limits-of = de { $name }
tokens-rotate = Rotacionar
tokens-revoke = Revogar
tokens-of = { $name }
scope-everything = tudo
former-member = um antigo membro
program-from = { $program } de { $address }
token-created = Token criado
rotate-api-token = Rotacionar token de API
revoke-api-token = Revogar token de API
version-wrong = version é um número inteiro, ou fica de fora
scope-needed = Um token precisa de pelo menos um escopo.
why-scope = recusada: falta o escopo
why-scope-yet = seria recusada: falta o escopo
why-trial-scope = seria recusada pelos escopos em teste
why-address = recusada: de outro endereço
why-trial-address = seria recusada pelos endereços em teste
why-rate = recusada: chamadas demais ao mesmo tempo
why-rate-yet = seria recusada: chamadas demais ao mesmo tempo
why-quota = recusada: as chamadas do mês acabaram
why-old-secret = usa o segredo antigo de um token rotacionado
why-quota-yet = seria recusada: as chamadas do mês acabaram
objections-short = Objeções
scope-or-everything = escolha pelo menos um escopo, ou “tudo”
too-many-tokens = esta conta tem { $most } tokens de API vivos; revogue alguns antes
no-such-token = esse token não existe
token-has-ended = o token já terminou; crie um novo
too-many-old = { $most } segredos antigos deste token já continuam; feche-os, ou rotacione sem sobreposição
nothing-old = nenhum segredo antigo deste token continua mais
token-changed = alguém rotacionou este token desde que você abriu a página; olhe de novo
token-repeated = este formulário já foi enviado, e então “{ $name }” foi criado e o seu segredo mostrado; se você não o viu, rotacione o token na página Tokens
already-created = Já criado
go-to-tokens = Ir para Tokens
lives-never = Nunca
lives-30d = 30 dias
lives-60d = 60 dias
lives-90d = 90 dias
lives-180d = 180 dias
lives-365d = Um ano
lives-at-most =
    { $n ->
        [one] Os tokens desta conta podem viver um dia no máximo.
       *[other] Os tokens desta conta podem viver { $n } dias no máximo.
    }
must-have-end = Os tokens desta conta devem ter um fim.
choose-day = escolha o último dia, ou um dos outros prazos
choose-one = escolha um prazo ou um último dia, não os dois
over-expired = expirado
over-rotated = rotacionado
over-revoked = revogado
over-password_changed = senha mudada
over-password_reset = senha redefinida
over-logged_out_everywhere = saiu de todos os lugares
over-member_removed = membro removido
over-role_changed = função mudada
over-account_closed = conta fechada

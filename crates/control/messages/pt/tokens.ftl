tokens-active-label = Tokens de API ativos
tokens-inactive-label = Tokens de API inativos
token-rotate-title = Rotacionar “{ $name }”
token-rotate-lead = O token mantém o nome, os escopos e a data de expiração e recebe um novo segredo, que é mostrado uma única vez. O segredo atual, <span class="mono">{ $masked }</span>, deixa de funcionar imediatamente ou após um período de carência.
token-revoke-title = Revogar “{ $name }”
token-revoke-lead = O token <span class="mono">{ $masked }</span> deixa de funcionar imediatamente. Você pode restaurá-lo por 24 horas.
grace-period = Período de carência do segredo atual
grace-period-none = Nenhum: revogar imediatamente
grace-period-1h = 1 hora
grace-period-24h = 24 horas
grace-period-7d = 7 dias
idle-period = Encerrar o período de carência antes do prazo
idle-period-none = Nunca
idle-period-1h = Após 1 hora sem solicitações
idle-period-24h = Após 24 horas sem solicitações
grace-period-hint = Durante o período de carência, os clientes que ainda usam o segredo anterior são listados na página Tokens.
token-rotate = Rotacionar token
token-revoke = Revogar token
token-limits-title = Limites de “{ $name }”
token-limits-lead = Alterar os limites não altera o segredo de <span class="mono">{ $masked }</span>. Você pode observar novos limites primeiro: nada é rejeitado, e as solicitações que seriam rejeitadas são listadas.
token-limits-violations = Violações
token-limits-used = Uso
token-limits-unused = Ainda não há solicitações para operações listadas no documento OpenAPI da API.
token-limits-operations = Operações para as quais este token foi usado
token-limits-suggested = Limites sugeridos (os mais restritos que ainda permitem todas as solicitações que não foram rejeitadas):
token-limits-fill-in = Usar limites sugeridos
token-limits-new = Novos limites
token-limits-filled = Os limites sugeridos estão preenchidos. Nada muda até você salvar.
token-limits-widened = A mudança já está no formulário. Nada muda até você salvar.
token-limits-hint = Insira um endereço IP ou intervalo CIDR por linha, como 203.0.113.7 ou 2001:db8::/32. Deixe em branco para permitir qualquer endereço IP.
token-limits-set = Salvar limites
token-new-title = Criar novo token
token-new-lead = Crie um token para cada integração. Ele é mostrado uma única vez e pertence à conta. Ele funciona até expirar ou até alguém rotacioná-lo ou revogá-lo.
token-new-example = Sincronização do CRM
token-new-no-scopes = O documento OpenAPI da API não define escopos; por isso, os tokens têm acesso total, a menos que a própria API os restrinja.
token-new-select-all = Selecionar tudo
token-new-last-day = Em uma data específica
token-new-last-day-utc = Data de expiração (UTC)
token-new-last-day-hint = O token funciona até o fim desse dia, em UTC.
token-new-create = Criar token
token-new-cancel = Cancelar
violations-title = Violações de limites
violations-lead = Solicitações dos últimos 30 dias que excederam os limites de um token. Elas foram rejeitadas ou seriam rejeitadas se um limite em observação estivesse em vigor. Selecione um token para ver os limites dele.
violations-days = Últimos 30 dias
violations-none = Nenhuma violação. Todas as solicitações respeitaram os limites dos respectivos tokens.
violations-label = Solicitações que violam limites
violations-reason = Motivo
violations-rejected = rejeitadas: { $rejected }
shown-new-secret = Novo segredo de “{ $name }”
shown-ready = “{ $name }” está pronto
shown-valid-until = O segredo anterior deixa de funcionar { $when }. Atualize a integração antes disso.
shown-rejected = O segredo anterior não funciona mais. Veja o <a href="/receipts/{ $number }">recibo</a>.
shown-pending = Nem todos os gateways confirmaram que rejeitam o segredo anterior. O <a href="/receipts/{ $number }">recibo</a> mostra quando todos o rejeitarão.
shown-unwritten = Não foi possível registrar se todos os gateways já rejeitam o segredo anterior. Cada gateway fará isso antes que a concessão dele expire.
shown-once = Copie o token agora: você não poderá vê-lo novamente. Armazene-o onde somente sua integração possa lê-lo.
shown-try = Teste a partir do seu servidor, com o token em <code>$TOKEN</code>: <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code>
shown-stored = Salvei o token
tokens-title = Tokens de API
tokens-lead = Para integrações. Os tokens de API pertencem à conta, não a uma pessoa: eles continuam funcionando quando alguém altera a senha, sai da sessão ou sai da conta.
tokens-create = Criar novo token
tokens-active = Ativos
tokens-none = Ainda não há tokens de API. Crie um para cada integração, para poder rotacionar cada um sem afetar os outros.
tokens-none-found = Nenhum token corresponde.
tokens-none-inactive = Nenhum token inativo.
tokens-search = Nome do token ou seus últimos caracteres
tokens-show-active = Mostrar tokens ativos
tokens-show-inactive = Mostrar tokens inativos
tokens-previous-secrets = Segredos anteriores no período de carência
tokens-previous-secrets-label = Segredos anteriores de tokens rotacionados
tokens-until = Válido até
tokens-idle = ou após { $idle } sem solicitações
tokens-not-since = Nenhum desde a rotação
tokens-revoke-previous = Revogar agora
tokens-previous-secrets-hint = Os clientes que ainda usam um segredo anterior são listados em <a href="/tokens/violations">Violações</a>. As respostas a eles incluem os cabeçalhos <code>Deprecation</code> e <code>Sunset</code>.
tokens-inactive = Inativos
tokens-by = por { $made_by }
tokens-limits = Limites
tokens-limits-of = de { $name }
tokens-rotate = Rotacionar
tokens-revoke = Revogar
tokens-of = { $name }
former-member = um ex-membro
client-from = { $client } de { $address }
token-created = Token criado
rotate-api-token = Rotacionar token de API
revoke-api-token = Revogar token de API
invalid-version = A versão deve ser um número inteiro ou ser omitida.
violation-scope = Rejeitada: escopo ausente
violation-scope-observed = Seria rejeitada: escopo ausente
violation-observed-scope = Seria rejeitada: fora dos escopos em observação
violation-ip = Rejeitada: endereço IP não permitido
violation-observed-ip = Seria rejeitada: fora da lista de IPs permitidos em observação
violation-rate = Rejeitada: limite de taxa excedido
violation-rate-observed = Seria rejeitada: limite de taxa excedido
violation-quota = Rejeitada: cota mensal excedida
violation-previous-secret = Usou o segredo anterior de um token rotacionado
violation-quota-observed = Seria rejeitada: cota mensal excedida
violations-short = Violações
missing-scope = Selecione pelo menos um escopo ou “Acesso total”.
too-many-tokens = Esta conta já tem { $most } tokens de API ativos. Revogue alguns primeiro.
token-inactive = Este token não está mais ativo. Crie um novo.
too-many-previous-secrets = Este token já tem { $most } segredos anteriores no período de carência. Revogue-os ou rotacione sem período de carência.
no-previous-secrets = Este token não tem mais nenhum segredo anterior no período de carência.
token-changed = Alguém rotacionou este token depois que você abriu a página. Recarregue a página e tente novamente.
token-already-created-why = Este formulário já foi enviado: “{ $name }” foi criado, e o segredo dele foi mostrado naquele momento. Se você não o viu, rotacione o token na página Tokens.
token-already-created = Já criado
go-to-tokens = Ir para Tokens
expires-never = Nunca
expires-30d = Em 30 dias
expires-60d = Em 60 dias
expires-90d = Em 90 dias
expires-180d = Em 180 dias
expires-365d = Em 1 ano
expires-at-most =
    { $n ->
        [one] Os tokens desta conta podem ser válidos por no máximo um dia.
       *[other] Os tokens desta conta podem ser válidos por no máximo { $n } dias.
    }
must-expire = Os tokens desta conta devem expirar.
missing-expiry-date = Escolha uma data de expiração ou uma das outras opções.
ambiguous-expiry = Escolha uma das opções ou uma data específica, não as duas.
inactive-expired = Expirado
inactive-rotated = Rotacionado
inactive-revoked = Revogado
inactive-password_changed = Senha alterada
inactive-password_reset = Senha redefinida
inactive-logged_out_of_all_sessions = Logout de todas as sessões
inactive-member_removed = Membro removido
inactive-role_changed = Função alterada
inactive-account_closed = Conta encerrada
token-pages = Páginas de tokens
idle-period-too-long = O tempo sem solicitações deve ser menor que o período de carência.
tokens-inactive-since = Inativo desde
token-new-observed = Os escopos estão em modo de observação: o gateway não rejeita solicitações por falta de escopos até que o provedor da API os aplique.
token-unused = Nenhuma solicitação nos últimos 30 dias.
token-see-usage = Ver o uso em detalhes
token-clients = Clientes
token-left-behind = Clientes que ainda usam um segredo revogado
token-failed = Solicitações com falha
token-failed-none = Não há solicitações com falha no registro.
token-see-failed = Ver todas as solicitações com falha
token-changes = Alterações
token-see-changes = Ver todas as alterações no log de auditoria
token-facts = Dados
token-see-observed = Ver os limites observados
token-id = ID do token
token-change-limits = Alterar os limites ou o nome
token-replace = Criar substituto
tokens-no-requests = Nenhuma solicitação
expires-on = { $span } ({ $day })
token-limits-enforce = Aplicar limites
limits-consequences = Nos últimos 30 dias, estes clientes enviaram solicitações que os novos limites rejeitariam. Essas solicitações serão rejeitadas assim que você salvar.
inactive-paused = Pausado
tokens-show = Mostrar
tokens-show-all = Todos
tokens-show-unused = Sem uso há 90 dias
tokens-show-expiring = Expiram nos próximos 30 dias
tokens-show-full_access = Acesso total
tokens-show-never_expiring = Sem data de expiração
tokens-creator = Criado por
tokens-any-creator = Qualquer pessoa
tokens-sort = Ordenar por
tokens-sort-created = Mais recentes
tokens-sort-name = Nome
tokens-sort-last_used = Usados há mais tempo
tokens-sort-expires = Data de expiração
tokens-select = Selecionar { $name }
tokens-revoke-selected = Revogar os tokens selecionados
tokens-revoke-several = Revogar tokens de API
tokens-revoke-several-title = Revogar { $n ->
    [one] { $n } token de API
   *[other] { $n } tokens de API
 }
tokens-revoke-several-button = Revogar { $n ->
    [one] { $n } token
   *[other] { $n } tokens
 }
tokens-revoke-several-lead = Estes tokens deixam de funcionar imediatamente, em todos os gateways. Durante 24 horas, você pode restaurar cada um deles.
done-tokens_revoked = Tokens revogados. Você pode restaurar cada um deles durante 24 horas.
no-tokens-selected = Selecione de 1 a { $most } tokens de API ativos.
mail-tokens-revoked-subject = { $n } tokens de API em { $account } foram revogados
mail-tokens-revoked =
    Estes tokens de API de { $account } foram revogados e não funcionam mais:

    { $names }

    Se foi um engano, você pode restaurar cada um deles até { $until }:
    { $console }/tokens
done-no_tokens_selected = Selecione os tokens que você quer revogar.
token-note = Nota
token-note-example = Onde é usado e a quem perguntar
token-note-save = Salvar nota
token-new-summary = Resumo

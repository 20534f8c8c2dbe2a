api-docs-lead = Tudo o que uma integração precisa para chamar a API como { $account }: para onde enviar as solicitações e o token que as autentica.
api-docs-used-by =
    { $n ->
        [one] <b>{ $client } de { $address }</b> usa este token (última solicitação: { $when }) e deixará de funcionar se sua senha for alterada. <a href="/api-docs/move">Crie um token de API para ele</a>
       *[other] <b>{ $client } de { $address }</b> e mais { $others } usam este token (última solicitação: { $when }) e deixarão de funcionar se sua senha for alterada. <a href="/api-docs/move">Crie um token de API para cada um</a>
    }
reference-title = Referência da API · Keydesk
reference-back = ← API Docs
reference-no-script = A referência interativa requer JavaScript. As operações também estão listadas em <a href="/api-docs#reference">API Docs</a>, e você pode ler o documento OpenAPI em <a href="/api-docs/openapi.json">openapi.json</a>.
rotate-bearer = Rotacionar token de portador
rotate-bearer-lead = Você receberá um novo token de portador, e o atual deixará de funcionar imediatamente. Os tokens de API não são afetados.
viewer-lead = Sua função aqui é Visualizador, e visualizadores não têm token. Para ter um, peça a uma destas pessoas que altere sua função para Desenvolvedor:
api-docs-create = Criar novo token
api-docs-credentials = Suas credenciais
api-docs-number = Conta { $number }
api-docs-of-url = URL do endpoint
api-docs-of-token = token de portador
api-docs-show = Mostrar
api-docs-hide = Ocultar
api-docs-rotate = Rotacionar
api-docs-yours = Este token é só seu. Mantenha-o em segredo: qualquer pessoa que o tenha pode chamar a API em seu nome. Ele deixa de funcionar quando você altera ou redefine sua senha, sai de todas as sessões, sai da conta ou o rotaciona.
api-docs-show-token = Mostrar token de portador
api-docs-a-while = Faz algum tempo que você inseriu sua senha. Insira-a para mostrar o token.
api-docs-first-call = Faça sua primeira solicitação
api-docs-call-it = Enviar a partir deste navegador
api-docs-of-snippet = trecho de código de { $label }
api-docs-whoami = No seu próprio servidor, <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code> retorna o token, a conta e os escopos que chegam ao gateway, além do endereço IP de origem.
api-docs-all-tokens = Todos os tokens
api-docs-no-token = Ainda não há tokens de API. Seu token de portador está vinculado a você. Em produção, use um token de API: ele continua funcionando quando sua senha é alterada.
api-docs-by = por { $made_by }
api-docs-reference = Referência da API
api-docs-try-it = Abrir referência interativa
api-docs-no-description = Não é possível carregar o documento OpenAPI da API no momento. Entre em contato com o provedor da API. A URL do endpoint e seu token continuam funcionando.
api-docs-operations = Operações da API
api-docs-what-it-does = Descrição
api-docs-scopes-any = Escopos exigidos (qualquer um)
api-docs-scopes = Escopos exigidos
reference-unavailable-why = Não é possível carregar o documento OpenAPI da API no momento. Entre em contato com o provedor da API.
reference-unavailable = A referência da API não está disponível
api-docs-left-behind = Rejeitados desde que seu token de portador foi substituído:
api-docs-left-behind-why = Estes clientes ainda usam o token anterior. Forneça a eles o novo token ou, melhor ainda, um token de API, que continua funcionando quando sua senha é alterada.
service-works = Tudo funciona.
service-you = Suas solicitações falham, e as de outras contas não.
service-api = A API falha para todas as contas.
service-no-gateway = Nenhum gateway está em execução.
service-gateways = { $n ->
    [one] { $n } gateway em execução
   *[other] { $n } gateways em execução
}
service-all = Todas as contas: a API falhou em { $share } das solicitações (5xx)
service-own = Você: { $share } falharam (4xx e 5xx)
api-docs-collection = Coleção do Postman e do Bruno
api-docs-env = Arquivo .env
api-docs-agents = Para agentes de programação
api-docs-agents-lead = O prompt contém a URL do endpoint, a autenticação, os escopos e os códigos de erro da API, e nenhum segredo. Dê-o a um agente junto com openapi.json ou reference.md.
api-docs-prompt = Mostrar o prompt
api-docs-copy-prompt = Copiar o prompt
service-you-at-least = Muitas das suas solicitações falham.
operation-request = Solicitação
operation-try = Testar
operation-body = Corpo
operation-schema = Esquema
operation-fill-in = Confirme sua senha para preencher seu token de portador
operation-send = Enviar solicitação
operation-copy-curl = Copiar como curl
operation-response = Resposta
operation-history = Solicitações desta aba
operation-no-script = Para enviar solicitações desta página, ative o JavaScript. O comando curl funciona sem ele.
operation-facts = Sobre a operação
operation-required = obrigatório
operation-responses = Respostas
operation-gateway-errors = Erros do gateway
operation-used-by = Usada por
operation-unused = Nenhum cliente desta conta usou esta operação nos últimos 30 dias.
operation-requests = { $n ->
    [one] { $n } solicitação
   *[other] { $n } solicitações
 }
operation-rejected = { $n ->
    [one] { $n } rejeitada
   *[other] { $n } rejeitadas
 }
operation-deprecated = Esta operação está obsoleta e pode ser removida. Pergunte ao provedor da API qual operação usar no lugar dela.
operation-is-deprecated = Obsoleta
operation-place-path = caminho
operation-place-query = consulta
operation-place-header = cabeçalho
api-changes = Mudanças da API que afetam você
api-changes-what = Mudança
api-changes-gone = Não está mais no documento OpenAPI da API
api-changes-lead = Operações que seus clientes usaram e que estão obsoletas ou não estão mais no documento OpenAPI da API.
api-changes-none = Seus clientes não usam nenhuma operação obsoleta ou retirada.
api-history = Mudanças da API
last-90-days = Últimos 90 dias
api-history-none = O documento OpenAPI da API não mudou.
api-history-clients = Seus clientes
api-history-seen = Visto
api-difference-added = Operação nova
api-difference-removed = Operação removida
api-difference-deprecated = Obsoleta
api-difference-required = { $name } agora é obrigatório
api-difference-input_removed = { $name } foi removido
api-difference-input_added = { $name } agora pode ser enviado
api-difference-scope_added = O escopo { $name } agora é obrigatório

limits-requests = { $n } chamadas
limits-used =
    { $n ->
        [one] { $n } chamada, { $used } % das do mês
       *[other] { $n } chamadas, { $used } % das do mês
    }
limits-title = Limites da conta
limits-lead = O que todos os tokens da conta podem fazer juntos. Cada token de API pode ser mais limitado na sua própria página.
limits-together = Todos os tokens juntos
limits-each = Cada token
limits-in-a-month = Por mês
limits-observed = O plano está em observação: nada é recusado por ele ainda, e o que seria está em <a href="/tokens/violations">objeções</a>.
limits-no-plan = Nenhum plano limita quanto a conta chama.
limits-allowlist = Endereços
limits-seen = Vistos em 30 dias
limits-none-seen = nenhum, ou endereços demais para listar
limits-too-long = Tokens que vivem mais do que podem
limits-too-long-why = Foram criados antes do limite, ou enquanto ele estava só em teste: mantêm o seu fim, e seriam recusados se fossem criados agora.
limits-edit-allowlist = Novos endereços
limits-allowlist-hint = Um endereço ou rede por linha; vazio: de qualquer lugar. Vale para todos os tokens, também os de portador.
limits-save-allowlist = Definir endereços
limits-lifetime = Vida dos tokens novos
limits-at-most = No máximo tantos dias
limits-no-maximum = sem limite
limits-must-end = Tokens de API novos devem ter data de expiração
limits-observe-lifetime = Testar: não recusar nenhum token, listar os que seriam recusados
limits-lifetime-hint = Vale para tokens de API criados a partir de agora; os que existem mantêm o seu fim. Quem criou um e quem administra a conta são lembrados 30, 7 e 1 dias antes do fim.
limits-save-lifetime = Definir a vida máxima
limits-who-sets = Proprietários e administradores definem os endereços.
setup-title = Configurar o Keydesk
setup-lead = Você será o operador: abre contas para os clientes da sua API e decide o que cada uma pode fazer. Também será o proprietário de uma primeira conta, para testar a API como um cliente.
setup-password-hint = Pelo menos 15 caracteres. Três ou quatro palavras sem relação funcionam bem; não são exigidos números nem sinais.
sign-up-sent = Um link está a caminho de { $email }. Funciona uma vez, por um dia; com ele a conta é aberta.
sign-up-lead = Uma conta própria, com URL de endpoint e tokens. Primeiro enviamos um link para o seu endereço.
sign-up-log-in = Já tenho conta: entrar
signed-up-title = Abrir { $account }
signed-up-lead = Você entra com { $email }, e passa a ser proprietário da conta.
setup-expired = Este link não vale mais
setup-expired-why = Funciona uma vez, por uma hora. Reinicie o Keydesk para ter outro, ou entre se a conta já existe.
limits-rate = { $n } chamadas em { $seconds } s
limits-lifetime-wrong = A vida máxima é um número de dias de 1 a 36500; deixe-a vazia para não limitar.
sign-up-expired = Este link não vale mais. Funciona uma vez, por um dia; cadastre-se de novo.
account-exists = Já existe uma conta; entre, ou peça um convite ao proprietário.
sign-up-again = Cadastrar-se de novo
limits-resets-in =
    { $n ->
        [one] Um mês novo começa em { $n } dia, UTC
       *[other] Um mês novo começa em { $n } dias, UTC
    }
cors-title = Acesso pelo navegador (CORS)
cors-danger = Permite que páginas da web chamem a API com um token desta conta. Faça isso somente se você não tiver um servidor que possa chamar a API pela página:
cors-danger-visible = Quem abre a página pode ler o token e usá-lo em qualquer programa. O CORS não o esconde.
cors-danger-scopes = Crie um token separado para a página, com o mínimo de escopos e com data de expiração, e faça a rotação com frequência.
cors-danger-better = Mais seguro: deixe que o seu próprio servidor guarde o token e chame a API pela página.
cors-origins = Origens permitidas
cors-origins-hint = Uma origem por linha: esquema, host e porta, como https://app.example.com. Deixe em branco para usar a configuração do provedor da API. Um asterisco (*) permite qualquer origem.
cors-methods = Métodos permitidos
cors-all-methods = Todos os métodos
cors-headers = Cabeçalhos permitidos nas solicitações
cors-all-headers = Todos os cabeçalhos
cors-exposed = Cabeçalhos de resposta que as páginas podem ler, além dos habituais
cors-max-age = Cache da solicitação de preflight, em segundos
cors-set = Salvar acesso
cors-origin-wrong = Informe no máximo 50 origens, cada uma com esquema e host e sem caminho, como https://app.example.com.
cors-list-wrong = Confira os métodos, os nomes dos cabeçalhos e o número de segundos (no máximo 86400).

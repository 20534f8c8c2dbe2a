limits-requests = { $n } solicitações
limits-used =
    { $n ->
        [one] { $n } solicitação ({ $used }% da cota mensal)
       *[other] { $n } solicitações ({ $used }% da cota mensal)
    }
limits-title = Limites da conta
limits-lead = Estes limites se aplicam a todos os tokens da conta. Você pode restringir ainda mais um token de API na página dele.
limits-together = Todos os tokens juntos
limits-each = Por token
limits-in-a-month = Cota mensal
limits-observed = Este plano está em modo de observação: nenhuma solicitação é rejeitada por causa dele. As solicitações que seriam rejeitadas estão listadas em <a href="/tokens/violations">Violações</a>.
limits-no-plan = Esta conta não tem plano; por isso, as solicitações dela não são limitadas.
limits-allowlist = Lista de IPs permitidos
limits-seen = Vistos nos últimos 30 dias
limits-none-seen = Nenhum, ou endereços demais para listar
limits-too-long = Tokens que excedem o tempo de vida máximo
limits-too-long-why = Estes tokens foram criados antes de o limite ser definido ou enquanto ele estava em modo de observação. Eles mantêm a data de expiração, mas não poderiam ser criados hoje.
limits-edit-allowlist = Editar lista de IPs permitidos
limits-allowlist-hint = Insira um endereço IP ou intervalo CIDR por linha. Deixe em branco para permitir qualquer endereço IP. A lista se aplica a todos os tokens da conta, inclusive os tokens de portador.
limits-save-allowlist = Salvar lista
limits-lifetime = Tempo de vida dos tokens
limits-at-most = Tempo de vida máximo em dias
limits-no-maximum = Sem máximo
limits-must-end = Exigir uma data de expiração para novos tokens de API
limits-observe-lifetime = Somente observar: não rejeitar nenhum token e listar os que seriam rejeitados
limits-lifetime-hint = Aplica-se aos tokens de API criados a partir de agora. Os tokens existentes mantêm a data de expiração. A pessoa que criou um token e os proprietários e administradores da conta recebem lembretes 30 dias, 7 dias e 1 dia antes de ele expirar.
limits-save-lifetime = Salvar tempo de vida dos tokens
limits-who-sets = Somente proprietários e administradores podem alterar estes limites.
setup-title = Configurar o Keydesk
setup-lead = Você será o operador: criará contas para os clientes da sua API e decidirá o que cada uma pode fazer. Você também será o proprietário de uma primeira conta, para poder testar a API como um cliente.
setup-password-hint = Use pelo menos 15 caracteres. Três ou quatro palavras sem relação entre si funcionam bem. Números e símbolos não são obrigatórios.
sign-up-sent = Confira sua caixa de entrada: enviamos um link para { $email }. O link funciona uma vez e expira em 24 horas. Siga-o para criar sua conta.
sign-up-lead = Crie uma conta para receber uma URL de endpoint e tokens. Primeiro, enviaremos um link por e-mail para verificar seu endereço.
sign-up-log-in = Já tem uma conta? Entrar
signed-up-title = Criar { $account }
signed-up-lead = Você fará login com { $email } e se tornará o proprietário da conta.
setup-expired = Este link não é mais válido
setup-expired-why = O link de configuração funciona uma vez e expira após uma hora. Reinicie o Keydesk para receber um novo link ou faça login, se a conta já existir.
limits-rate = { $n } solicitações a cada { $seconds } s
invalid-lifetime = Insira um número de dias de 1 a 36500 ou deixe o campo em branco para não definir um máximo.
sign-up-expired = Este link não é mais válido. Os links de cadastro funcionam uma vez e expiram após 24 horas. Cadastre-se novamente.
account-exists = Já existe uma conta. Faça login ou peça um convite ao proprietário dela.
sign-up-again = Cadastrar-se novamente
limits-resets-in =
    { $n ->
        [one] Reinicia em { $n } dia (UTC)
       *[other] Reinicia em { $n } dias (UTC)
    }
cors-title = Acesso pelo navegador (CORS)
cors-danger = Permita que páginas da web chamem a API com um token desta conta. Só faça isso se você não tiver um servidor que possa chamar a API pela página:
cors-danger-visible = Qualquer pessoa que abrir a página pode ler o token contido nela e usá-lo em qualquer cliente. O CORS não oculta o token.
cors-danger-scopes = Crie um token separado para a página, com o mínimo de escopos possível e uma data de expiração, e rotacione-o com frequência.
cors-danger-better = Opção mais segura: mantenha o token no seu próprio servidor e deixe que o servidor chame a API pela página.
cors-origins = Origens permitidas
cors-origins-hint = Insira uma origem por linha: esquema, host e porta, como https://app.example.com. Deixe em branco para usar a configuração do provedor da API. Um asterisco (*) permite todas as origens.
cors-methods = Métodos permitidos
cors-all-methods = Todos os métodos
cors-headers = Cabeçalhos de solicitação permitidos
cors-all-headers = Todos os cabeçalhos
cors-exposed = Cabeçalhos de resposta que as páginas podem ler, além dos padrão
cors-max-age = Cache de preflight, em segundos
cors-set = Salvar acesso pelo navegador
invalid-origin = Insira no máximo 50 origens, cada uma com um esquema e um host, mas sem caminho, como https://app.example.com.
invalid-cors-list = Verifique os métodos, os nomes dos cabeçalhos e o número de segundos (no máximo 86400).
limits-forecast = Neste ritmo: { $n } solicitações até o fim do mês
limits-exhausted = Neste ritmo, a cota se esgota

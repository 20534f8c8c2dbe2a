help-lead-token = Respostas para a sua conta: o seu endpoint é <code>{ $endpoint_url }</code>, o seu token de portador é <code>{ $masked }</code> (criado: { $when }).
help-lead = Respostas para a sua conta: o seu endpoint é <code>{ $endpoint_url }</code>.
help-api-token = Um <b>token de API</b>, criado com <i>Criar novo token</i>, está ligado à conta. É mostrado uma vez, pode ser limitado a escopos, e vive até expirar ou até alguém o rotacionar ou revogar, aconteça o que acontecer com quem o criou.
help-live =
    { $n ->
        [one] Esta conta tem { $n } token de API ativo.
       *[other] Esta conta tem { $n } tokens de API ativos.
    }
help-one-each = Use um para cada programa em produção.
help-thanks = Obrigado por nos dizer.
help-asked = Isso respondeu à sua pergunta?
help-yes = Sim
help-no = Não
help-missing = O que faltou, opcional
help-missing-example = O que faltou? (opcional)
help-find = Onde encontro a minha URL de endpoint e o meu token de portador?
help-find-answer = Em <a href="/api-docs">API Docs</a>, a um clique de cada página: cada um tem um botão <i>Copiar</i>. A sua URL de endpoint é <code>{ $endpoint_url }</code>.
help-find-viewer = Em <a href="/api-docs">API Docs</a>, para proprietários, administradores e desenvolvedores. Você é observador aqui; a página diz a quem pedir.
help-use = Como os uso numa requisição?
help-use-answer = Envie as requisições a caminhos sob a URL do endpoint, com o token em um cabeçalho:
help-example = Exemplo
help-use-more = Esta responde que token, conta, escopos e endereço chegam. A palavra <i>Bearer</i> vem uma vez, depois um espaço, depois o token.
help-difference = Qual é a diferença entre o token de portador e “Criar novo token”?
help-bearer = O <b>token de portador</b> em API Docs está ligado a você. Está sempre ali para copiar, e termina quando você muda ou redefine a senha, encerra todas as sessões ativas, deixa a conta ou o rotaciona.
help-password = O que acontece com os meus tokens quando mudo a senha?
help-password-answer = O seu token de portador é recusado a partir do momento em que a página diz “alterada”; o novo está em <a href="/api-docs">API Docs</a>. Os tokens de API não são afetados. O mesmo vale ao redefinir a senha e ao encerrar todas as sessões ativas.
help-break = O que quebraria se eu a mudasse agora?
help-break-answer = Estes param de funcionar. <a href="/tokens/new">Dê antes a cada um um token de API próprio</a>.
help-secure = Como mantenho um token seguro?
help-secure-answer = Quem o tem chama a API como esta conta. Guarde-o no ambiente do programa ou num cofre de segredos, nunca no código, numa URL, num ticket ou num chat. O Keydesk encontra um token só pelo seu hash, guarda a cópia que API Docs mostra cifrada com uma chave fora do banco de dados, e recusa tokens em URLs. Se um vazou, rotacione-o imediatamente: o antigo é recusado a partir desse momento.
help-rejected = Por que a minha requisição é recusada?
help-rejected-answer = O corpo da resposta diz, em <code>title</code> e <code>detail</code>: sem token, “Bearer” duas vezes, um token incompleto, quando expirou, o que o encerrou, ou o endpoint de outra conta. Um 401 é sempre por causa do token; 403 significa que o token não tem permissão para isso; 502 e 504 significam que a API por trás está fora do ar e o seu token está bem.
help-slash = Uma barra no final importa?
help-slash-answer = Não. <code>{ $endpoint_url }</code> e <code>{ $endpoint_url }/</code> são o mesmo. Se a URL do endpoint termina num número de conta, deve ser o do token.
help-answered = answered é yes ou no

errors-title = Erros do gateway
errors-one = Erro { $code }
errors-lead = O que significa cada código de erro do gateway da API.
errors-all = Todos os erros

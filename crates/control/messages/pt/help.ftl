help-lead-token = Respostas para sua conta. A URL do seu endpoint é <code>{ $endpoint_url }</code>, e seu token de portador é <code>{ $masked }</code> (criado: { $when }).
help-lead = Respostas para sua conta. A URL do seu endpoint é <code>{ $endpoint_url }</code>.
help-api-token = Um <b>token de API</b>, que você cria com <i>Criar novo token</i>, pertence à conta. Ele é mostrado uma única vez e pode ser limitado a determinados escopos. Ele funciona até expirar ou até alguém rotacioná-lo ou revogá-lo, mesmo que a pessoa que o criou saia da conta.
help-live =
    { $n ->
        [one] Esta conta tem { $n } token de API ativo.
       *[other] Esta conta tem { $n } tokens de API ativos.
    }
help-one-each = Use um token separado para cada integração em produção.
help-thanks = Agradecemos seu feedback.
help-asked = Isto respondeu à sua pergunta?
help-yes = Sim
help-no = Não
help-missing = O que faltou? (opcional)
help-missing-example = Por exemplo, como rotacionar um token a partir de um script
help-find = Onde encontro a URL do meu endpoint e meu token de portador?
help-find-answer = Em <a href="/api-docs">API Docs</a>, a um clique de qualquer página. Cada um tem um botão <i>Copiar</i>. A URL do seu endpoint é <code>{ $endpoint_url }</code>.
help-find-viewer = Em <a href="/api-docs">API Docs</a>, se você for proprietário, administrador ou desenvolvedor. Você é visualizador aqui; a página lista quem pode alterar sua função.
help-use = Como os uso em uma solicitação?
help-use-answer = Envie solicitações para caminhos sob a URL do endpoint, com o token no cabeçalho Authorization:
help-example = Exemplo
help-use-more = Esta solicitação retorna o token, a conta, os escopos e o endereço IP que chegam ao gateway. O cabeçalho contém a palavra <i>Bearer</i> uma vez, depois um espaço e, em seguida, o token.
help-difference = Qual é a diferença entre o token de portador e “Criar novo token”?
help-bearer = O <b>token de portador</b> em API Docs está vinculado a você. Você pode copiá-lo a qualquer momento. Ele deixa de funcionar quando você altera ou redefine sua senha, sai de todas as sessões, sai da conta ou o rotaciona.
help-password = O que acontece com meus tokens quando altero minha senha?
help-password-answer = Assim que a página confirma a alteração, seu token de portador atual deixa de funcionar. O novo estará em <a href="/api-docs">API Docs</a>. Os tokens de API não são afetados. O mesmo vale para redefinir sua senha e sair de todas as sessões.
help-break = O que deixaria de funcionar se eu a alterasse agora?
help-break-answer = Estes clientes deixariam de funcionar. Primeiro, <a href="/api-docs/move">crie um token de API para cada um</a>.
help-secure = Como mantenho um token seguro?
help-secure-answer = Qualquer pessoa que tenha o token pode chamar a API como esta conta. Mantenha-o em uma variável de ambiente ou em um gerenciador de segredos, nunca no código-fonte, em uma URL, em um ticket ou em um chat. O Keydesk busca tokens somente por hash, criptografa a cópia mostrada em API Docs com uma chave armazenada fora do banco de dados e rejeita tokens em URLs. Se um token vazar, rotacione-o imediatamente: o anterior deixa de funcionar na hora.
help-rejected = Por que minha solicitação é rejeitada?
help-rejected-answer = O corpo da resposta explica o motivo em <code>title</code> e <code>detail</code>: por exemplo, o token está ausente, incompleto, expirado ou revogado, “Bearer” aparece duas vezes ou a URL do endpoint pertence a outra conta. Um 401 sempre diz respeito ao token. Um 403 significa que o token não tem permissão para fazer isso. Um 502 ou 504 significa que a API por trás do gateway está indisponível e que não há problema com seu token.
help-slash = Uma barra no final faz diferença?
help-slash-answer = Não. <code>{ $endpoint_url }</code> e <code>{ $endpoint_url }/</code> são iguais. Se a URL do seu endpoint terminar com um número de conta, ele deve ser o número da conta do token.
invalid-answer = A resposta deve ser yes ou no
errors-title = Códigos de erro
errors-one = Erro { $code }
errors-lead = O que significa cada um dos códigos de erro do gateway e o que fazer a respeito.
errors-all = Todos os erros
help-search = Pesquisar códigos de erro
errors-search = Código de erro, status ou palavra-chave
errors-none = Nenhum código de erro corresponde.

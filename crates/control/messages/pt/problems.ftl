go-to-api-docs = Ir para API Docs
no-page = Página não encontrada
no-page-why = Ela pode ter sido movida ou pertencer a outra conta.
not-permitted = Você não tem permissão para fazer isso
logged-out = Você foi desconectado
logged-out-why = Sua sessão ou sua participação na conta acabou de ser encerrada. Nada foi alterado.
invalid = Não foi possível concluir sua solicitação
conflict = Outra pessoa fez uma alteração antes
conflict-why = A página em que você estava está desatualizada. Recarregue-a e tente novamente.
too-busy = Há pessoas demais fazendo login no momento
too-busy-why = Tente novamente em alguns segundos.
busy = O banco de dados está ocupado
busy-why = O Keydesk não consegue acessar seu banco de dados, ou outra alteração o está bloqueando. Nada foi alterado. Tente novamente em alguns segundos.
wrong-clock = Os relógios dos servidores não coincidem
wrong-clock-why = O relógio deste servidor difere do relógio do banco de dados ou foi ajustado há pouco. Você pode encerrar uma conta quando eles coincidirem. Nada foi alterado. /status mostra a diferença.
too-many-tries = Muitas tentativas malsucedidas
too-many-log-ins = Muitos logins
too-many-changes = Muitas alterações
too-many-changes-why =
    { $n ->
        [one] Aguarde 1 segundo e tente novamente. Nada foi alterado.
       *[other] Aguarde { $n } segundos e tente novamente. Nada foi alterado.
    }
broken = Algo deu errado do nosso lado
broken-why = Nada foi alterado. Tente novamente. Se o problema persistir, entre em contato com o provedor da API.
unsettled = Salvo, mas ainda não confirmado
unsettled-why = Sua alteração foi salva, mas o gateway ainda não a confirmou. Verifique novamente em instantes.
unknown = Não sabemos se sua alteração foi salva
unknown-why = O banco de dados parou de responder enquanto salvava sua alteração. Verifique se a alteração foi feita antes de tentar novamente.
not-permitted-why = Sua função aqui é { $role }. Peça a um proprietário ou administrador de { $account }.
no-account = Você não é membro de nenhuma conta
no-account-why = Você foi removido da sua última conta, ou ela foi encerrada. Peça um convite ao proprietário dela ou entre em contato com o provedor da API.
two-factor-required = A autenticação de dois fatores é obrigatória aqui
two-factor-required-why = Configure-a primeiro. Nada foi alterado.
misdirected-why = A solicitação é para { $host }, mas este console está em { $url }. Use esse endereço. Se o endereço no seu navegador estiver correto, configure seu proxy para repassar o cabeçalho Host.
misdirected = Este não é o endereço do console
only-https-why = Senhas e tokens seriam enviados sem criptografia. Use { $url }. Se o console estiver atrás de um proxy, inclua o proxy em trusted_proxies e faça com que ele envie X-Forwarded-Proto: https.
only-https = HTTPS é obrigatório
wrong-method = Esta página não pode ser usada dessa forma
wrong-method-why = Volte e use os botões da página.
unreadable = Solicitação inválida
unreadable-why = Esta página não gera a URL ou o formulário que foi enviado. Volte e use os links e botões da página.
control-character = O campo “{ $field }” contém um caractere de controle. Remova-o e tente novamente.
request-id = ID da solicitação: { $id }

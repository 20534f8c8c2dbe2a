go-to-api-docs = Ir para API Docs
no-page = Essa página não existe
no-page-why = Pode ter mudado de lugar, ou pertencer a outra conta.
not-permitted = A sua função não permite isso
logged-out = Você não está mais conectado
logged-out-why = A sua sessão ou a sua participação terminou há um momento. Nada foi alterado.
invalid = Isso não pode ser feito
conflict = Alguém foi mais rápido
conflict-why = A página que você viu está desatualizada. Recarregue e olhe de novo.
too-busy = Muitas pessoas estão entrando
too-busy-why = Tente de novo em alguns segundos.
busy = O banco de dados está ocupado
busy-why = O Keydesk não consegue falar com o banco de dados, ou outra alteração o ocupa. Nada foi alterado. Tente de novo em alguns segundos.
wrong-clock = Os relógios não coincidem
wrong-clock-why = O relógio desta máquina não coincide com o do banco de dados, ou acabou de ser alterado. Uma conta pode ser encerrada quando coincidirem. Nada foi alterado. /status mostra a diferença.
too-many-tries = Muitas tentativas erradas
too-many-log-ins = Logins demais
too-many-changes = Muitas alterações em pouco tempo
too-many-changes-why =
    { $n ->
        [one] Aguarde 1 segundo e tente de novo. Nada foi alterado.
       *[other] Aguarde { $n } segundos e tente de novo. Nada foi alterado.
    }
broken = Algo falhou do nosso lado
broken-why = Nada foi alterado. Tente de novo; se continuar, avise o operador.
unsettled = Feito, mas ainda não confirmado
unsettled-why = A mudança está gravada. O gateway ainda não a confirmou; olhe de novo em um momento.
unknown = Não se sabe se isso foi feito
unknown-why = O banco de dados parou de responder enquanto gravava a mudança. Veja se ela está lá antes de tentar de novo.
not-permitted-why = Você é { $role } aqui. Peça a um proprietário ou administrador de { $account }.
no-account = Você não pertence a nenhuma conta
no-account-why = Você foi removido da última, ou ela foi fechada. Peça um convite ao proprietário, ou ao operador.
two-factor-required = Aqui é exigido um segundo fator
two-factor-required-why = Configure um antes; nada foi alterado.
misdirected-why = A solicitação é para { $host }, mas este console está em { $url }. Use esse endereço. Se o endereço no seu navegador estiver certo, configure o proxy para repassar o cabeçalho Host.
misdirected = Este não é o endereço do console
only-https-why = Senhas e tokens viajariam em claro. Use { $url }; o proxy deve estar em trusted_proxies e enviar X-Forwarded-Proto: https.
only-https = Só https é atendido
wrong-method = Não é assim que se usa esta página
wrong-method-why = Volte e use os botões da própria página.
unreadable = Isso não pode ser lido
unreadable-why = O endereço ou o formulário não é um que esta página faz. Volte e use os links e botões da própria página.
control-character = O campo “{ $field }” contém um caractere de controle. Remova-o e tente de novo.
request-id = ID da solicitação: { $id }

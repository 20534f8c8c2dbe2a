report-leak-title = Denunciar um token vazado
report-leak-lead = Você encontrou um token deste serviço onde ele não deveria estar, por exemplo em um repositório público, um log ou um chat? Denuncie aqui. Se o token ainda funcionar, ele será revogado imediatamente, e os responsáveis serão avisados. Você não precisa de uma conta.
report-leak-secret = O que você encontrou
report-leak-secret-hint = Cole o token, o texto que o contém ou o hash SHA-256 do token em hexadecimal.
report-leak-url = Onde você o encontrou (opcional)
report-leak-send = Denunciar
report-leak-sent = Agradecemos a denúncia. Se ela contém tokens ativos deste serviço, eles não funcionam mais.
report-leak-another = Denunciar outro
no-token-in-report = Isto não contém nenhum token completo deste serviço. Cole o token inteiro.
too-many-tokens-in-report = Denuncie no máximo { $most } tokens por vez.
too-many-reports-why = Houve denúncias demais da sua rede. Tente novamente em { $span }.
too-many-reports = Denúncias demais
inactive-leaked = Vazado
event-token-leaked = Token vazado revogado
event-management_key-leaked = Chave de gerenciamento vazada revogada
event-canary-leaked = Token canário encontrado
leak-reporter-github = a verificação de segredos do GitHub
leak-reporter-gitlab = a detecção de segredos do GitLab
leak-reporter-report_form = alguém, na página “Denunciar um token vazado”
leak-reporter-scan = alguém que verificou o hash do token
mail-token-leaked-subject = Alerta: o token “{ $name }” de { $account } vazou e foi revogado
mail-token-leaked =
    O token “{ $name }” da conta { $account } foi encontrado onde outros podem lê-lo. O Keydesk o revogou permanentemente.

    Denunciado por: { $reporter }
    Encontrado em: { $location }
    { $rejected }

    { $used }
    Clientes deste token: { $clients }

    { $next }

    Veja para quais operações o token foi usado:
    { $uses }
mail-secret-leaked-subject = Alerta: um segredo vazado do token “{ $name }” de { $account } foi revogado
mail-secret-leaked =
    Um segredo do token “{ $name }” da conta { $account } foi encontrado onde outros podem lê-lo. O Keydesk revogou esse segredo.

    Denunciado por: { $reporter }
    Encontrado em: { $location }
    { $rejected }

    { $used }
    Clientes deste token: { $clients }

    { $next }

    Veja para quais operações o token foi usado:
    { $uses }
mail-leaked-since =
    Todos os gateways o rejeitam a partir de: { $at }
    Recibo: { $receipt }
mail-leaked-rejected = Cada gateway o rejeita assim que é informado da alteração ou quando a concessão dele expira.
mail-leaked-no-clients = nenhum nos últimos 30 dias
mail-leaked-more = { $names } e mais { $more }
mail-leaked-location-in-audit = não verificado; consulte o log de auditoria
mail-leaked-no-location = não informado
mail-leaked-instance = esta instância do Keydesk
mail-leaked-successor =
    Crie um substituto com o mesmo nome, os mesmos escopos, o mesmo tempo de vida e a mesma lista de IPs permitidos, e atualize estes clientes:
    { $link }
mail-leaked-bearer =
    O membro já tem um novo token de portador. Atualize estes clientes com ele:
    { $link }
mail-leaked-previous = Só o segredo anterior vazou. O segredo atual do token continua funcionando. Atualize os clientes que ainda usam o anterior.
mail-key-leaked-subject = Alerta: a chave de gerenciamento “{ $name }” vazou e foi revogada
mail-key-leaked =
    A chave de gerenciamento “{ $name }” de { $account } foi encontrada onde outros podem lê-la. O Keydesk a revogou.

    Denunciada por: { $reporter }
    Encontrada em: { $location }

    { $used }

    Verifique no log de auditoria para que ela foi usada e crie uma nova chave:
    { $link }
mail-canary-leaked-subject = Alerta: o token canário “{ $name }” foi encontrado
mail-canary-leaked =
    Alguém encontrou o token canário “{ $name }”. O token nunca funciona, mas essa pessoa leu o lugar onde você o deixou.

    Denunciado por: { $reporter }
    Encontrado em: { $location }
    Denunciado a partir de: { $from }

    Descubra quem pode ler esse lugar e rotacione os tokens reais guardados ali.
    { $console }/canaries
token-new-successor = Substituto de “{ $name }”. O nome, os escopos, a lista de IPs permitidos e o tempo de vida foram copiados dele.
token-new-same-lifetime = { $n ->
    [one] Em { $n } dia, como antes
   *[other] Em { $n } dias, como antes
}
tokens-replace = Criar substituto

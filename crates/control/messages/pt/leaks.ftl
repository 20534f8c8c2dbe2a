report-leak-title = Denunciar um token vazado
report-leak-lead = Você encontrou um token deste serviço onde ele não deveria estar, por exemplo em um repositório público, um log ou um chat? Denuncie aqui. Se o token ainda funcionar, ele será revogado imediatamente, e os responsáveis serão avisados. Você não precisa de uma conta.
report-leak-secret = O que você encontrou
report-leak-secret-hint = Cole o token, o texto que o contém ou o resumo SHA-256 do token em hexadecimal.
report-leak-url = Onde você o encontrou (opcional)
report-leak-send = Denunciar
report-leak-sent = Obrigado. Todos os tokens deste serviço na sua denúncia estão revogados.
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
leak-reporter-report_form = alguém na página de tokens vazados
leak-reporter-scan = uma verificação do resumo do token
mail-token-leaked-subject = Alerta: o token “{ $name }” de { $account } vazou e foi revogado
mail-token-leaked =
    O token “{ $name }” da conta { $account } foi encontrado onde outros podem lê-lo. O Keydesk o revogou.

    Denunciado por: { $reporter }
    Encontrado em: { $location }
    { $rejected }

    { $used }
    Clientes que param de funcionar: { $clients }

    { $next }

    Verifique para que o token foi usado: { $console }/audit
mail-leaked-since =
    Rejeitado por todos os gateways desde: { $at }
    Recibo: { $receipt }
mail-leaked-rejected = Os gateways já o rejeitam.
mail-leaked-no-clients = nenhum nos últimos 30 dias
mail-leaked-more = { $names } e mais { $more }
mail-leaked-location-in-audit = não verificado; consulte o log de auditoria
mail-leaked-no-location = não informado
mail-leaked-instance = esta instância do Keydesk
mail-leaked-successor =
    Crie o sucessor com o mesmo nome, os mesmos escopos e os mesmos limites, e atualize estes clientes:
    { $link }
mail-leaked-bearer =
    O membro já tem um novo token de portador. Atualize estes clientes com ele:
    { $link }
mail-leaked-previous = Só o segredo anterior vazou. O segredo atual do token continua funcionando, então atualize os clientes que ainda usam o anterior.
mail-key-leaked-subject = Alerta: a chave de gerenciamento “{ $name }” vazou e foi revogada
mail-key-leaked =
    A chave de gerenciamento “{ $name }” de { $account } foi encontrada onde outros podem lê-la. O Keydesk a revogou.

    Denunciado por: { $reporter }
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
token-new-successor = Sucessor de “{ $name }”. O nome, os escopos e a duração já estão preenchidos.
token-new-successor-ips = Só aceita solicitações dos mesmos endereços IP: { $networks }.
token-new-same-lifetime = A mesma de antes ({ $n } dias)

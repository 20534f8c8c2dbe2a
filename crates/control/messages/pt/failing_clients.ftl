failing-title = Clientes com falhas
failing-lead = Clientes cujas solicitações o gateway rejeitou nos últimos 7 dias, agrupados pelo motivo.
failing-search = Token, código, cliente, rede ou operação
failing-open = Abertos ({ $open })
failing-state-open = Aberto
failing-state-muted = Silenciado
failing-state-resolved = Resolvido
failing-state-all = Todos
failing-none = Nenhum cliente com falhas.
failing-reason = Motivo
failing-last-7-days = Últimos 7 dias
failing-last = Última rejeição
failing-first = Primeira rejeição
failing-hours = { $requests ->
    [one] { $requests } solicitação rejeitada nos últimos 7 dias
   *[other] { $requests } solicitações rejeitadas nos últimos 7 dias
}
failing-unknown-client = Clientes sem um token válido
failing-one = Cliente com falhas
failing-with = Com o token “{ $name }”
failing-works-again = Desde então, o gateway aceitou solicitações deste cliente com este token.
failing-what-to-do = O que você pode fazer
failing-network = Rede
failing-notified = O criador e os administradores foram avisados
failing-report = Avisar o criador e os administradores
failing-resolve = Marcar como resolvido
failing-mute = Silenciar por 7 dias
failing-reopen = Reabrir
failing-states = Um cliente resolvido é reaberto com a próxima solicitação rejeitada. Um silenciado não aparece entre os abertos.
requests-pages = Páginas de solicitações
done-failing_muted = Silenciado por 7 dias.
done-failing_resolved = Marcado como resolvido. É reaberto se outra solicitação for rejeitada.
done-failing_reopened = Reaberto.
done-failing_reported = E-mail enviado ao criador do token e aos administradores.
invalid-mute-time = Informe um número de dias de 1 a { $most }.
nobody-to-notify = Estas solicitações não têm token da conta, portanto não há a quem avisar.
already-notified = O criador e os administradores já foram avisados nas últimas 24 horas.
event-failing_client-muted = Cliente com falhas silenciado
event-failing_client-resolved = Cliente com falhas resolvido
event-failing_client-reopened = Cliente com falhas reaberto
event-failing_client-reported = Cliente com falhas comunicado por e-mail
remedy-restore = Restaurar token
remedy-consequences-restore = Todos os clientes com este token voltam a funcionar, em todos os gateways.
remedy-replace = Criar substituto
remedy-consequences-replace = O novo token tem o mesmo nome, os mesmos escopos e a mesma lista de IPs. O cliente continua falhando até usar o novo token.
remedy-add-scope = Adicionar o escopo { $value }
remedy-consequences-add-scope = Todos os clientes com este token poderão usar as operações de { $value }. O segredo não muda.
remedy-allow = Permitir { $value }
remedy-consequences-allow = O token também funcionará a partir de { $value }. O segredo não muda.
remedy-account-limits = Alterar a lista de IPs da conta
remedy-consequences-account-limits = Todos os tokens da conta funcionarão a partir das redes que você adicionar.
remedy-plan = Ver os limites da conta
remedy-consequences-plan = O cliente envia mais solicitações do que o plano permite. Ele pode enviar menos, ou você pode pedir outro plano ao provedor da API.
remedy-new-bearer-token = Usar o novo token de portador
remedy-consequences-new-bearer-token = Seu token de portador foi substituído. Atualize o cliente com o novo, que está em API Docs.
remedy-reference = Ver a referência da API
remedy-consequences-reference = A API não tem essa operação, ou nenhuma regra de operação a cobre. Verifique o método e o caminho.
remedy-provider = Contatar o provedor da API
remedy-consequences-provider = Somente o provedor da API pode mudar isso.
failing-last-accepted = Última aceita deste cliente
failing-not-accepted = Nenhuma nos últimos 7 dias
remedy-update-secret = Atualizar o segredo
remedy-consequences-update-secret = O token está ativo, mas o cliente enviou um segredo que não funcionava: um anterior, ou o atual antes de o token ser restaurado. O segredo atual foi mostrado uma única vez, quando o token foi criado ou rotacionado. Se ele se perdeu, rotacione o token.
remedy-ask-member = Pedir a { $value } que atualize o cliente
remedy-consequences-ask-member = O token de portador dessa pessoa foi substituído. O novo está na página API Docs dela.
remedy-move = Mover os clientes para tokens de API
remedy-consequences-move = Crie um token de API para cada cliente. Tokens de API não dependem da senha nem das sessões de um membro.
remedy-create = Criar token de API
remedy-consequences-create = O membro não tem mais um token de portador nesta conta. Dê ao cliente um token de API.
remedy-send = Ver como enviar o token
remedy-consequences-send = O cliente deve enviar o cabeçalho Authorization: Bearer seguido do token. API Docs tem exemplos em várias linguagens.
remedy-check = Verificar as configurações do cliente
remedy-consequences-check = O cliente envia um valor que não é um token desta conta. Compare a URL do endpoint com API Docs. Seu token de portador também está lá; o segredo de um token de API está onde foi guardado ao ser criado. Se ele se perdeu, rotacione o token de API.
remedy-request = Ver o que mudar
remedy-consequences-request = A própria solicitação é inválida. Outro token não ajuda.
mail-failing-client-subject = Solicitações com “{ $token }” são rejeitadas
mail-failing-client =
    As solicitações de { $client } com o token “{ $token }” em { $account } são rejeitadas: { $code }.

    Primeira: { $first }
    Última: { $last }
    Solicitações nos últimos 7 dias: { $requests }

    Veja o motivo e o que você pode fazer:
    { $link }
remedy-url = Corrigir a URL
remedy-consequences-url = O cliente envia o token para a URL de outra conta. Use a URL do endpoint que aparece em API Docs.
remedy-exposed = Rotacionar o token
remedy-consequences-exposed = URLs ficam em logs, então outros podem ter visto o token. Dê ao cliente o novo segredo no cabeçalho Authorization; o anterior funciona durante o período de carência que você escolher.

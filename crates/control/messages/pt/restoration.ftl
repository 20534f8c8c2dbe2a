restore-title = Restaurar token
restore-button = Restaurar token
restore-button-short = Restaurar
restore-is-active = O token funciona. Os clientes rejeitados voltam a funcionar na próxima solicitação.
restore-until = O token está revogado: todos os gateways o rejeitam. Você pode restaurá-lo até { $when }.
restore-paused = O token está pausado: todos os gateways o rejeitam até que você o restaure.
restore-is-permanent = O token está revogado permanentemente. Ele não pode ser restaurado.
restore-clients = Clientes rejeitados
restore-no-clients = Nenhum cliente enviou uma solicitação com o token enquanto ele estava revogado.
restore-back = { $back } de { $all } voltaram a funcionar
restore-requests = Solicitações rejeitadas
restore-rejected = Última rejeição
restore-works = Funciona de novo
restore-waits = Rejeitado
revoke-permanently = Revogar permanentemente
token-pause = Pausar token
tokens-restorable = Podem ser restaurados
tokens-restorable-until = Pode ser restaurado até
tokens-is-paused = Pausado
not-restorable = Este token não pode ser restaurado. { $why }
restore-active = Ele está ativo.
restore-expired = Ele expirou.
restore-too-late = Ele foi revogado há mais de 24 horas.
restore-permanent = Ele foi revogado permanentemente.
restore-account-closed = A conta dele foi encerrada permanentemente.
violation-revoked = Rejeitada: o segredo não funciona mais
receipt-restored = Todos os gateways o aceitam de novo. O último confirmou após { $slowest_ms } ms.
receipt-restored-pending = Pelo menos um gateway ainda não confirmou. Ele aceita o token assim que se conectar de novo ao banco de dados.
receipt-accepts = Aceita
receipt-accepts-later = quando se conectar de novo
event-token-paused = Token pausado
event-token-restored = Token restaurado
event-token-revoked_permanently = Token revogado permanentemente
done-token_revoked_permanently = Token de API revogado permanentemente.
done-token_paused = Token de API pausado. Ele não funciona até que você o restaure.
done-token_restored = Token de API restaurado. Ele funciona de novo.
mail-token-revoked-subject = O token de API “{ $name }” em { $account } foi revogado
mail-token-revoked =
    O token de API “{ $name }” em { $account } foi revogado e não funciona mais.

    Se foi um engano, você pode restaurá-lo até { $until }:
    { $console }/tokens
mail-token-restored-subject = O token de API “{ $name }” em { $account } foi restaurado
mail-token-restored =
    O token de API “{ $name }” em { $account } foi restaurado e funciona de novo.

    Se você não esperava isso, revogue-o:
    { $console }/tokens

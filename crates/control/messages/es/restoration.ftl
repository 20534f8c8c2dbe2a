restore-title = Restaurar token
restore-button = Restaurar token
restore-button-short = Restaurar
restore-is-active = El token funciona. Los clientes rechazados vuelven a funcionar con su próxima solicitud.
restore-until = El token está revocado: todos los gateways lo rechazan. Puedes restaurarlo hasta { $when }.
restore-paused = El token está en pausa: todos los gateways lo rechazan hasta que lo restaures.
restore-is-permanent = El token está revocado de forma permanente. No se puede restaurar.
restore-clients = Clientes rechazados
restore-no-clients = Ningún cliente envió una solicitud con el token mientras estaba revocado.
restore-back = { $back } de { $all } vuelven a funcionar
restore-requests = Solicitudes rechazadas
restore-rejected = Último rechazo
restore-works = Funciona de nuevo
restore-waits = Rechazado
revoke-permanently = Revocar de forma permanente
token-pause = Pausar token
tokens-restorable = Se pueden restaurar
tokens-restorable-until = Se puede restaurar hasta
tokens-is-paused = En pausa
not-restorable = Este token no se puede restaurar. { $why }
restore-active = Está activo.
restore-expired = Ha caducado.
restore-too-late = Se revocó hace más de 24 horas.
restore-permanent = Se revocó de forma permanente.
restore-account-closed = Su cuenta se cerró de forma permanente.
violation-revoked = Rechazada: el secreto ya no funciona
receipt-restored = Todos los gateways lo aceptan de nuevo. El último confirmó tras { $slowest_ms } ms.
receipt-restored-pending = Al menos un gateway aún no ha confirmado. Acepta el token en cuanto vuelva a conectarse a la base de datos.
receipt-accepts = Lo acepta
receipt-accepts-later = cuando vuelva a conectarse
event-token-paused = Token en pausa
event-token-restored = Token restaurado
event-token-revoked_permanently = Token revocado de forma permanente
done-token_revoked_permanently = Token de API revocado de forma permanente.
done-token_paused = Token de API en pausa. No funciona hasta que lo restaures.
done-token_restored = Token de API restaurado. Funciona de nuevo.
mail-token-revoked-subject = Se revocó el token de API «{ $name }» en { $account }
mail-token-revoked =
    El token de API «{ $name }» en { $account } se revocó y ya no funciona.

    Si fue un error, puedes restaurarlo hasta { $until }:
    { $console }/tokens
mail-token-restored-subject = Se restauró el token de API «{ $name }» en { $account }
mail-token-restored =
    El token de API «{ $name }» en { $account } se restauró y funciona de nuevo.

    Si no lo esperabas, revócalo:
    { $console }/tokens

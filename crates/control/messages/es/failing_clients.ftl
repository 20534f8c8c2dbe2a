failing-title = Clientes con errores
failing-lead = Clientes cuyas solicitudes rechazó el gateway en los últimos 7 días, agrupados por motivo.
failing-search = Token, código, cliente, red u operación
failing-open = Abiertos ({ $open })
failing-state-open = Abierto
failing-state-muted = Silenciado
failing-state-resolved = Resuelto
failing-state-all = Todos
failing-none = No hay clientes con errores.
failing-reason = Motivo
failing-last-7-days = Últimos 7 días
failing-last = Último rechazo
failing-first = Primer rechazo
failing-hours = { $requests ->
    [one] { $requests } solicitud rechazada en los últimos 7 días
   *[other] { $requests } solicitudes rechazadas en los últimos 7 días
}
failing-unknown-client = Cliente desconocido
failing-one = Cliente con errores
failing-with = Con el token “{ $name }”
failing-works-again = Este cliente ha usado el token correctamente desde entonces.
failing-what-to-do = Qué puedes hacer
failing-last-succeeded = Último éxito
failing-not-succeeded = No en los últimos 7 días
failing-network = Red
failing-notified = Se notificó al creador y a los administradores
failing-report = Notificar al creador y a los administradores
failing-resolve = Marcar como resuelto
failing-mute = Silenciar durante 7 días
failing-reopen = Reabrir
failing-states = Un cliente resuelto se reabre con su próxima solicitud rechazada. Uno silenciado no se muestra entre los abiertos.
requests-pages = Páginas de solicitudes
done-failing_muted = Silenciado durante 7 días.
done-failing_resolved = Marcado como resuelto. Se reabre si se rechaza otra solicitud.
done-failing_reopened = Reabierto.
done-failing_reported = Correo enviado al creador del token y a los administradores.
invalid-mute-time = Introduce un número de días de 1 a { $most }.
nobody-to-notify = Estas solicitudes no llevan ningún token de la cuenta, así que no hay a quién notificar.
already-notified = Ya se notificó al creador y a los administradores en las últimas 24 horas.
event-failing_client-muted = Cliente con errores silenciado
event-failing_client-resolved = Cliente con errores resuelto
event-failing_client-reopened = Cliente con errores reabierto
event-failing_client-reported = Cliente con errores comunicado por correo
remedy-restore = Restaurar el token
remedy-consequences-restore = Todos los clientes con este token vuelven a funcionar, en todos los gateways.
remedy-replace = Crear reemplazo
remedy-consequences-replace = El nuevo token tiene el mismo nombre, los mismos alcances y la misma lista de IP. El cliente sigue fallando hasta que use el nuevo token.
remedy-add-scope = Agregar el alcance { $value }
remedy-consequences-add-scope = Todos los clientes con este token podrán usar las operaciones de { $value }. El secreto no cambia.
remedy-allow = Permitir { $value }
remedy-consequences-allow = El token también funcionará desde { $value }. El secreto no cambia.
remedy-account-limits = Cambiar la lista de IP de la cuenta
remedy-consequences-account-limits = Todos los tokens de la cuenta funcionarán desde las redes que agregues.
remedy-plan = Ver los límites de la cuenta
remedy-consequences-plan = El cliente envía más solicitudes de las que permite el plan. Puede enviar menos, o puedes pedir otro plan al proveedor de la API.
remedy-new-bearer-token = Usar el nuevo token de portador
remedy-consequences-new-bearer-token = El token de portador se reemplazó. Su propietario encuentra el nuevo en API Docs. Un token de API sigue funcionando cuando cambia una contraseña.
remedy-credentials = Comparar con API Docs
remedy-consequences-credentials = La URL del endpoint o el token que envía el cliente no es el de API Docs.
remedy-reference = Ver la referencia de la API
remedy-consequences-reference = La API no tiene esa operación.
remedy-provider = Contactar con el proveedor de la API
remedy-consequences-provider = Solo el proveedor de la API puede cambiarlo.
mail-failing-client-subject = Se rechazan solicitudes con “{ $token }”
mail-failing-client =
    Se rechazan las solicitudes de { $client } con el token “{ $token }” en { $account }: { $code }.

    Primera: { $first }
    Última: { $last }
    Solicitudes en los últimos 7 días: { $requests }

    Mira el motivo y qué puedes hacer:
    { $link }

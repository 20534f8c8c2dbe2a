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
failing-unknown-client = Clientes sin un token válido
failing-one = Cliente con errores
failing-with = Con el token “{ $name }”
failing-works-again = Desde entonces, el gateway ha aceptado solicitudes de este cliente con este token.
failing-what-to-do = Qué puedes hacer
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
remedy-consequences-new-bearer-token = Tu token de portador se reemplazó. Actualiza el cliente con el nuevo, que está en API Docs.
remedy-reference = Ver la referencia de la API
remedy-consequences-reference = La API no tiene esa operación, o ninguna regla de operación la cubre. Revisa el método y la ruta.
remedy-provider = Contactar con el proveedor de la API
remedy-consequences-provider = Solo el proveedor de la API puede cambiarlo.
failing-last-accepted = Última aceptada de este cliente
failing-not-accepted = Ninguna en los últimos 7 días
remedy-update-secret = Actualizar el secreto
remedy-consequences-update-secret = El token está activo, pero el cliente envió un secreto que no funcionaba: uno anterior, o el actual antes de que se restaurara el token. El secreto actual se mostró una sola vez, al crear o rotar el token. Si se perdió, rota el token.
remedy-ask-member = Pedir a { $value } que actualice el cliente
remedy-consequences-ask-member = Su token de portador se reemplazó. El nuevo está en su página API Docs.
remedy-move = Pasar los clientes a tokens de API
remedy-consequences-move = Crea un token de API para cada cliente. Los tokens de API no dependen de la contraseña ni de las sesiones de un miembro.
remedy-create = Crear token de API
remedy-consequences-create = El miembro ya no tiene un token de portador en esta cuenta. Dale al cliente un token de API.
remedy-send = Ver cómo enviar el token
remedy-consequences-send = El cliente debe enviar el encabezado Authorization: Bearer seguido del token. API Docs tiene ejemplos en varios lenguajes.
remedy-check = Revisar la configuración del cliente
remedy-consequences-check = El cliente envía un valor que no es un token de esta cuenta. Compara la URL del punto de conexión con API Docs. Allí está también tu token de portador. El secreto de un token de API se mostró una sola vez: cópialo de donde lo guardaste. Si lo perdiste, rota el token de API.
remedy-request = Ver qué cambiar
remedy-consequences-request = La solicitud en sí no es válida. Otro token no ayuda.
mail-failing-client-subject = Se rechazan solicitudes con “{ $token }”
mail-failing-client =
    Se rechazan las solicitudes de { $client } con el token “{ $token }” en { $account }: { $code }.

    Primera: { $first }
    Última: { $last }
    Solicitudes en los últimos 7 días: { $requests }

    Mira el motivo y qué puedes hacer:
    { $link }
remedy-url = Corregir la URL
remedy-consequences-url = El cliente envía el token a la URL de otra cuenta. Usa la URL del endpoint que aparece en API Docs.
remedy-exposed = Rotar el token
remedy-consequences-exposed = Las URL quedan en los registros, así que otros pueden haber visto el token. Dale al cliente el secreto nuevo en el encabezado Authorization; el anterior funciona durante el período de gracia que elijas.

unfamiliar-title = Clientes desconocidos
unfamiliar-lead = Recibe una alerta cuando un token de API se use con un cliente que nunca lo ha usado y desde una red desde la que nunca se ha usado. Así suele usarse por primera vez un token robado.
unfamiliar-then = Cuando eso ocurra
unfamiliar-off = No hacer nada
unfamiliar-observe = Enviar un correo
unfamiliar-pause = Pausar el token y enviar un correo
unfamiliar-hint = Los clientes de un token se aprenden durante los 7 días posteriores a su primer uso. Empieza solo con correos y pausa los tokens cuando las alertas sean acertadas. Un token en pausa se restaura con un clic.
unfamiliar-save = Guardar
done-unfamiliar_use_saved = Guardado. Se aplica a los usos a partir de ahora.
event-token-unfamiliar_use = Token usado por un cliente desconocido
event-account-unfamiliar_use_changed = Alertas de clientes desconocidos cambiadas
mail-unfamiliar-use-subject = Alerta: un cliente desconocido usa el token «{ $name }» de { $account }
mail-unfamiliar-use =
    El token «{ $name }» de { $account } se usó con un cliente que nunca lo había usado y desde una red desde la que nunca se había usado.

    Cliente: { $client }
    Dirección IP: { $from }
    Primer uso: { $at }

    Si no conoces este cliente, revoca el token. Puedes ver qué hace en
    { $link }
mail-unfamiliar-use-paused-subject = Alerta: se pausó el token «{ $name }» de { $account }
mail-unfamiliar-use-paused =
    El token «{ $name }» de { $account } se usó con un cliente que nunca lo había usado y desde una red desde la que nunca se había usado. Keydesk pausó el token: se rechazan todas las solicitudes con él.

    Cliente: { $client }
    Dirección IP: { $from }
    Primer uso: { $at }

    Si conoces este cliente, restaura el token. Si no, revócalo de forma permanente y crea uno nuevo:
    { $link }

alerts-title = Alertas
alerts-lead = Keydesk observa cómo se usan tus tokens y te avisa cuando algo es inusual.
alerts-recent = Alertas recientes
alerts-none = Todavía no hay alertas.
alerts-mail = Correos electrónicos
alerts-kinds = Enviar un correo por
alert-kind-error_spike = Picos de errores
alert-hint-error_spike = Al menos 20 solicitudes de un token, y una de cada diez, fallan en dos horas: el triple de lo habitual.
alert-kind-silence = Tokens en silencio
alert-hint-silence = Un token que se usa con regularidad lleva sin usarse al menos 6 horas en las que suele usarse.
alert-kind-quota = Cuota mensual
alert-hint-quota = Se ha usado el 80 o el 100 por ciento de la cuota.
alert-kind-previous_secret = Secretos anteriores
alert-hint-previous_secret = Hay clientes que aún usan el secreto anterior de un token rotado cuando queda una cuarta parte de su período de gracia.
alerts-quiet = Horas de silencio
alerts-zone = Zona horaria
alerts-quiet-hint = Las alertas de ese tiempo se envían cuando termina. Déjalo vacío para recibirlas de inmediato.
alerts-others = Las alertas sobre <a href="/limits#unfamiliar-use">clientes desconocidos</a> se configuran con los límites de la cuenta. Los recordatorios de tokens que vencen se envían siempre. Los <a href="/webhooks">webhooks</a> reciben todas las alertas de inmediato.
alerts-save = Guardar alertas
usage-pages = Páginas de uso
done-alerts_saved = Alertas guardadas.
invalid-quiet-time = Introduce ambas horas de silencio, por ejemplo 22:00 y 07:00.
invalid-time-zone = Introduce el nombre de una zona horaria, por ejemplo Europe/Berlin.
event-token-error_spike = Pico de errores
event-token-silent = Token en silencio
event-token-previous_secret_used = El secreto anterior aún se usa
event-token-alerts_changed = Alertas de un token cambiadas
event-account-alerts_changed = Alertas cambiadas
interval-seconds = { $n ->
    [one] segundo
   *[other] { $n } segundos
}
interval-minutes = { $n ->
    [one] minuto
   *[other] { $n } minutos
}
interval-hours = { $n ->
    [one] hora
   *[other] { $n } horas
}
mail-error-spike-subject = Alerta: fallan solicitudes con “{ $token }”
mail-error-spike =
    { $errors } de { $requests } solicitudes con el token “{ $token }” en { $account } han fallado desde el { $since }. Lo habitual es que falle el { $usual }%.

    Mira qué solicitudes fallan:
    { $link }

    Elige las alertas que recibes:
    { $settings }
mail-silence-subject = Alerta: “{ $token }” ya no se usa
mail-silence =
    El token “{ $token }” en { $account } no se usa desde el { $last }. Mientras se usa, suele haber una solicitud cada { $interval }.

    Comprueba si sus clientes siguen en marcha:
    { $link }

    Elige las alertas que recibes:
    { $settings }
mail-previous-secret-subject = Alerta: el secreto anterior de “{ $token }” aún se usa
mail-previous-secret =
    El secreto anterior del token “{ $token }” en { $account } deja de funcionar el { $until }. Estos clientes aún lo usan: { $clients }.

    Último uso: { $last }

    Dales el secreto nuevo antes de esa fecha. Mira el token:
    { $link }

    Elige las alertas que recibes:
    { $settings }
mail-quota-subject = Alerta: usado el { $percent }% de la cuota de { $account }
mail-quota =
    { $account } ha usado { $requests } de { $quota } solicitudes de la cuota de este mes: el { $percent }%. Las solicitudes por encima de la cuota se rechazan hasta que termine el mes.

    Mira los límites de la cuenta:
    { $link }

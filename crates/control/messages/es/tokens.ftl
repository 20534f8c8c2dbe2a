tokens-active-label = Tokens de API activos
tokens-inactive-label = Tokens de API inactivos
token-rotate-title = Rotar «{ $name }»
token-rotate-lead = El token conserva su nombre, sus alcances y su fecha de vencimiento, y recibe un secreto nuevo, que se muestra una sola vez. El secreto actual, <span class="mono">{ $masked }</span>, deja de funcionar de inmediato o después de un período de gracia.
token-revoke-title = Revocar «{ $name }»
token-revoke-lead = El token <span class="mono">{ $masked }</span> deja de funcionar de inmediato. Puedes restaurarlo durante 24 horas.
grace-period = Período de gracia del secreto actual
grace-period-none = Ninguno: revocarlo de inmediato
grace-period-1h = 1 hora
grace-period-24h = 24 horas
grace-period-7d = 7 días
idle-period = Finalizar antes el período de gracia
idle-period-none = Nunca
idle-period-1h = Después de 1 hora sin solicitudes
idle-period-24h = Después de 24 horas sin solicitudes
grace-period-hint = Durante el período de gracia, los clientes que todavía usan el secreto anterior aparecen en la página Tokens.
token-rotate = Rotar token
token-revoke = Revocar token
token-limits-title = Límites de «{ $name }»
token-limits-lead = Cambiar los límites no cambia el secreto de <span class="mono">{ $masked }</span>. Puedes observar primero los límites nuevos: no se rechaza nada y se muestran las solicitudes que se rechazarían.
token-limits-violations = Infracciones
token-limits-used = Uso
token-limits-unused = Aún no hay solicitudes a operaciones que aparezcan en el documento OpenAPI de la API.
token-limits-operations = Operaciones para las que se usó este token
token-limits-suggested = Límites sugeridos (los más estrictos que aún permiten todas las solicitudes que no se rechazaron):
token-limits-fill-in = Usar límites sugeridos
token-limits-new = Límites nuevos
token-limits-filled = El formulario contiene los límites sugeridos. Nada cambia hasta que los guardes.
token-limits-widened = El cambio ya está en el formulario. Nada cambia hasta que lo guardes.
token-limits-hint = Ingresa una dirección IP o un rango CIDR por línea, por ejemplo 203.0.113.7 o 2001:db8::/32. Deja el campo vacío para permitir cualquier dirección IP.
token-limits-set = Guardar límites
token-new-title = Crear token nuevo
token-new-lead = Crea un token para cada integración. Se muestra una sola vez y pertenece a la cuenta. Funciona hasta que vence o alguien lo rota o lo revoca.
token-new-example = Sincronización de CRM
token-new-no-scopes = El documento OpenAPI de la API no define alcances, así que los tokens tienen acceso total, a menos que la propia API los restrinja.
token-new-select-all = Seleccionar todo
token-new-last-day = En una fecha específica
token-new-last-day-utc = Fecha de vencimiento (UTC)
token-new-last-day-hint = El token funciona hasta el final de ese día, en UTC.
token-new-create = Crear token
token-new-cancel = Cancelar
violations-title = Infracciones de límites
violations-lead = Solicitudes de los últimos 30 días que excedieron los límites de un token. Se rechazaron, o se rechazarían si se aplicara un límite observado. Selecciona un token para ver sus límites.
violations-days = Últimos 30 días
violations-none = No hay infracciones. Todas las solicitudes estuvieron dentro de los límites de su token.
violations-label = Solicitudes que infringen los límites
violations-reason = Motivo
violations-rejected = { $rejected } rechazadas
shown-new-secret = Secreto nuevo de «{ $name }»
shown-ready = «{ $name }» está listo
shown-valid-until = El secreto anterior funciona hasta { $when }. Actualiza la integración antes.
shown-rejected = El secreto anterior ya no funciona. Consulta el <a href="/receipts/{ $number }">recibo</a>.
shown-pending = No todos los gateways han confirmado que rechazan el secreto anterior. El <a href="/receipts/{ $number }">recibo</a> muestra cuándo lo harán todos.
shown-unwritten = No pudimos registrar si todos los gateways ya rechazan el secreto anterior. Cada gateway lo hará antes de que venza su concesión (lease).
shown-once = Copia el token ahora: no podrás verlo de nuevo. Guárdalo donde solo tu integración pueda leerlo.
shown-try = Pruébalo desde tu servidor, con el token en <code>$TOKEN</code>: <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code>
shown-stored = Guardé el token
tokens-title = Tokens de API
tokens-lead = Para integraciones. Los tokens de API pertenecen a la cuenta, no a una persona: siguen funcionando cuando alguien cambia su contraseña, cierra sesión o deja la cuenta.
tokens-create = Crear token nuevo
tokens-active = Activos
tokens-none = Aún no hay tokens de API. Crea uno para cada integración, para que puedas rotar cada uno sin afectar a los demás.
tokens-none-found = Ningún token coincide.
tokens-none-inactive = No hay tokens inactivos.
tokens-search = Nombre del token o sus últimos caracteres
tokens-show-active = Mostrar tokens activos
tokens-show-inactive = Mostrar tokens inactivos
tokens-previous-secrets = Secretos anteriores en período de gracia
tokens-previous-secrets-label = Secretos anteriores de tokens rotados
tokens-until = Válido hasta
tokens-idle = o después de { $idle } sin solicitudes
tokens-not-since = Sin uso desde la rotación
tokens-revoke-previous = Revocar ahora
tokens-previous-secrets-hint = Los clientes que todavía usan un secreto anterior aparecen en <a href="/tokens/violations">Infracciones</a>. Las respuestas que reciben incluyen los encabezados <code>Deprecation</code> y <code>Sunset</code>.
tokens-inactive = Inactivos
tokens-by = por { $made_by }
tokens-limits = Límites
tokens-limits-of = de { $name }
tokens-rotate = Rotar
tokens-revoke = Revocar
tokens-of = { $name }
former-member = un exmiembro
client-from = { $client } desde { $address }
token-created = Token creado
rotate-api-token = Rotar token de API
revoke-api-token = Revocar token de API
invalid-version = La versión debe ser un número entero u omitirse.
violation-scope = Rechazada: falta un alcance
violation-scope-observed = Se rechazaría: falta un alcance
violation-observed-scope = Se rechazaría: no está en los alcances observados
violation-ip = Rechazada: dirección IP no permitida
violation-observed-ip = Se rechazaría: no está en la lista observada de IP permitidas
violation-rate = Rechazada: límite de frecuencia excedido
violation-rate-observed = Se rechazaría: límite de frecuencia excedido
violation-quota = Rechazada: cuota mensual excedida
violation-previous-secret = Usó el secreto anterior de un token rotado
violation-quota-observed = Se rechazaría: cuota mensual excedida
violations-short = Infracciones
missing-scope = Selecciona al menos un alcance o «Acceso total».
too-many-tokens = Esta cuenta ya tiene { $most } tokens de API activos. Revoca algunos primero.
token-inactive = Este token ya no está activo. Crea uno nuevo.
too-many-previous-secrets = Este token ya tiene { $most } secretos anteriores en período de gracia. Revócalos o rota el token sin período de gracia.
no-previous-secrets = Este token ya no tiene secretos anteriores en período de gracia.
token-changed = Alguien rotó este token después de que abriste la página. Recarga la página e inténtalo de nuevo.
token-already-created-why = Este formulario ya se envió: «{ $name }» se creó y su secreto se mostró en ese momento. Si no lo viste, rota el token en la página Tokens.
token-already-created = Ya se creó
go-to-tokens = Ir a Tokens
expires-never = Nunca
expires-30d = En 30 días
expires-60d = En 60 días
expires-90d = En 90 días
expires-180d = En 180 días
expires-365d = En 1 año
expires-at-most =
    { $n ->
        [one] Los tokens de esta cuenta pueden ser válidos por un día como máximo.
       *[other] Los tokens de esta cuenta pueden ser válidos por { $n } días como máximo.
    }
must-expire = Los tokens de esta cuenta deben vencer.
missing-expiry-date = Elige una fecha de vencimiento o una de las otras opciones.
ambiguous-expiry = Elige una de las opciones o una fecha específica, pero no ambas.
inactive-expired = Vencido
inactive-rotated = Rotado
inactive-revoked = Revocado
inactive-password_changed = Contraseña cambiada
inactive-password_reset = Contraseña restablecida
inactive-logged_out_of_all_sessions = Todas las sesiones cerradas
inactive-member_removed = Miembro eliminado
inactive-role_changed = Rol cambiado
inactive-account_closed = Cuenta cerrada
token-pages = Páginas de tokens
idle-period-too-long = El tiempo sin solicitudes debe ser menor que el período de gracia.
tokens-inactive-since = Inactivo desde
token-new-observed = Los alcances están en modo de observación: el gateway no rechaza solicitudes por falta de alcances hasta que el proveedor de la API los aplique.
token-unused = Sin solicitudes en los últimos 30 días.
token-see-usage = Ver el uso en detalle
token-clients = Clientes
token-left-behind = Clientes que aún usan un secreto revocado
token-failed = Solicitudes fallidas
token-failed-none = No hay solicitudes fallidas en el registro.
token-see-failed = Ver todas las solicitudes fallidas
token-changes = Cambios
token-see-changes = Ver todos los cambios en el registro de auditoría
token-facts = Datos
token-see-observed = Ver los límites observados
token-id = ID del token
token-change-limits = Cambiar los límites o el nombre
token-replace = Crear reemplazo
tokens-no-requests = Sin solicitudes
expires-on = { $span } ({ $day })
token-limits-enforce = Aplicar límites
limits-consequences = En los últimos 30 días, estos clientes enviaron solicitudes que los nuevos límites rechazarían. Esas solicitudes se rechazan en cuanto guardes.
inactive-paused = En pausa
tokens-show = Mostrar
tokens-show-all = Todos
tokens-show-unused = Sin uso desde hace 90 días
tokens-show-expiring = Vencen en los próximos 30 días
tokens-show-full_access = Acceso total
tokens-show-never_expiring = Sin fecha de vencimiento
tokens-creator = Creado por
tokens-any-creator = Cualquiera
tokens-sort = Ordenar por
tokens-sort-created = Más recientes
tokens-sort-name = Nombre
tokens-sort-last_used = Usados hace más tiempo
tokens-sort-expires = Fecha de vencimiento
tokens-select = Seleccionar { $name }
tokens-revoke-selected = Revocar los tokens seleccionados
tokens-revoke-several = Revocar tokens de API
tokens-revoke-several-title = Revocar { $n ->
    [one] { $n } token de API
   *[other] { $n } tokens de API
 }
tokens-revoke-several-button = Revocar { $n ->
    [one] { $n } token
   *[other] { $n } tokens
 }
tokens-revoke-several-lead = Estos tokens dejan de funcionar de inmediato, en todos los gateways. Durante 24 horas puedes restaurar cada uno.
done-tokens_revoked = Tokens revocados. Puedes restaurar cada uno durante 24 horas.
no-tokens-selected = Selecciona de 1 a { $most } tokens de API activos.
mail-tokens-revoked-subject = Se revocaron { $n } tokens de API en { $account }
mail-tokens-revoked =
    Estos tokens de API de { $account } se revocaron y ya no funcionan:

    { $names }

    Si fue un error, puedes restaurar cada uno hasta el { $until }:
    { $console }/tokens
done-no_tokens_selected = Selecciona los tokens que quieres revocar.
token-note = Nota
token-note-example = Dónde se usa y a quién preguntar
token-note-save = Guardar nota
token-new-summary = Resumen

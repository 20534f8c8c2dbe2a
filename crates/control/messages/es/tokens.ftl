tokens-live-label = Tokens de API vivos
tokens-ended-label = Tokens de API terminados
token-rotate-title = Rotar «{ $name }»
token-rotate-lead = El token conserva su nombre, alcances y caducidad y recibe un secreto nuevo, que se muestra una vez. El antiguo, <span class="mono">{ $masked }</span>, se rechaza desde ese momento, o sigue un tiempo.
token-revoke-title = Revocar «{ $name }»
token-revoke-lead = El token <span class="mono">{ $masked }</span> se rechaza desde ese momento, para siempre. Queda en la lista con el motivo.
token-old = El secreto antiguo
token-old-none = termina enseguida
token-old-1h = sigue una hora
token-old-24h = 24 horas
token-old-7d = 7 días
token-earlier = Cerrarlo antes
token-earlier-no = no
token-earlier-1h = tras una hora sin llamadas
token-earlier-24h = tras 24 horas sin ninguna
token-old-hint = Mientras sigue, quienes lo usan aparecen en la página Tokens.
token-rotate = Rotar el token
token-revoke = Revocar el token
token-limits-title = Límites de «{ $name }»
token-limits-lead = <span class="mono">{ $masked }</span> conserva su secreto: solo cambia lo que puede hacer. Los límites se pueden probar antes: nada se rechaza, y se lista lo que se rechazaría.
token-limits-object = Lo que los límites objetan
token-limits-used = Para qué se usa
token-limits-unused = Nada aún, hasta donde el documento de la API nombra sus operaciones.
token-limits-operations = Operaciones para las que se usó este token
token-limits-smallest = Los límites más pequeños con los que pasa todo lo que no se rechazó:
token-limits-fill-in = Ponerlos en el formulario
token-limits-new = Límites nuevos
token-limits-filled = Los límites más pequeños están puestos. Nada cambia hasta que pulses el botón.
token-limits-hint = Una dirección o red por línea, como 203.0.113.7 o 2001:db8::/32. Vacío: desde cualquier lugar.
token-limits-set = Fijar límites
token-limits-leave = Dejarlo como está
token-new-title = Crear un token nuevo
token-new-lead = Para un programa. Se muestra una vez y pertenece a la cuenta: vive hasta que caduca, o alguien lo rota o revoca.
token-new-example = Sincronización CRM
token-new-no-scopes = El documento de la API no nombra alcances, así que un token puede hacerlo todo o lo limita la propia API.
token-new-select-all = Seleccionar todo
token-new-last-day = Tras un último día
token-new-last-day-utc = Último día, UTC
token-new-last-day-hint = El último día cuenta en UTC, hasta su fin.
token-new-create = Crear token
token-new-cancel = Cancelar
objections-title = Lo que los límites objetan
objections-lead = Llamadas de los últimos 30 días rechazadas por lo que un token puede hacer, o que lo serían cuando los límites en observación entren en vigor. El nombre de un token lleva a sus límites.
objections-days = Últimos 30 días
objections-nothing = Nada. Cada llamada era una que su token puede hacer.
objections-back = Volver a los tokens
objections-label = Llamadas que los límites objetan
objections-why = Por qué
objections-refused = { $refused } rechazadas
shown-new-secret = «{ $name }» tiene un secreto nuevo
shown-ready = «{ $name }» está listo
shown-old-until = El secreto antiguo sigue hasta { $when }; cambia el programa antes.
shown-refused = El secreto antiguo se rechaza desde ahora: ve el <a href="/receipts/{ $number }">recibo</a>.
shown-pending = No todos los gateways han confirmado que rechazan el secreto antiguo; el <a href="/receipts/{ $number }">recibo</a> dice desde cuándo lo hacen.
shown-unwritten = No se pudo anotar si todos los gateways rechazan ya el secreto antiguo; cada uno lo hace dentro de su concesión.
shown-once = Es la única vez que se muestra el token. Guárdalo donde el programa lo encuentre, y en ningún sitio público.
shown-try = Pruébalo desde tu servidor, con el token en <code>$TOKEN</code>: <code class="code-line">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code>
shown-stored = Lo he guardado
tokens-title = Tokens de API
tokens-lead = Para programas. Pertenecen a la cuenta, no a una persona: ningún cambio de contraseña, cierre de sesión o baja los termina.
tokens-create = Crear un token nuevo
tokens-live = Vivos
tokens-none = Aún no hay tokens de API. Crea uno para cada programa, para poder rotar cada uno sin tocar los demás.
tokens-old = Secretos antiguos que siguen
tokens-old-label = Secretos antiguos de tokens rotados
tokens-until = Hasta
tokens-quiet = o { $quiet } sin llamadas
tokens-not-since = no desde la rotación
tokens-close = Cerrar ya
tokens-old-hint = Quien aún llama con un secreto antiguo aparece en <a href="/tokens/objections">objeciones</a>, y lo sabe por <code>Deprecation</code> y <code>Sunset</code> en la respuesta.
tokens-links = Lo que los límites rechazaron o rechazarían en los últimos 30 días: <a href="/tokens/objections">objeciones</a>. Plan y direcciones de toda la cuenta: <a href="/limits">límites de la cuenta</a>.
tokens-ended = Terminados
tokens-receipts = Qué gateways rechazaron un token, y cuándo, está en <a href="/receipts">Recibos</a>.
tokens-by = por { $made_by }
tokens-limits = Límites
tokens-limits-of = de { $name }
tokens-rotate = Rotar
tokens-revoke = Revocar
tokens-of = { $name }
scope-everything = todo
former-member = un antiguo miembro
program-from = { $program } desde { $address }
token-created = Token creado
rotate-api-token = Rotar token de API
revoke-api-token = Revocar token de API
version-wrong = version es un número entero, o se omite
scope-needed = Un token necesita al menos un alcance.
why-scope = rechazada: falta el alcance
why-scope-yet = se rechazaría: falta el alcance
why-trial-scope = la rechazarían los alcances a prueba
why-address = rechazada: desde otra dirección
why-trial-address = la rechazarían las direcciones a prueba
why-rate = rechazada: demasiadas llamadas a la vez
why-rate-yet = se rechazaría: demasiadas llamadas a la vez
why-quota = rechazada: las llamadas del mes se agotaron
why-old-secret = usa el secreto antiguo de un token rotado
why-quota-yet = se rechazaría: las llamadas del mes se agotaron
objections-short = Objeciones
scope-or-everything = elige al menos un alcance, o «todo»
too-many-tokens = esta cuenta tiene { $most } tokens de API vivos; revoca algunos antes
no-such-token = no existe ese token
token-has-ended = el token ya ha terminado; crea uno nuevo
too-many-old = ya siguen { $most } secretos antiguos de este token; ciérralos, o rota sin solapamiento
nothing-old = ya no sigue ningún secreto antiguo de este token
token-changed = alguien ha rotado este token desde que abriste la página; míralo de nuevo
token-repeated = este formulario ya se envió, y entonces se creó «{ $name }» y se mostró su secreto; si no lo viste, rota el token en la página Tokens
already-created = Ya creado
go-to-tokens = Ir a Tokens
lives-never = Nunca
lives-30d = 30 días
lives-60d = 60 días
lives-90d = 90 días
lives-180d = 180 días
lives-365d = Un año
lives-at-most =
    { $n ->
        [one] Los tokens de esta cuenta pueden vivir un día como máximo.
       *[other] Los tokens de esta cuenta pueden vivir { $n } días como máximo.
    }
must-have-end = Los tokens de esta cuenta deben tener un fin.
choose-day = elige el último día, o uno de los otros plazos
choose-one = elige un plazo o un último día, no ambos
over-expired = caducado
over-rotated = rotado
over-revoked = revocado
over-password_changed = contraseña cambiada
over-password_reset = contraseña restablecida
over-logged_out_everywhere = sesión cerrada en todas partes
over-member_removed = miembro quitado
over-role_changed = función cambiada
over-account_closed = cuenta cerrada

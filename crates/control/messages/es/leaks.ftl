report-leak-title = Informar de un token filtrado
report-leak-lead = ¿Has encontrado un token de este servicio donde no debería estar, por ejemplo en un repositorio público, un registro o un chat? Infórmalo aquí. Si el token aún funciona, se revoca de inmediato y se avisa a sus propietarios. No necesitas una cuenta.
report-leak-secret = Lo que has encontrado
report-leak-secret-hint = Pega el token, el texto que lo contiene o el resumen SHA-256 del token en hexadecimal.
report-leak-url = Dónde lo has encontrado (opcional)
report-leak-send = Informar
report-leak-sent = Gracias. Todos los tokens de este servicio que contiene tu informe están revocados.
report-leak-another = Informar de otro
no-token-in-report = No contiene ningún token completo de este servicio. Pega el token entero.
too-many-tokens-in-report = Informa de { $most } tokens como máximo a la vez.
too-many-reports-why = Ha habido demasiados informes desde tu red. Inténtalo de nuevo en { $span }.
too-many-reports = Demasiados informes
inactive-leaked = Filtrado
event-token-leaked = Token filtrado revocado
event-management_key-leaked = Clave de administración filtrada revocada
event-canary-leaked = Token canario encontrado
leak-reporter-github = el análisis de secretos de GitHub
leak-reporter-gitlab = la detección de secretos de GitLab
leak-reporter-report_form = alguien en la página de tokens filtrados
leak-reporter-scan = una comprobación del resumen del token
mail-token-leaked-subject = Alerta: el token «{ $name }» de { $account } se filtró y fue revocado
mail-token-leaked =
    El token «{ $name }» de la cuenta { $account } se encontró donde otros pueden leerlo. Keydesk lo ha revocado.

    Informado por: { $reporter }
    Encontrado en: { $location }
    { $rejected }

    { $used }
    Clientes que dejan de funcionar: { $clients }

    { $next }

    Comprueba para qué se usó el token: { $console }/audit
mail-leaked-since =
    Rechazado por todos los gateways desde: { $at }
    Recibo: { $receipt }
mail-leaked-rejected = Los gateways ya lo rechazan.
mail-leaked-no-clients = ninguno en los últimos 30 días
mail-leaked-more = { $names } y { $more } más
mail-leaked-location-in-audit = sin verificar; consulta el registro de auditoría
mail-leaked-no-location = no se indicó
mail-leaked-instance = esta instancia de Keydesk
mail-leaked-successor =
    Crea su sucesor con el mismo nombre, los mismos alcances y los mismos límites, y actualiza estos clientes:
    { $link }
mail-leaked-bearer =
    El miembro ya tiene un nuevo token de portador. Actualiza estos clientes con él:
    { $link }
mail-leaked-previous = Solo se filtró el secreto anterior. El secreto actual del token sigue funcionando, así que actualiza los clientes que aún usan el anterior.
mail-key-leaked-subject = Alerta: la clave de administración «{ $name }» se filtró y fue revocada
mail-key-leaked =
    La clave de administración «{ $name }» de { $account } se encontró donde otros pueden leerla. Keydesk la ha revocado.

    Informado por: { $reporter }
    Encontrada en: { $location }

    { $used }

    Comprueba en el registro de auditoría para qué se usó y crea una clave nueva:
    { $link }
mail-canary-leaked-subject = Alerta: se encontró el token canario «{ $name }»
mail-canary-leaked =
    Alguien encontró el token canario «{ $name }». El token nunca funciona, pero esa persona ha leído el lugar donde lo dejaste.

    Informado por: { $reporter }
    Encontrado en: { $location }
    Informado desde: { $from }

    Averigua quién puede leer ese lugar y rota los tokens reales que se guardan allí.
    { $console }/canaries
token-new-successor = Sucesor de «{ $name }». Su nombre, sus alcances y su duración ya están rellenados.
token-new-successor-ips = Solo acepta solicitudes desde las mismas direcciones IP: { $networks }.
token-new-same-lifetime = La misma que antes ({ $n } días)

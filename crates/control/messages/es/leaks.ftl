report-leak-title = Reportar un token filtrado
report-leak-lead = ¿Has encontrado un token de este servicio donde no debería estar, por ejemplo en un repositorio público, un registro o un chat? Repórtalo aquí. Si el token aún funciona, se revoca de inmediato y se avisa a sus responsables. No necesitas una cuenta.
report-leak-secret = Lo que has encontrado
report-leak-secret-hint = Pega el token, el texto que lo contiene o el hash SHA-256 del token en hexadecimal.
report-leak-url = Dónde lo has encontrado (opcional)
report-leak-send = Reportar
report-leak-sent = Gracias. Si tu reporte contiene tokens activos de este servicio, ya no funcionan.
report-leak-another = Reportar otro
no-token-in-report = No contiene ningún token completo de este servicio. Pega el token entero.
too-many-tokens-in-report = Reporta como máximo { $most } tokens a la vez.
too-many-reports-why = Ha habido demasiados reportes desde tu red. Inténtalo de nuevo en { $span }.
too-many-reports = Demasiados reportes
inactive-leaked = Filtrado
event-token-leaked = Token filtrado revocado
event-management_key-leaked = Clave de administración filtrada revocada
event-canary-leaked = Token canario encontrado
leak-reporter-github = el análisis de secretos de GitHub
leak-reporter-gitlab = la detección de secretos de GitLab
leak-reporter-report_form = alguien, en la página «Reportar un token filtrado»
leak-reporter-scan = alguien que comprobó el hash del token
mail-token-leaked-subject = Alerta: el token «{ $name }» de { $account } se filtró y se revocó
mail-token-leaked =
    El token «{ $name }» de la cuenta { $account } se encontró donde otros pueden leerlo. Keydesk lo revocó de forma permanente.

    Reportado por: { $reporter }
    Encontrado en: { $location }
    { $rejected }

    { $used }
    Clientes de este token: { $clients }

    { $next }

    Consulta para qué operaciones se usó el token:
    { $uses }
mail-secret-leaked-subject = Alerta: se revocó un secreto filtrado del token «{ $name }» de { $account }
mail-secret-leaked =
    Un secreto del token «{ $name }» de la cuenta { $account } se encontró donde otros pueden leerlo. Keydesk revocó ese secreto.

    Reportado por: { $reporter }
    Encontrado en: { $location }
    { $rejected }

    { $used }
    Clientes de este token: { $clients }

    { $next }

    Consulta para qué operaciones se usó el token:
    { $uses }
mail-leaked-since =
    Todos los gateways lo rechazan a partir de: { $at }
    Recibo: { $receipt }
mail-leaked-rejected = Cada gateway lo rechaza en cuanto recibe el cambio o cuando vence su concesión.
mail-leaked-no-clients = ninguno en los últimos 30 días
mail-leaked-more = { $names } y { $more } más
mail-leaked-location-in-audit = sin verificar; consulta el registro de auditoría
mail-leaked-no-location = no se indicó
mail-leaked-instance = esta instancia de Keydesk
mail-leaked-successor =
    Crea un reemplazo con el mismo nombre, los mismos alcances, la misma vigencia y la misma lista de IP permitidas, y actualiza estos clientes:
    { $link }
mail-leaked-bearer =
    El miembro ya tiene un nuevo token de portador. Actualiza estos clientes con él:
    { $link }
mail-leaked-previous = Solo se filtró el secreto anterior. El secreto actual del token sigue funcionando. Actualiza los clientes que aún usan el anterior.
mail-key-leaked-subject = Alerta: la clave de administración «{ $name }» se filtró y se revocó
mail-key-leaked =
    La clave de administración «{ $name }» de { $account } se encontró donde otros pueden leerla. Keydesk la revocó.

    Reportada por: { $reporter }
    Encontrada en: { $location }

    { $used }

    Comprueba en el registro de auditoría para qué se usó y crea una clave nueva:
    { $link }
mail-canary-leaked-subject = Alerta: se encontró el token canario «{ $name }»
mail-canary-leaked =
    Alguien encontró el token canario «{ $name }». El token nunca funciona, pero esa persona ha leído el lugar donde lo dejaste.

    Reportado por: { $reporter }
    Encontrado en: { $location }
    Reportado desde: { $from }

    Averigua quién puede leer ese lugar y rota los tokens reales que se guardan allí.
    { $console }/canaries
token-new-successor = Reemplazo de «{ $name }». El nombre, los alcances, la lista de IP permitidas y la vigencia se copiaron de él.
token-new-same-lifetime = { $n ->
    [one] En { $n } día, como antes
   *[other] En { $n } días, como antes
}
tokens-replace = Crear reemplazo

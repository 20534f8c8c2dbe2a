keys-title = Claves de administración
keys-lead = Para programas que administran esta cuenta con la API de administración. Una clave de administración no da acceso a la API en sí: para eso, usa un token de API.
keys-search = Buscar una clave por nombre o por el final de su secreto
keys-api-url = URL de la API de administración
keys-reference = Referencia de la API
keys-none = Aún no hay claves de administración.
keys-none-found = Ninguna clave de administración coincide.
keys-acts-as = actúa como { $name }
keys-previous-until = El secreto anterior funciona hasta
keys-take-over = Asumir
management-key = Clave de administración
key-created = Clave de administración creada
key-new-title = Crear clave de administración
key-new-lead = Da a cada programa su propia clave, solo con los alcances que necesita. La clave actúa como tú: nunca hace más de lo que tú puedes hacer, y se revoca cuando dejas la cuenta.
key-new-example = Terraform
key-new-create = Crear clave de administración
key-new-expiry-hint = { $n ->
    [one] La duración máxima es de { $n } día. La clave funciona hasta el final de su último día, UTC.
   *[other] La duración máxima es de { $n } días. La clave funciona hasta el final de su último día, UTC.
 }
key-shown-once = Copia la clave de administración ahora: no podrás volver a verla. Guárdala donde solo tu programa pueda leerla.
key-shown-try = Pruébala, con la clave en <code>$KEYDESK_KEY</code>: <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $KEYDESK_KEY" { $url }/key</code>
key-stored = He guardado la clave
key-rotate = Rotar la clave
key-rotate-lead = La clave conserva su nombre, sus alcances y su fecha de vencimiento, y recibe un secreto nuevo, que se muestra una sola vez. El secreto actual, <span class="mono">{ $masked }</span>, deja de funcionar de inmediato o tras un período de gracia.
key-revoke = Revocar la clave
key-revoke-lead = La clave <span class="mono">{ $masked }</span> deja de funcionar de inmediato y para siempre. Permanece en la lista.
key-scope-tokens-read = Ver los tokens de API, sin sus secretos
key-scope-tokens-write = Crear, limitar, rotar y revocar tokens de API
key-scope-limits-read = Ver los límites, el plan y lo que requieren las operaciones
key-scope-limits-write = Cambiar los límites de la cuenta
key-scope-usage-read = Ver los clientes y los incumplimientos de límites
key-scope-receipts-read = Leer los recibos
key-scope-members-read = Ver los miembros
key-scope-members-write = Invitar a miembros, cambiar sus roles, quitarlos y cerrar sus sesiones
key-scope-audit-read = Leer y exportar el registro de auditoría
key-scope-sso-write = Configurar el inicio de sesión único
key-scope-keys-read = Ver las claves de administración, sin sus secretos
key-scope-keys-write = Crear, rotar y revocar claves de administración
key-scope-accounts-read = Ver las cuentas
key-scope-accounts-write = Abrir, suspender, cerrar y restaurar cuentas, cambiar sus planes e invitar a propietarios
key-scope-instance-read = Ver los planes, las operaciones, los gateways y los operadores
too-many-keys = Puedes tener como máximo { $most } claves de administración activas. Revoca una que no necesites.
invalid-key-scope = Elige alcances de la lista, como tokens:read.
scope-not-grantable = No puedes conceder el alcance { $scope }: una clave nunca hace más que el rol, el operador o la clave que la crea.
key-inactive = Esta clave de administración venció o fue revocada
key-inactive-why = No ha cambiado nada. Crea una clave nueva si el programa todavía la necesita.
key-changed = Esta clave de administración ha cambiado
key-changed-why = Se rotó después de que abriste esta página. No ha cambiado nada. Abre la lista de nuevo.
key-is-yours = Esta clave de administración ya actúa como tú
key-is-yours-why = No ha cambiado nada.
scope-required = A esta clave de administración le falta un alcance
scope-required-why = La solicitud requiere el alcance { $scope }. Crea una clave que lo tenga.
session-required = Para esto, inicia sesión en la consola
session-required-why = Las claves de administración no pueden hacer esto. Inicia sesión en la consola.
invalid-management-key = Esta clave de administración no es válida
invalid-management-key-why = La clave es desconocida, venció o fue revocada. Los tokens de API y los bearer tokens no funcionan aquí: envía una clave de administración, que se ve así: kd_m_….
ip-not-allowed = Esta dirección IP no está permitida
ip-not-allowed-why = La lista de IP permitidas de la clave de administración no incluye { $address }.
request-repeated = Esta solicitud ya se hizo
request-repeated-why = Ya se ejecutó una solicitud con esta Idempotency-Key.
invalid-expiry-time = Ingresa una hora en formato RFC 3339, como 2027-06-30T00:00:00Z.
invalid-digest = Envía el SHA-256 del secreto como 64 dígitos hexadecimales en minúsculas.
invalid-masked-secret = Envía el secreto enmascarado, como kd_a_••••••••3fQ9. «keydesk token make» lo muestra.
secret-taken = Este secreto no se puede usar
secret-taken-why = Su resumen es o fue el de otro token. Genera un secreto nuevo.
errors-management = Errores de la API de administración

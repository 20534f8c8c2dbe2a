api-docs-lead = Todo lo que una integración necesita para llamar a la API como { $account }: adónde enviar las solicitudes y el token que las autentica.
api-docs-used-by =
    { $n ->
        [one] <b>{ $client } desde { $address }</b> usa este token (última solicitud: { $when }) y dejará de funcionar si cambia tu contraseña. <a href="/api-docs/move">Crea un token de API para ese cliente</a>
       *[other] <b>{ $client } desde { $address }</b> y { $others } más usan este token (última solicitud: { $when }) y dejarán de funcionar si cambia tu contraseña. <a href="/api-docs/move">Crea un token de API para cada uno</a>
    }
reference-title = Referencia de la API · Keydesk
reference-back = ← API Docs
reference-no-script = La referencia interactiva requiere JavaScript. Las operaciones también aparecen en <a href="/api-docs#reference">API Docs</a>, y puedes leer el documento OpenAPI en <a href="/api-docs/openapi.json">openapi.json</a>.
rotate-bearer = Rotar token de portador
rotate-bearer-lead = Obtendrás un token de portador nuevo, y el actual dejará de funcionar de inmediato. Los tokens de API no se ven afectados.
viewer-lead = Tu rol aquí es Lector, y los lectores no tienen token. Para obtener uno, pídele a una de estas personas que cambie tu rol a Desarrollador:
api-docs-create = Crear token nuevo
api-docs-credentials = Tus credenciales
api-docs-number = Cuenta { $number }
api-docs-of-url = la URL del punto de conexión
api-docs-of-token = el token de portador
api-docs-show = Mostrar
api-docs-hide = Ocultar
api-docs-rotate = Rotar
api-docs-yours = Este token es solo tuyo. Mantenlo en secreto: cualquiera que lo tenga puede llamar a la API en tu nombre. Deja de funcionar cuando cambias o restableces tu contraseña, cierras todas las sesiones, dejas la cuenta o lo rotas.
api-docs-show-token = Mostrar token de portador
api-docs-a-while = Hace tiempo que no ingresas tu contraseña. Ingrésala para mostrar el token.
api-docs-first-call = Haz tu primera solicitud
api-docs-call-it = Enviar desde este navegador
api-docs-of-snippet = el fragmento de { $label }
api-docs-whoami = Desde tu propio servidor, <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code> devuelve el token, la cuenta y los alcances que llegan al gateway, y la dirección IP desde la que llegan.
api-docs-all-tokens = Todos los tokens
api-docs-no-token = Aún no hay tokens de API. Tu token de portador está vinculado a ti. En producción, usa un token de API: sigue funcionando cuando cambia tu contraseña.
api-docs-by = por { $made_by }
api-docs-reference = Referencia de la API
api-docs-try-it = Abrir referencia interactiva
api-docs-no-description = El documento OpenAPI de la API no se puede cargar en este momento. Comunícate con el proveedor de la API. Tu URL del punto de conexión y tu token siguen funcionando.
api-docs-operations = Operaciones de la API
api-docs-what-it-does = Descripción
api-docs-scopes-any = Alcances requeridos (cualquiera)
api-docs-scopes = Alcances requeridos
reference-unavailable-why = El documento OpenAPI de la API no se puede cargar en este momento. Comunícate con el proveedor de la API.
reference-unavailable = La referencia de la API no está disponible
api-docs-left-behind = Rechazados desde que se reemplazó tu token de portador:
api-docs-left-behind-why = Estos clientes todavía usan el token anterior. Dales el nuevo o, mejor aún, un token de API, que sigue funcionando cuando cambia tu contraseña.
service-works = Todo funciona.
service-you = Tus solicitudes fallan, y las de otras cuentas no.
service-api = La API falla para todas las cuentas.
service-no-gateway = No hay ningún gateway en marcha.
service-gateways = { $n ->
    [one] { $n } gateway en marcha
   *[other] { $n } gateways en marcha
}
service-all = Todas las cuentas: la API falló en el { $share } de las solicitudes (5xx)
service-own = Tú: falló el { $share } (4xx y 5xx)
api-docs-collection = Colección de Postman y Bruno
api-docs-env = Archivo .env
api-docs-agents = Para agentes de programación
api-docs-agents-lead = La instrucción contiene la URL del endpoint, la autenticación, los alcances y los códigos de error de la API, y ningún secreto. Dásela a un agente junto con openapi.json o reference.md.
api-docs-prompt = Mostrar la instrucción
api-docs-copy-prompt = Copiar la instrucción
service-you-at-least = Muchas de tus solicitudes fallan.
operation-request = Solicitud
operation-try = Probar
operation-body = Cuerpo
operation-schema = Esquema
operation-fill-in = Confirma tu contraseña para rellenar tu token de portador
operation-send = Enviar solicitud
operation-copy-curl = Copiar como curl
operation-response = Respuesta
operation-history = Solicitudes de esta pestaña
operation-no-script = Para enviar solicitudes desde esta página, activa JavaScript. El comando curl funciona sin él.
operation-facts = Acerca de la operación
operation-required = obligatorio
operation-responses = Respuestas
operation-gateway-errors = Errores del gateway
operation-used-by = La usan
operation-unused = Ningún cliente de esta cuenta ha usado esta operación en los últimos 30 días.
operation-requests = { $n ->
    [one] { $n } solicitud
   *[other] { $n } solicitudes
 }
operation-rejected = { $n ->
    [one] { $n } rechazada
   *[other] { $n } rechazadas
 }
operation-deprecated = Esta operación está obsoleta y podría eliminarse. Pregunta al proveedor de la API qué operación usar en su lugar.
operation-is-deprecated = Obsoleta
operation-place-path = ruta
operation-place-query = consulta
operation-place-header = encabezado
api-changes = Cambios de la API que te afectan
api-changes-what = Cambio
api-changes-gone = Ya no está en el documento OpenAPI de la API
api-changes-lead = Operaciones que usaron tus clientes y que están obsoletas o ya no están en el documento OpenAPI de la API.
api-changes-none = Tus clientes no usan ninguna operación obsoleta o retirada.
api-history = Cambios de la API
last-90-days = Últimos 90 días
api-history-none = El documento OpenAPI de la API no ha cambiado.
api-history-clients = Tus clientes
api-history-seen = Visto
api-difference-added = Operación nueva
api-difference-removed = Operación retirada
api-difference-deprecated = Obsoleta
api-difference-required = { $name } ahora es obligatorio
api-difference-input_removed = Se retiró { $name }
api-difference-input_added = Ahora se puede enviar { $name }
api-difference-scope_added = Ahora se requiere el alcance { $name }

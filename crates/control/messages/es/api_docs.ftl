api-docs-lead = Todo lo que un programa necesita para llamar a la API como { $account }: adónde enviar las peticiones, y el token que la abre.
api-docs-used-by =
    { $n ->
        [one] <b>{ $client } desde { $address }</b> usa este token (última llamada { $when }) y se detiene si tu contraseña cambia. <a href="/tokens/new">Dale un token de API propio</a>
       *[other] <b>{ $client } desde { $address }</b> y { $others } más usan este token (última llamada { $when }) y se detienen si tu contraseña cambia. <a href="/tokens/new">Da a cada uno un token de API propio</a>
    }
reference-title = Referencia de la API · Keydesk
reference-back = ← API Docs
reference-no-script = La referencia interactiva necesita JavaScript. Las operaciones están en <a href="/api-docs#reference">API Docs</a>, y el documento mismo en <a href="/api-docs/openapi.json">openapi.json</a>.
rotate-bearer = Rotar el token de portador
rotate-bearer-lead = Un nuevo token de portador sustituye al tuyo. El antiguo se rechaza desde ese momento. Los tokens de API no se tocan.
viewer-lead = Aquí eres observador, y los observadores no tienen token. Si necesitas uno, pide a una de estas personas que te haga desarrollador:
api-docs-create = Crear un token nuevo
api-docs-credentials = Tus credenciales
api-docs-number = Cuenta { $number }
api-docs-of-url = la URL del endpoint
api-docs-of-token = el token de portador
api-docs-show = Mostrar
api-docs-hide = Ocultar
api-docs-rotate = Rotar
api-docs-yours = Solo tuyo. Termina cuando cambias o restableces tu contraseña, cierras sesión en todas partes, dejas la cuenta o lo rotas. Mantenlo en secreto: quien lo tiene llama a la API en tu nombre.
api-docs-show-token = Mostrar el token de portador
api-docs-a-while = Hace un rato que ingresaste tu contraseña, así que el token no está en esta página.
api-docs-first-call = Haz la primera llamada
api-docs-call-it = Llamar desde este navegador
api-docs-of-snippet = el ejemplo de { $label }
api-docs-whoami = Desde tu propio servidor, <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code> responde qué token, cuenta y alcances llegan, y desde qué dirección.
api-docs-all-tokens = Todos los tokens
api-docs-no-token = Aún ninguno. El token de portador está ligado a ti; un programa en producción merece un token de API, al que ningún cambio de contraseña pone fin.
api-docs-by = por { $made_by }
api-docs-reference = Referencia de la API
api-docs-try-it = Abrir la referencia interactiva
api-docs-no-description = La descripción de la API no se puede leer en este momento. Consulta a quien opera esta API; la URL del endpoint y el token funcionan sin ella.
api-docs-operations = Operaciones de la API
api-docs-what-it-does = Qué hace
api-docs-scopes-any = Alcances, uno cualquiera
api-docs-scopes = Alcances
reference-none-why = La descripción de la API no se puede leer en este momento. Consulta a quien la opera.
reference-none = Aún no hay referencia

api-docs-left-behind = Rechazados desde que se reemplazó tu token de portador:
api-docs-left-behind-why = Estos programas todavía usan el token antiguo. Dales el nuevo o, mejor, un token de API, que sigue siendo válido aunque cambies la contraseña.

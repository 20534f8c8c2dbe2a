limits-requests = { $n } solicitudes
limits-used =
    { $n ->
        [one] { $n } solicitud ({ $used } % de la cuota mensual)
       *[other] { $n } solicitudes ({ $used } % de la cuota mensual)
    }
limits-title = Límites de la cuenta
limits-lead = Estos límites se aplican a todos los tokens de la cuenta. Puedes restringir más un token de API en su propia página.
limits-together = Todos los tokens en conjunto
limits-each = Por token
limits-in-a-month = Cuota mensual
limits-observed = Este plan está en modo de observación: no se rechaza ninguna solicitud por su causa. Las solicitudes que se rechazarían aparecen en <a href="/tokens/violations">Infracciones</a>.
limits-no-plan = Esta cuenta no tiene plan, así que sus solicitudes no están limitadas.
limits-allowlist = Lista de IP permitidas
limits-seen = Vistas en los últimos 30 días
limits-none-seen = Ninguna, o demasiadas para mostrarlas
limits-too-long = Tokens que superan la vigencia máxima
limits-too-long-why = Estos tokens se crearon antes de que se definiera el límite o mientras estaba en modo de observación. Conservan su fecha de vencimiento, pero hoy no se podrían crear.
limits-edit-allowlist = Editar la lista de IP permitidas
limits-allowlist-hint = Ingresa una dirección IP o un rango CIDR por línea. Déjala vacía para permitir cualquier dirección IP. La lista se aplica a todos los tokens de la cuenta, incluidos los tokens de portador.
limits-save-allowlist = Guardar lista de IP permitidas
limits-lifetime = Vigencia de los tokens
limits-at-most = Vigencia máxima en días
limits-no-maximum = Sin máximo
limits-must-end = Exigir una fecha de vencimiento para los tokens de API nuevos
limits-observe-lifetime = Solo observar: no rechazar ningún token y mostrar los que se rechazarían
limits-lifetime-hint = Se aplica a los tokens de API que se creen a partir de ahora. Los tokens existentes conservan su fecha de vencimiento. Quien creó el token y los propietarios y administradores de la cuenta reciben un recordatorio 30 días, 7 días y 1 día antes de que venza.
limits-save-lifetime = Guardar vigencia de los tokens
limits-who-sets = Solo los propietarios y administradores pueden cambiar estos límites.
setup-title = Configurar Keydesk
setup-lead = Serás el operador: crearás cuentas para los clientes de tu API y decidirás qué puede hacer cada uno. También serás propietario de una primera cuenta, para que puedas probar la API como lo haría un cliente.
setup-password-hint = Usa al menos 15 caracteres. Tres o cuatro palabras sin relación entre sí funcionan bien. No se exigen números ni símbolos.
sign-up-sent = Revisa tu bandeja de entrada: enviamos un enlace a { $email }. El enlace funciona una sola vez y vence en 24 horas. Ábrelo para crear tu cuenta.
sign-up-lead = Crea una cuenta para obtener una URL del punto de conexión y tokens. Primero, te enviaremos un enlace por correo electrónico para verificar tu dirección.
sign-up-log-in = Iniciar sesión
signed-up-title = Crear { $account }
signed-up-lead = Iniciarás sesión con { $email } y serás propietario de la cuenta.
setup-expired = Este enlace ya no es válido
setup-expired-why = El enlace de configuración funciona una sola vez y vence después de una hora. Reinicia Keydesk para obtener un enlace nuevo, o inicia sesión si la cuenta ya existe.
limits-rate = { $n } solicitudes cada { $seconds } s
invalid-lifetime = Ingresa un número de días del 1 al 36500, o deja el campo vacío para no definir un máximo.
sign-up-expired = Este enlace ya no es válido. Los enlaces de registro funcionan una sola vez y vencen después de 24 horas. Regístrate de nuevo.
account-exists = Ya existe una cuenta. Inicia sesión o pídele una invitación a su propietario.
sign-up-again = Registrarse de nuevo
limits-resets-in =
    { $n ->
        [one] Se restablece en { $n } día (UTC)
       *[other] Se restablece en { $n } días (UTC)
    }
cors-title = Acceso desde el navegador (CORS)
cors-danger = Permite que páginas web llamen a la API con un token de esta cuenta. Hazlo solo si no tienes un servidor que pueda llamar a la API en lugar de la página:
cors-danger-visible = Cualquiera que abra la página puede leer el token que contiene y usarlo desde cualquier cliente. CORS no lo oculta.
cors-danger-scopes = Crea un token aparte para la página, con la menor cantidad posible de alcances y con fecha de vencimiento, y rótalo con frecuencia.
cors-danger-better = Más seguro: guarda el token en tu propio servidor y haz que el servidor llame a la API en lugar de la página.
cors-origins = Orígenes permitidos
cors-origins-hint = Ingresa un origen por línea: esquema, host y puerto, por ejemplo https://app.example.com. Deja el campo vacío para usar la configuración del proveedor de la API. Un asterisco (*) permite cualquier origen.
cors-methods = Métodos permitidos
cors-all-methods = Todos los métodos
cors-headers = Encabezados de solicitud permitidos
cors-all-headers = Todos los encabezados
cors-exposed = Encabezados de respuesta que las páginas pueden leer, además de los estándar
cors-max-age = Caché de solicitudes preflight, en segundos
cors-set = Guardar acceso desde el navegador
invalid-origin = Ingresa como máximo 50 orígenes, cada uno con esquema y host pero sin ruta, por ejemplo https://app.example.com.
invalid-cors-list = Revisa los métodos, los nombres de los encabezados y el número de segundos (86400 como máximo).
limits-forecast = A este ritmo: { $n } solicitudes al final del mes
limits-exhausted = A este ritmo, la cuota se agota

limits-requests = { $n } llamadas
limits-used =
    { $n ->
        [one] { $n } llamada, el { $used } % de las del mes
       *[other] { $n } llamadas, el { $used } % de las del mes
    }
limits-title = Límites de la cuenta
limits-lead = Lo que pueden hacer juntos todos los tokens de la cuenta. Cada token de API se puede limitar más en su propia página.
limits-together = Todos los tokens juntos
limits-each = Cada token
limits-in-a-month = Al mes
limits-observed = El plan está en observación: aún no se rechaza nada por él, y lo que se rechazaría está en <a href="/tokens/violations">objeciones</a>.
limits-no-plan = Ningún plan limita cuánto llama la cuenta.
limits-allowlist = Direcciones
limits-seen = Vistas en 30 días
limits-none-seen = ninguna, o demasiadas para listarlas
limits-too-long = Tokens que viven más de lo permitido
limits-too-long-why = Se crearon antes del límite, o mientras solo estaba a prueba: conservan su fin, y se rechazarían si se crearan ahora.
limits-edit-allowlist = Nuevas direcciones
limits-allowlist-hint = Una dirección o red por línea; vacío: desde cualquier lugar. Vale para todos los tokens, también los de portador.
limits-save-allowlist = Fijar direcciones
limits-lifetime = Vida de los tokens nuevos
limits-at-most = Como máximo tantos días
limits-no-maximum = sin límite
limits-must-end = Los tokens de API nuevos deben tener fecha de caducidad
limits-observe-lifetime = Probar: no rechazar ningún token, listar los que se rechazarían
limits-lifetime-hint = Vale para los tokens de API que se creen desde ahora; los que hay conservan su fin. A quien creó uno y a quien administra la cuenta se les recuerda 30, 7 y 1 días antes de que termine.
limits-save-lifetime = Fijar la vida máxima
limits-who-sets = Los propietarios y administradores fijan las direcciones.
setup-title = Configurar Keydesk
setup-lead = Serás el operador: abres cuentas para los clientes de tu API y decides qué puede hacer cada una. También serás el propietario de una primera cuenta, para probar la API como la probaría un cliente.
setup-password-hint = Al menos 15 caracteres. Tres o cuatro palabras sin relación van bien; no se piden cifras ni signos.
sign-up-sent = Un enlace va camino de { $email }. Funciona una vez, durante un día; con él se abre la cuenta.
sign-up-lead = Una cuenta propia, con URL de endpoint y tokens. Primero enviamos un enlace a tu dirección.
sign-up-log-in = Ya tengo cuenta: iniciar sesión
signed-up-title = Abrir { $account }
signed-up-lead = Inicias sesión con { $email }, y pasas a ser propietario de la cuenta.
setup-expired = Este enlace ya no sirve
setup-expired-why = Funciona una vez, durante una hora. Reinicia Keydesk para tener otro, o inicia sesión si la cuenta ya existe.
limits-rate = { $n } llamadas en { $seconds } s
limits-lifetime-wrong = La vida máxima es un número de días de 1 a 36500; déjala vacía para no limitarla.
sign-up-expired = Este enlace ya no sirve. Funciona una vez, durante un día; regístrate de nuevo.
account-exists = Ya hay una cuenta; inicia sesión, o pide una invitación a su propietario.
sign-up-again = Registrarse de nuevo
limits-resets-in =
    { $n ->
        [one] Un mes nuevo empieza en { $n } día, UTC
       *[other] Un mes nuevo empieza en { $n } días, UTC
    }
cors-title = Acceso desde el navegador (CORS)
cors-danger = Permite que páginas web llamen a la API con un token de esta cuenta. Hazlo solo si no tienes un servidor que pueda llamar a la API por la página:
cors-danger-visible = Quien abra la página puede leer el token y usarlo desde cualquier programa. CORS no lo oculta.
cors-danger-scopes = Crea un token aparte para la página, con los mínimos scopes y con fecha de caducidad, y rótalo a menudo.
cors-danger-better = Más seguro: deja que tu propio servidor guarde el token y llame a la API por la página.
cors-origins = Orígenes permitidos
cors-origins-hint = Un origen por línea: esquema, host y puerto, como https://app.example.com. Déjalo vacío para usar el ajuste del proveedor de la API. Un asterisco (*) permite cualquier origen.
cors-methods = Métodos permitidos
cors-all-methods = Todos los métodos
cors-headers = Cabeceras permitidas en las solicitudes
cors-all-headers = Todas las cabeceras
cors-exposed = Cabeceras de respuesta que las páginas pueden leer, además de las habituales
cors-max-age = Caché de la solicitud previa, en segundos
cors-set = Guardar acceso
cors-origin-wrong = Escribe como máximo 50 orígenes, cada uno con esquema y host y sin ruta, como https://app.example.com.
cors-list-wrong = Revisa los métodos, los nombres de las cabeceras y el número de segundos (86400 como máximo).

help-lead-token = Respuestas para tu cuenta. Tu URL del punto de conexión es <code>{ $endpoint_url }</code>, y tu token de portador <code>{ $masked }</code> se creó { $when }.
help-lead = Respuestas para tu cuenta. Tu URL del punto de conexión es <code>{ $endpoint_url }</code>.
help-api-token = Un <b>token de API</b>, que creas con <i>Crear token nuevo</i>, pertenece a la cuenta. Se muestra una sola vez y se puede limitar a ciertos alcances. Funciona hasta que vence o alguien lo rota o lo revoca, aunque quien lo creó deje la cuenta.
help-live =
    { $n ->
        [one] Esta cuenta tiene { $n } token de API activo.
       *[other] Esta cuenta tiene { $n } tokens de API activos.
    }
help-one-each = Usa un token distinto para cada integración en producción.
help-thanks = Gracias por tus comentarios.
help-asked = ¿Esto respondió tu pregunta?
help-yes = Sí
help-no = No
help-missing = ¿Qué faltó? (opcional)
help-missing-example = Por ejemplo, cómo rotar un token desde un script
help-find = ¿Dónde encuentro mi URL del punto de conexión y mi token de portador?
help-find-answer = En <a href="/api-docs">API Docs</a>, a un clic de cualquier página. Cada uno tiene un botón <i>Copiar</i>. Tu URL del punto de conexión es <code>{ $endpoint_url }</code>.
help-find-viewer = En <a href="/api-docs">API Docs</a>, si eres propietario, administrador o desarrollador. Aquí eres lector; la página muestra quiénes pueden cambiar tu rol.
help-use = ¿Cómo los uso en una solicitud?
help-use-answer = Envía solicitudes a rutas bajo la URL del punto de conexión, con el token en el encabezado Authorization:
help-example = Ejemplo
help-use-more = Esta solicitud devuelve el token, la cuenta, los alcances y la dirección IP que llegan al gateway. El encabezado contiene la palabra <i>Bearer</i> una sola vez, luego un espacio y luego el token.
help-difference = ¿Qué diferencia hay entre el token de portador y «Crear token nuevo»?
help-bearer = El <b>token de portador</b> de API Docs está vinculado a ti. Puedes copiarlo en cualquier momento. Deja de funcionar cuando cambias o restableces tu contraseña, cierras todas las sesiones, dejas la cuenta o lo rotas.
help-password = ¿Qué pasa con mis tokens cuando cambio mi contraseña?
help-password-answer = En cuanto la página confirma el cambio, tu token de portador actual deja de funcionar. Encontrarás el nuevo en <a href="/api-docs">API Docs</a>. Los tokens de API no se ven afectados. Lo mismo ocurre cuando restableces tu contraseña y cuando cierras todas las sesiones.
help-break = ¿Qué dejaría de funcionar si la cambiara ahora?
help-break-answer = Estos clientes dejarían de funcionar. Primero, <a href="/api-docs/move">crea un token de API para cada uno</a>.
help-secure = ¿Cómo mantengo seguro un token?
help-secure-answer = Cualquiera que tenga el token puede llamar a la API como esta cuenta. Guárdalo en una variable de entorno o en un administrador de secretos, nunca en el código fuente, una URL, un ticket o un chat. Keydesk busca los tokens solo por su hash, cifra la copia que se muestra en API Docs con una clave guardada fuera de la base de datos y rechaza los tokens en URL. Si un token se filtra, rótalo de inmediato: el anterior deja de funcionar al instante.
help-rejected = ¿Por qué se rechaza mi solicitud?
help-rejected-answer = El cuerpo de la respuesta explica el motivo en <code>title</code> y <code>detail</code>: por ejemplo, el token falta, está incompleto, venció o se revocó, «Bearer» aparece dos veces, o la URL del punto de conexión pertenece a otra cuenta. Un 401 siempre se debe al token. Un 403 significa que el token no tiene permiso para hacer eso. Un 502 o un 504 significa que la API detrás del gateway no está disponible y que tu token está bien.
help-slash = ¿Importa la barra al final?
help-slash-answer = No. <code>{ $endpoint_url }</code> y <code>{ $endpoint_url }/</code> son lo mismo. Si tu URL del punto de conexión termina en un número de cuenta, debe ser el número de la cuenta del token.
invalid-answer = La respuesta debe ser yes o no
errors-title = Códigos de error
errors-one = Error { $code }
errors-lead = Qué significa cada código de error del gateway y qué hacer al respecto.
errors-all = Todos los errores
help-search = Buscar códigos de error
errors-search = Código de error, estado o palabra clave
errors-none = Ningún código de error coincide.

help-lead-token = Respuestas para tu cuenta: tu endpoint es <code>{ $endpoint_url }</code>, tu token de portador es <code>{ $masked }</code> (creado: { $when }).
help-lead = Respuestas para tu cuenta: tu endpoint es <code>{ $endpoint_url }</code>.
help-api-token = Un <b>token de API</b>, creado con <i>Crear un token nuevo</i>, está ligado a la cuenta. Se muestra una vez, se puede limitar a alcances, y vive hasta que caduca o alguien lo rota o revoca, pase lo que pase con quien lo creó.
help-live =
    { $n ->
        [one] Esta cuenta tiene { $n } token de API activo.
       *[other] Esta cuenta tiene { $n } tokens de API activos.
    }
help-one-each = Usa uno para cada programa en producción.
help-thanks = Gracias por decírnoslo.
help-asked = ¿Respondió esto a tu pregunta?
help-yes = Sí
help-no = No
help-missing = Qué faltaba, opcional
help-missing-example = ¿Qué faltaba? (opcional)
help-find = ¿Dónde encuentro mi URL de endpoint y mi token de portador?
help-find-answer = En <a href="/api-docs">API Docs</a>, a un clic de cada página: cada uno tiene un botón <i>Copiar</i>. Tu URL de endpoint es <code>{ $endpoint_url }</code>.
help-find-viewer = En <a href="/api-docs">API Docs</a>, para propietarios, administradores y desarrolladores. Aquí eres observador; la página dice a quién pedirlo.
help-use = ¿Cómo los uso en una petición?
help-use-answer = Envía las peticiones a rutas bajo la URL del endpoint, con el token en un encabezado:
help-example = Ejemplo
help-use-more = Esta responde qué token, cuenta, alcances y dirección llegan. La palabra <i>Bearer</i> va una vez, luego un espacio, luego el token.
help-difference = ¿Qué diferencia hay entre el token de portador y «Crear un token nuevo»?
help-bearer = El <b>token de portador</b> de API Docs está ligado a ti. Siempre está ahí para copiarlo, y termina cuando cambias o restableces tu contraseña, cierras todas las sesiones activas, dejas la cuenta o lo rotas.
help-password = ¿Qué pasa con mis tokens cuando cambio mi contraseña?
help-password-answer = Tu token de portador se rechaza desde el momento en que la página dice «cambiada»; el nuevo está en <a href="/api-docs">API Docs</a>. Los tokens de API no se tocan. Lo mismo vale al restablecer la contraseña y al cerrar todas las sesiones activas.
help-break = ¿Qué se rompería si la cambiara ahora?
help-break-answer = Estos dejan de funcionar. <a href="/tokens/new">Dale antes a cada uno un token de API propio</a>.
help-secure = ¿Cómo mantengo seguro un token?
help-secure-answer = Quien lo tiene llama a la API como esta cuenta. Guárdalo en el entorno del programa o en un almacén de secretos, nunca en el código, una URL, un ticket o un chat. Keydesk encuentra un token solo por su hash, guarda la copia que API Docs te muestra cifrada con una clave fuera de la base de datos, y rechaza tokens en las URL. Si uno se filtró, rótalo de inmediato: el antiguo se rechaza desde ese momento.
help-rejected = ¿Por qué se rechaza mi petición?
help-rejected-answer = Lo dice el cuerpo de la respuesta, en <code>title</code> y <code>detail</code>: sin token, «Bearer» dos veces, un token incompleto, cuándo caducó, qué le puso fin, o el endpoint de otra cuenta. Un 401 siempre se debe al token; 403 significa que el token no tiene permiso para eso; 502 y 504 significan que la API que está detrás no responde y tu token está bien.
help-slash = ¿Importa una barra final?
help-slash-answer = No. <code>{ $endpoint_url }</code> y <code>{ $endpoint_url }/</code> son lo mismo. Si la URL del endpoint termina en un número de cuenta, debe ser el del token.
help-answered = answered es yes o no

errors-title = Errores del gateway
errors-one = Error { $code }
errors-lead = Qué significa cada código de error del gateway de la API.
errors-all = Todos los errores

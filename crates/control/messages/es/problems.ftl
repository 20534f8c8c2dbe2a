go-to-api-docs = Ir a API Docs
no-page = Página no encontrada
no-page-why = Es posible que se haya movido o que pertenezca a otra cuenta.
not-permitted = No tienes permiso para hacer esto
logged-out = Se cerró tu sesión
logged-out-why = Tu sesión o tu membresía acaba de finalizar. No se cambió nada.
invalid = No se pudo completar tu solicitud
conflict = Otra persona hizo un cambio antes
conflict-why = La página en la que estabas está desactualizada. Recárgala e inténtalo de nuevo.
too-busy = Demasiadas personas están iniciando sesión en este momento
too-busy-why = Inténtalo de nuevo en unos segundos.
busy = La base de datos está ocupada
busy-why = Keydesk no puede conectarse a su base de datos, u otro cambio la está bloqueando. No se cambió nada. Inténtalo de nuevo en unos segundos.
wrong-clock = Los relojes de los servidores no coinciden
wrong-clock-why = El reloj de este servidor difiere del reloj de la base de datos, o se ajustó hace un momento. Podrás cerrar una cuenta cuando coincidan. No se cambió nada. /status muestra la diferencia.
too-many-tries = Demasiados intentos fallidos
too-many-log-ins = Demasiados inicios de sesión
too-many-changes = Demasiados cambios
too-many-changes-why =
    { $n ->
        [one] Espera 1 segundo e inténtalo de nuevo. No se cambió nada.
       *[other] Espera { $n } segundos e inténtalo de nuevo. No se cambió nada.
    }
broken = Se produjo un error de nuestro lado
broken-why = No se cambió nada. Inténtalo de nuevo. Si el problema persiste, comunícate con el proveedor de la API.
unsettled = Guardado, pero aún sin confirmar
unsettled-why = Tu cambio se guardó, pero el gateway aún no lo confirmó. Vuelve a comprobarlo en un momento.
unknown = No sabemos si tu cambio se guardó
unknown-why = La base de datos dejó de responder mientras guardaba tu cambio. Comprueba si el cambio está ahí antes de intentarlo de nuevo.
not-permitted-why = Tu rol aquí es { $role }. Pídeselo a un propietario o administrador de { $account }.
no-account = No eres miembro de ninguna cuenta
no-account-why = Te eliminaron de tu última cuenta, o esta se cerró. Pídele una invitación a su propietario o comunícate con el proveedor de la API.
two-factor-required = Aquí se requiere la autenticación de dos factores
two-factor-required-why = Configúrala primero. No se cambió nada.
misdirected-why = La solicitud es para { $host }, pero esta consola está en { $url }. Usa esa dirección. Si la dirección de tu navegador es correcta, configura tu proxy para que reenvíe el encabezado Host.
misdirected = Esta no es la dirección de la consola
only-https-why = Las contraseñas y los tokens se enviarían sin cifrar. Usa { $url }. Si la consola está detrás de un proxy, incluye el proxy en trusted_proxies y haz que envíe X-Forwarded-Proto: https.
only-https = Se requiere HTTPS
wrong-method = Esta página no se puede usar de esa forma
wrong-method-why = Vuelve atrás y usa los botones de la página.
unreadable = Solicitud no válida
unreadable-why = Esta página no genera la URL ni el formulario que se envió. Vuelve atrás y usa los enlaces y botones de la página.
control-character = El campo «{ $field }» contiene un carácter de control. Elimínalo e inténtalo de nuevo.
request-id = ID de solicitud: { $id }

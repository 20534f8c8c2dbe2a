go-to-api-docs = Ir a API Docs
no-page = No existe esa página
no-page-why = Puede haberse movido, o pertenecer a otra cuenta.
not-permitted = Tu función no lo permite
logged-out = Ya no tienes la sesión iniciada
logged-out-why = Tu sesión o tu pertenencia terminó hace un momento. No se cambió nada.
invalid = Eso no se puede hacer
conflict = Alguien fue más rápido
conflict-why = La página que viste está desfasada. Recárgala y mira de nuevo.
too-busy = Demasiadas personas están iniciando sesión
too-busy-why = Inténtalo otra vez en unos segundos.
busy = La base de datos está ocupada
busy-why = Keydesk no puede comunicarse con su base de datos, u otro cambio la tiene ocupada. No se ha cambiado nada. Inténtalo otra vez en unos segundos.
wrong-clock = Los relojes no coinciden
wrong-clock-why = El reloj de esta máquina no coincide con el de la base de datos, o se acaba de cambiar. Una cuenta se puede cerrar cuando coincidan. No se ha cambiado nada. /status muestra la diferencia.
too-many-tries = Demasiados intentos fallidos
too-many-log-ins = Demasiados inicios de sesión
too-many-changes = Demasiados cambios en poco tiempo
too-many-changes-why =
    { $n ->
        [one] Espera 1 segundo e inténtalo otra vez. No se cambió nada.
       *[other] Espera { $n } segundos e inténtalo otra vez. No se cambió nada.
    }
broken = Algo falló de nuestro lado
broken-why = No se cambió nada. Inténtalo otra vez; si continúa, avisa al operador.
unsettled = Hecho, pero aún sin confirmar
unsettled-why = El cambio está guardado. El gateway aún no lo ha confirmado; mira de nuevo en un momento.
unknown = No se sabe si eso se hizo
unknown-why = La base de datos dejó de responder mientras se le pedía guardar el cambio. Mira si está antes de intentarlo otra vez.
not-permitted-why = Aquí eres { $role }. Pídelo a un propietario o administrador de { $account }.
no-account = No perteneces a ninguna cuenta
no-account-why = Te quitaron de la última, o se cerró. Pide una invitación a su propietario, o al operador.
two-factor-required = Aquí se exige un segundo factor
two-factor-required-why = Configura uno antes; no se cambió nada.
misdirected-why = La solicitud es para { $host }, pero esta consola está en { $url }. Usa esa dirección. Si la dirección de tu navegador es correcta, configura el proxy para que reenvíe la cabecera Host.
misdirected = Esta no es la dirección de la consola
only-https-why = Las contraseñas y los tokens viajarían en claro. Usa { $url }; su proxy debe estar en trusted_proxies y enviar X-Forwarded-Proto: https.
only-https = Solo se atiende https
wrong-method = Así no se usa esta página
wrong-method-why = Vuelve y usa los botones de la página.
unreadable = Eso no se puede leer
unreadable-why = La dirección o el formulario no es uno que haga esta página. Vuelve y usa los enlaces y botones de la página.
control-character = El campo «{ $field }» contiene un carácter de control. Quítalo e inténtalo de nuevo.
request-id = Id de la solicitud: { $id }

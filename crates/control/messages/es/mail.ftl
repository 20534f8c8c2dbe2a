mail-title = Buzón de esta máquina
mail-lead = No hay servidor de correo configurado y ambos puertos están en loopback, así que el correo llega aquí, en memoria, hasta que Keydesk se detenga.
mail-none = Aún no hay correo. Invita a un miembro o pide una contraseña nueva.
mail-to = Para { $to }
mail-box = Buzón
mail-the-api = la API
mail-invitation-subject = { $by }, de { $account }, te invita a usar { $api }
mail-invitation =
    { $by }, de { $account }, te invita a usar { $api }, con la función { $role }.

    Para aceptar, sigue este enlace en los próximos 7 días:

    { $link }

    Si no conoces a { $by }, no hagas nada: la invitación vence por sí sola.
mail-first-owner-subject = { $by } te invita a usar { $api }
mail-first-owner =
    { $by } te invita a usar { $api } y ha abierto para ti la cuenta { $account }. Eres su propietario.

    Para aceptar, sigue este enlace en los próximos 7 días:

    { $link }

    Si no conoces a { $by }, no hagas nada: la invitación vence por sí sola.
mail-reset-subject = Restablece tu contraseña
mail-reset =
    Alguien, probablemente tú, pidió restablecer la contraseña de esta dirección.

    Para elegir otra, sigue este enlace antes de una hora:

    { $link }

    Con la contraseña nueva termina tu token de portador, y se cierran todas las sesiones. Los tokens de API siguen activos.

    Si no fuiste tú, no hagas nada: nada ha cambiado.
mail-password-changed-subject = Se cambió tu contraseña
mail-password-changed =
    La contraseña de esta dirección se cambió. Tu token de portador terminó con ella; el nuevo está en

    { $console }/api-docs

    Si no fuiste tú, restablece la contraseña en { $console }/forgot-password y avisa a un administrador.
mail-password-reset-subject = Se cambió tu contraseña
mail-password-reset =
    La contraseña de esta dirección se cambió. Tu token de portador terminó con ella; el nuevo está en

    { $console }/api-docs

    Estas llaves de acceso siguen abriendo la sesión sin contraseña: { $passkeys }. Elimina las que no conozcas en

    { $console }/passkeys

    Si no fuiste tú, restablece la contraseña en { $console }/forgot-password y avisa a un administrador.
mail-logged-out-subject = { $by } cerró todas tus sesiones
mail-logged-out =
    { $by }, que administra { $account }, cerró todas tus sesiones activas allí. Tu token de portador terminó con ello; inicia sesión de nuevo para encontrar el nuevo:

    { $console }/api-docs
mail-new-device-subject = Inicio de sesión en un navegador nuevo
mail-new-device =
    Alguien, probablemente tú, inició sesión con { $client } el { $at }. Ese navegador no se había usado antes para eso.

    Si no fuiste tú, cambia ahora tu contraseña y cierra esa sesión:

    { $console }/profile
    { $console }/sessions
mail-email-change-old-subject = Otra dirección de correo ocupará el lugar de esta
mail-email-change-old =
    Alguien que conoce tu contraseña, probablemente tú, quiere iniciar sesión con { $email } desde ahora.

    Sigue este enlace en las próximas 24 horas para confirmar el cambio, o para detenerlo:

    { $link }

    Sin tu confirmación nada cambia.
mail-email-change-new-subject = Confirma tu nueva dirección de correo
mail-email-change-new =
    Alguien que hasta ahora iniciaba sesión con { $email } quiere usar esta dirección en lugar de aquella.

    Si eres tú, sigue este enlace en las próximas 24 horas:

    { $link }

    Si no, no hagas nada.
mail-email-changed-subject = Tu dirección de correo se cambió
mail-email-changed =
    Desde ahora inicias sesión con { $email }. Ambas direcciones lo han confirmado.

    Si no fuiste tú, avisa al operador.
mail-login-exists-subject = Ya tienes acceso aquí
mail-login-exists =
    Alguien, quizá tú, indicó esta dirección, que ya tiene acceso aquí. No se cambió nada.

    Inicia sesión en { $console }/login, o elige una contraseña nueva en { $console }/forgot-password.
mail-sign-up-subject = Abre tu cuenta { $account }
mail-sign-up =
    Alguien, probablemente tú, quiere abrir la cuenta { $account } con esta dirección.

    Sigue este enlace en las próximas 24 horas para elegir una contraseña y abrirla:

    { $link }

    Si no fuiste tú, no hagas nada.
mail-factor-added-subject = Tu segundo factor está activo
mail-factor-added =
    Desde ahora, al iniciar sesión con esta dirección se pide un código de tu aplicación de autenticación.

    Si no fuiste tú quien lo configuró, restablece tu contraseña en { $console }/forgot-password y avisa al operador.
mail-factor-removed-subject = Se eliminó tu segundo factor
mail-factor-removed =
    Desde ahora basta la contraseña para iniciar sesión con esta dirección.

    Si no fuiste tú, cambia tu contraseña en { $console }/profile, configura de nuevo un segundo factor en { $console }/two-factor, y avisa al operador.
mail-code-used-subject = Se usó un código de recuperación
mail-code-used =
    { $left ->
        [one] Alguien, probablemente tú, ha iniciado sesión con un código de recuperación; queda { $left }.
       *[other] Alguien, probablemente tú, ha iniciado sesión con un código de recuperación; quedan { $left }.
    }

    Si has perdido tu autenticador, configura otro:

    { $console }/two-factor

    Si no fuiste tú, cambia tu contraseña en { $console }/profile y termina la sesión en { $console }/sessions.
mail-codes-renewed-subject = Se crearon códigos de recuperación nuevos
mail-codes-renewed =
    Se crearon códigos de recuperación nuevos para tu segundo factor en { $console }; los antiguos dejaron de funcionar.

    Si no fuiste tú, cambia tu contraseña en { $console }/profile, y luego crea códigos nuevos en { $console }/two-factor.
mail-expiring-subject = El token de API «{ $name }» de { $account } termina pronto
mail-expiring =
    El token de API «{ $name }» de { $account } termina el { $ends }; desde entonces se rechaza lo que llame con él.

    { $used }

    Crea el siguiente a tiempo, y dáselo al programa:

    { $console }/tokens/new
mail-account-open-subject = Tu cuenta { $account } está abierta
mail-account-open =
    La cuenta { $account } está abierta de nuevo: sus tokens se aceptan como antes.

    Consulta al operador de la API si no lo esperabas.
mail-account-suspended-subject = Tu cuenta { $account } está suspendida
mail-account-suspended =
    El operador suspendió la cuenta { $account }: toda llamada con sus tokens recibe 403 hasta que se restaure.

    Consulta al operador de la API si no lo esperabas.
mail-account-closed-subject = Tu cuenta { $account } está cerrada
mail-account-closed =
    El operador cerró la cuenta { $account }: sus tokens se rechazan, y durante 30 días el operador puede restaurarla.

    Consulta al operador de la API si no lo esperabas.
mail-removed-subject = Ya no perteneces a { $account }
mail-removed = Te quitaron de la cuenta { $account }. El token de portador que tenías allí ha terminado.
mail-never-used = Aún no se ha usado.
mail-last-used = Se usó por última vez el { $at }.
mail-some-browser = un navegador
mail-passkey-added-subject = Se añadió una llave de acceso
mail-passkey-added =
    Desde ahora una llave de acceso nueva inicia sesión con esta dirección.

    Si no fuiste tú quien la añadió, quítala en { $console }/passkeys, cambia tu contraseña en { $console }/profile y avisa al operador.
mail-one-factor-removed-subject = Se eliminó uno de tus segundos factores
mail-one-factor-removed =
    Se eliminó uno de tus segundos factores; otro se sigue pidiendo.

    Si no fuiste tú, cambia tu contraseña en { $console }/profile, mira { $console }/two-factor y { $console }/passkeys, y avisa al operador.

mail-rotated-by-client-subject = Un programa rotó el token «{ $name }»
mail-rotated-by-client =
    Un programa que tiene el token «{ $name }» de la cuenta { $account } le dio un secreto nuevo. La solicitud vino de
    { $from }.

    Hay que actualizar los programas que usan el secreto anterior. Si no lo esperabas, puede que otra persona tenga el token: revócalo en
    { $console }/tokens

mail-test-subject = Correo de prueba
mail-test = Este es un correo de prueba de { $console }. El correo está bien configurado.
mail-another-owner-subject = Un operador invita a otro propietario a { $account }
mail-another-owner =
    El operador { $by } ha invitado a { $email } a { $account } como propietario.

    Si no es lo que quieres, contacta con el operador o retira la invitación:

    { $console }/members

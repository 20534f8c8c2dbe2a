mail-title = Buzón local
mail-lead = No hay ningún servidor de correo configurado y ambos puertos de escucha están en loopback, así que los correos electrónicos se guardan aquí, en memoria, hasta que Keydesk se detenga.
mail-none = Aún no hay correos electrónicos. Invita a un miembro o solicita un restablecimiento de contraseña para ver uno.
mail-to = Para { $to }
mail-box = Buzón
mail-the-api = la API
mail-invitation-subject = { $by } te invitó a unirte a { $account }
mail-invitation =
    { $by } te invitó a usar { $api } como miembro de la cuenta { $account }, con el rol { $role }.

    Para aceptar, abre este enlace en un plazo de 7 días:

    { $link }

    Si no conoces a { $by }, puedes ignorar este correo electrónico. La invitación vence por sí sola.
mail-first-owner-subject = { $by } te invitó a usar { $api }
mail-first-owner =
    { $by } te invitó a usar { $api } y creó la cuenta { $account } para ti. Serás su propietario.

    Para aceptar, abre este enlace en un plazo de 7 días:

    { $link }

    Si no conoces a { $by }, puedes ignorar este correo electrónico. La invitación vence por sí sola.
mail-reset-subject = Restablece tu contraseña
mail-reset =
    Recibimos una solicitud para restablecer la contraseña de esta dirección de correo electrónico.

    Para elegir una contraseña nueva, abre este enlace en un plazo de una hora:

    { $link }

    Cuando establezcas una contraseña nueva, tu token de portador dejará de funcionar y se cerrarán todas tus sesiones. Los tokens de API no se ven afectados.

    Si no lo solicitaste, puedes ignorar este correo electrónico. No se cambió nada.
mail-password-changed-subject = Se cambió tu contraseña
mail-password-changed =
    Se cambió la contraseña de esta dirección de correo electrónico, y tu token de portador anterior ya no funciona. Encontrarás tu token de portador nuevo en:

    { $console }/api-docs

    Si no fuiste tú, restablece tu contraseña en { $console }/forgot-password y avísale a un administrador.
mail-password-reset-subject = Se cambió tu contraseña
mail-password-reset =
    Se cambió la contraseña de esta dirección de correo electrónico. Tu token de portador se revocó, y el nuevo está en

    { $console }/api-docs

    Estas llaves de acceso todavía pueden iniciar sesión sin contraseña: { $passkeys }. Elimina las que no reconozcas en

    { $console }/passkeys

    Si no fuiste tú, restablece tu contraseña en { $console }/forgot-password y avísale a un administrador.
mail-logged-out-subject = { $by } cerró todas tus sesiones
mail-logged-out =
    { $by }, que administra { $account }, cerró todas tus sesiones en esa cuenta. Tu token de portador anterior ya no funciona. Para obtener el nuevo, inicia sesión de nuevo:

    { $console }/api-docs
mail-new-device-subject = Inicio de sesión desde un navegador no reconocido
mail-new-device =
    Alguien, probablemente tú, inició sesión con { $client } el { $at }. Ese navegador no se había usado antes para iniciar sesión.

    Si no fuiste tú, cambia tu contraseña ahora y cierra esa sesión:

    { $console }/profile
    { $console }/sessions
mail-email-change-old-subject = Confirma el cambio de tu correo electrónico
mail-email-change-old =
    Alguien que conoce tu contraseña pidió cambiar tu dirección de correo electrónico de inicio de sesión a { $email }.

    Para confirmar o cancelar el cambio, abre este enlace en un plazo de 24 horas:

    { $link }

    Nada cambia a menos que confirmes.
mail-email-change-new-subject = Confirma tu dirección de correo electrónico nueva
mail-email-change-new =
    Alguien que actualmente inicia sesión con { $email } pidió usar esta dirección en su lugar.

    Si fuiste tú, abre este enlace en un plazo de 24 horas:

    { $link }

    Si no, puedes ignorar este correo electrónico.
mail-email-changed-subject = Se cambió tu dirección de correo electrónico
mail-email-changed =
    Ahora inicias sesión con { $email }. Ambas direcciones confirmaron el cambio.

    Si no fuiste tú, comunícate con el proveedor de la API.
mail-login-exists-subject = Ya tienes un usuario aquí
mail-login-exists =
    Alguien ingresó esta dirección de correo electrónico, que ya pertenece a un usuario. No se cambió nada.

    Para iniciar sesión, ve a { $console }/login. Para elegir una contraseña nueva, ve a { $console }/forgot-password.
mail-sign-up-subject = Crea tu cuenta { $account }
mail-sign-up =
    Recibimos una solicitud para crear la cuenta { $account } con esta dirección de correo electrónico.

    Para elegir una contraseña y crear la cuenta, abre este enlace en un plazo de 24 horas:

    { $link }

    Si no lo solicitaste, puedes ignorar este correo electrónico.
mail-factor-added-subject = La autenticación de dos factores está activada
mail-factor-added =
    Ahora, para iniciar sesión con esta dirección de correo electrónico se requiere un código de tu aplicación de autenticación.

    Si no fuiste tú quien la configuró, restablece tu contraseña en { $console }/forgot-password y comunícate con el proveedor de la API.
mail-factor-removed-subject = La autenticación de dos factores está desactivada
mail-factor-removed =
    Ahora, para iniciar sesión con esta dirección de correo electrónico solo se requiere la contraseña.

    Si no fuiste tú, cambia tu contraseña en { $console }/profile, activa de nuevo la autenticación de dos factores en { $console }/two-factor y comunícate con el proveedor de la API.
mail-code-used-subject = Se usó un código de recuperación
mail-code-used =
    { $left ->
        [one] Alguien, probablemente tú, inició sesión con un código de recuperación. Te queda { $left } código.
       *[other] Alguien, probablemente tú, inició sesión con un código de recuperación. Te quedan { $left } códigos.
    }

    Si perdiste tu aplicación de autenticación, configura una nueva:

    { $console }/two-factor

    Si no fuiste tú, cambia tu contraseña en { $console }/profile y cierra la sesión en { $console }/sessions.
mail-codes-renewed-subject = Se generaron códigos de recuperación nuevos
mail-codes-renewed =
    Se generaron códigos de recuperación nuevos para tu autenticación de dos factores en { $console }. Los códigos anteriores ya no funcionan.

    Si no fuiste tú, cambia tu contraseña en { $console }/profile y luego genera códigos nuevos en { $console }/two-factor.
mail-expiring-subject = El token de API «{ $name }» de { $account } vence pronto
mail-expiring =
    El token de API «{ $name }» de la cuenta { $account } vence el { $ends }. Después de esa fecha, se rechazarán todas las solicitudes que lo usen.

    { $used }

    Antes de esa fecha, crea un token que lo reemplace y actualiza la integración:

    { $console }/tokens/new
mail-account-open-subject = Tu cuenta { $account } está activa
mail-account-open =
    La cuenta { $account } está activa de nuevo, y sus tokens funcionan como antes.

    Si no esperabas esto, comunícate con el proveedor de la API.
mail-account-suspended-subject = Se suspendió tu cuenta { $account }
mail-account-suspended =
    El proveedor de la API suspendió la cuenta { $account }. Hasta que se restaure, todas las solicitudes con alguno de sus tokens se rechazan con el código de estado 403.

    Si no esperabas esto, comunícate con el proveedor de la API.
mail-account-closed-subject = Se cerró tu cuenta { $account }
mail-account-closed =
    El proveedor de la API cerró la cuenta { $account }. Sus tokens ya no funcionan. El proveedor de la API puede restaurar la cuenta durante 30 días.

    Si no esperabas esto, comunícate con el proveedor de la API.
mail-removed-subject = Te eliminaron de { $account }
mail-removed = Te eliminaron de la cuenta { $account }. Tu token de portador de esa cuenta ya no funciona.
mail-never-used = Nunca se usó.
mail-last-used = Se usó por última vez el { $at }.
mail-some-browser = un navegador
mail-passkey-added-subject = Se agregó una llave de acceso
mail-passkey-added =
    Ahora se puede usar una llave de acceso nueva para iniciar sesión con esta dirección de correo electrónico.

    Si no fuiste tú quien la agregó, elimínala en { $console }/passkeys, cambia tu contraseña en { $console }/profile y comunícate con el proveedor de la API.
mail-one-factor-removed-subject = Se eliminó un método de autenticación de dos factores
mail-one-factor-removed =
    Se eliminó uno de tus métodos de autenticación de dos factores. Todavía tienes otro, y se sigue requiriendo cuando inicias sesión.

    Si no fuiste tú, cambia tu contraseña en { $console }/profile, revisa { $console }/two-factor y { $console }/passkeys, y comunícate con el proveedor de la API.
mail-rotated-by-client-subject = Un cliente rotó el token «{ $name }»
mail-rotated-by-client =
    Un cliente que usa el token «{ $name }» de la cuenta { $account } lo rotó. La solicitud provino de
    { $from }.

    Debes actualizar los clientes que usan el secreto anterior. Si no esperabas esto, es posible que otra persona tenga el token. Revócalo en
    { $console }/tokens
mail-test-subject = Correo electrónico de prueba de Keydesk
mail-test = Este es un correo electrónico de prueba de { $console }. La entrega de correo electrónico funciona.
mail-another-owner-subject = Se invitó a un propietario nuevo a { $account }
mail-another-owner =
    El operador { $by }, del proveedor de la API, invitó a { $email } a { $account } como propietario.

    Si no estás de acuerdo, comunícate con el proveedor de la API o revoca la invitación:

    { $console }/members

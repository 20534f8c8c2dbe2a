too-many-failed-attempts-why = Demasiados intentos fallidos. Inténtalo de nuevo en { $span }.
too-many-logins-why = Demasiados inicios de sesión en una hora. Inténtalo de nuevo en { $span }.
too-many-sso-logins-why = Demasiados inicios de sesión único desde tu red. Inténtalo de nuevo en { $span }.
login-locked-why = Este usuario está bloqueado después de 100 intentos fallidos seguidos. Restablece tu contraseña por correo electrónico o inicia sesión desde un navegador que ya hayas usado. Si la autenticación de dos factores está bloqueada, comunícate con el proveedor de la API.
span-seconds =
    { $n ->
        [one] 1 segundo
       *[other] { $n } segundos
    }
span-minutes =
    { $n ->
        [one] 1 minuto
       *[other] { $n } minutos
    }
password-too-short = Usa al menos { $least } caracteres. Tres o cuatro palabras sin relación entre sí funcionan bien.
password-too-long = Usa como máximo { $most } caracteres.
password-common = Esta contraseña se basa en «{ $part }», una de las primeras cosas que prueban los atacantes.
password-personal = Gran parte de esta contraseña es «{ $part }», un dato que otras personas conocen sobre ti.
invalid-email = Ingresa una dirección de correo electrónico, por ejemplo ann@example.com.
missing-name = Ingresa un nombre.
name-too-long = Usa como máximo 80 caracteres.
invalid-note = Usa como máximo 500 caracteres imprimibles.
token-in-text = Este texto contiene un token. Quita el token: otras personas pueden leer el texto.
unprintable-name = Usa solo caracteres imprimibles.
invalid-expiry = Ingresa never, un número de días como 90d (hasta 36500d) o una fecha como 2027-06-30.
expiry-in-past = Esta fecha ya pasó. Elige una posterior.
expiry-required = Los tokens de esta cuenta deben vencer. Elige una fecha de vencimiento.
expiry-too-late = Los tokens de esta cuenta pueden ser válidos por { $days } días como máximo. Elige una fecha de vencimiento anterior.
invalid-scope = Los alcances tienen la forma contacts:read, contacts:* o *.
too-many-scopes = Un token puede tener { $most } alcances como máximo. Un alcance amplio, como contacts:*, abarca muchos.
invalid-ip-range = «{ $text }» no es una dirección IP ni un rango CIDR válido. Usa un formato como 203.0.113.7, 10.0.0.0/8 o 2001:db8::/32.
ip-allowlist-too-long = Una lista de IP permitidas puede tener 200 entradas como máximo.
invalid-role = El rol debe ser owner, administrator, developer o viewer.
invalid-grace-period = El período de gracia debe ser none, 1h, 24h o 7d.
invalid-form = El formulario está incompleto o contiene campos inesperados. Vuelve atrás y complétalo de nuevo.

wrong-account-name = Nombre de la cuenta: { $why }.
wrong-name = Nombre: { $why }.
wrong-email = Correo electrónico: { $why }.
wrong-password = Contraseña: { $why }.
hashing-busy = demasiadas personas están iniciando sesión en este momento; inténtalo otra vez en unos segundos
throttled-wait = Demasiados intentos fallidos. Inténtalo otra vez en { $span }.
throttled-logins = Demasiados inicios de sesión en una hora. Inténtalo otra vez en { $span }.
throttled-sso-logins = Demasiados inicios de sesión único desde tu red. Inténtalo de nuevo en { $span }.
throttled-locked = Cien intentos fallidos seguidos: esto está bloqueado. Restablece la contraseña por correo, o inicia sesión desde un navegador que ya hayas usado; un segundo factor lo restablece el operador.
span-seconds =
    { $n ->
        [one] un segundo
       *[other] { $n } segundos
    }
span-minutes =
    { $n ->
        [one] un minuto
       *[other] { $n } minutos
    }
choose-another = Elige otra: { $why }.
password-too-short = una contraseña tiene al menos { $least } caracteres; tres o cuatro palabras sin relación van bien
password-too-long = una contraseña tiene como máximo { $most } caracteres
password-common = esta contraseña está hecha de «{ $part }», que es de lo primero que prueban los atacantes
password-personal = una parte demasiado grande de esta contraseña es «{ $part }», que otros saben de ti
email-looks-like = una dirección de correo es como ann@example.com
name-empty = dale un nombre
name-too-long = un nombre tiene como máximo 80 caracteres
name-unprintable = un nombre solo lleva caracteres imprimibles
expiry-unreadable = di never, un número de días como 90d (36500d como máximo), o una fecha como 2027-06-30
expiry-past = ese día ya pasó; elige uno posterior
expiry-required = aquí los tokens deben tener fecha de caducidad; elige una
expiry-too-long = los tokens pueden vivir { $days } días como máximo aquí; elige un fin anterior
scope-looks-like = un alcance es como contacts:read, contacts:* o *
scopes-too-many = un token tiene como máximo { $most } alcances; uno amplio, como contacts:*, cubre muchos
address-unreadable = «{ $text }» no es una dirección o red como 203.0.113.7, 10.0.0.0/8 o 2001:db8::/32
addresses-too-many = una lista de direcciones tiene como máximo 200 entradas
role-looks-like = una función es owner, administrator, developer o viewer
grace-period-looks-like = un solapamiento es none, 1h, 24h o 7d
form-unreadable = El formulario no está completo, o contiene lo que no pide. Vuelve y rellénalo otra vez.

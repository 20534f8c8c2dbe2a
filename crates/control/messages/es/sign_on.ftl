sign-on-depart = Inicias sesión en { $host } y vuelves.
sign-on-go-to = Continuar a { $host }
sign-on-go-on = Continuar
sign-on-lead = Tu equipo inicia sesión en tu propio proveedor, mediante OpenID Connect. Quien entra por él pasa a ser miembro de inmediato.
sign-on-is-on = <span class="state good">activo</span> para direcciones de { $domain }.
sign-on-waits = <span class="state">A la espera del operador.</span> Nadie puede entrar así hasta que confirme que { $domain } es tuyo.
sign-on-provider = Proveedor
sign-on-callback = Dirección de retorno, para registrar allí esta consola
sign-on-issuer = Emisor (issuer)
sign-on-client-id = Id de cliente
sign-on-client-secret = Secreto de cliente
sign-on-unchanged = vacío para conservarlo
sign-on-domain = Dominio de tus direcciones
sign-on-role = Función de los miembros nuevos
sign-on-claim = Claim que indica la función
sign-on-values = Qué valor da qué función
sign-on-hint = Si el claim indica una función, vale en cada inicio de sesión; los propietarios siguen siéndolo. Quita a la gente en el proveedor: quien él deja entrar vuelve.
sign-on-remove-hint = Los miembros se quedan, e inician sesión con una contraseña; quien no tiene la consigue con «Contraseña olvidada».
sign-on-remove = Quitar el inicio de sesión único
sign-on-wrong-issuer = Emisor: una URL como https://login.example.com, sin parámetros; http solo vale en esta máquina.
sign-on-no-client = Da el id de cliente que el proveedor te ha dado.
sign-on-no-secret = Da el secreto de cliente que el proveedor te ha dado.
sign-on-wrong-domain = Dominio: lo que va tras la @ de tus direcciones, como example.com.
sign-on-wrong-roles = Funciones: líneas «valor = función», con las funciones administrator, developer y viewer.
sign-on-none = No hay inicio de sesión único para esa dirección. Inicia sesión con tu contraseña.
sign-on-unreachable = No se puede consultar al proveedor ahora: { $why }
sign-on-over = Eso tardó demasiado, o empezó en otro navegador. Empieza de nuevo.
sign-on-unfit = El proveedor te dejó entrar, pero su respuesta no sirve aquí: { $why }
unfit-refused = dice que no se te dejó entrar
unfit-domain = tu dirección allí es de otro dominio
unfit-closed = la cuenta está cerrada
provider-odd = no responde como dice OpenID Connect
provider-no-secret = su secreto no se puede leer
unfit-no-token = no contiene ID token
unfit-unverified-token = su ID token no se verifica
unfit-unverified-email = no dice que tu dirección esté verificada
unfit-no-email = no dice ninguna dirección
sign-on-changed = Se cambió mientras tanto, u otra cuenta tiene inicio de sesión único para ese dominio. Mira de nuevo.

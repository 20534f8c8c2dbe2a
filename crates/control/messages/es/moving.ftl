move-first = Para que sigan funcionando, primero <a href="/api-docs/move">crea tokens de API para ellos</a>.
move-first-of = Para que sigan funcionando, primero <a href="/members/{ $id }/move">crea tokens de API para ellos</a>.
move-title = Pasar clientes a tokens de API
move-lead = Estos clientes usan tu token de portador, que deja de funcionar cuando cambias tu contraseña o cierras todas las sesiones. Crea un token de API para cada uno, dáselo al cliente y mira aquí quién ha pasado.
move-lead-of = Estos clientes usan el token de portador de { $member }. Crea un token de API para cada uno, dáselo al cliente y mira aquí quién ha pasado.
move-dependent = { $n ->
    [one] { $n } cliente dejaría de funcionar.
   *[other] { $n } clientes dejarían de funcionar.
}
move-safe = Puedes revocar el token de portador.
move-safe-why = Ningún cliente lo ha usado en las últimas 24 horas sin haber pasado.
move-last-used = Último uso del token de portador
move-has-moved = Ha pasado
move-waits = Token creado, aún sin usar
move-depends = Depende del token de portador
move-idle = Inactivo durante 24 horas
move-hint = Los alcances y las direcciones IP son los que el cliente usó en los últimos 30 días. Desmarca una casilla para crear el token sin ese límite.
move-create = Crear tokens
moved-title = Nuevos tokens de API
moved-none = No se creó ningún token. Selecciona al menos un cliente.
moved-next = Ver quién ha pasado

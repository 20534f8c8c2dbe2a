canaries-title = Tokens canario
canaries-lead = Un token canario es un cebo: parece un token de API, pero nunca funciona. Déjalo donde nadie debería mirar. Si alguien lo usa, Keydesk te avisa de inmediato.
canaries-search = Buscar por nombre o token
canaries-none = Aún no hay tokens canario.
canaries-none-found = Ningún token canario coincide.
canary-name = Nombre
canary-example = Archivo .env antiguo del servidor de compilación
canary-create = Crear token canario
canary-uses = Usos
canary-remove = Eliminar
canary-ready = «{ $name }» está listo
canary-shown-once = Copia uno de estos textos y déjalo donde solo miraría un intruso: un archivo de configuración antiguo, un secreto de CI, una página privada de la wiki. El token no se volverá a mostrar.
canary-placed = Ya lo he colocado
canary-bait-token = Token, para un secreto de CI o un almacén de credenciales
canary-bait-env = Líneas para un archivo .env
canary-bait-json = JSON, para un archivo de configuración
canary-bait-curl = Comando, para un script o un historial de shell
too-many-canaries = Puedes tener como máximo { $most } tokens canario. Elimina uno que no necesites.
done-canary_removed = Token canario eliminado. Su uso ya no te avisa.
event-canary-created = Token canario creado
event-canary-removed = Token canario eliminado
event-canary-used = Token canario usado
key-scope-canaries-read = Ver tokens canario
key-scope-canaries-write = Crear y eliminar tokens canario
mail-canary-used-subject = Alerta: se usó el token canario «{ $name }»
mail-canary-used =
    Alguien usó el token canario «{ $name }». El token nunca funciona, así que no se dejó pasar ninguna solicitud. Pero quien lo usó ha leído el lugar donde lo dejaste.

    Usos: { $uses }
    Primero: { $at }
    Dirección IP: { $from }
    Cliente: { $client }
    Solicitud: { $request }

    Averigua quién puede leer ese lugar y rota los tokens reales que se guardan allí. Los usos posteriores se resumen como máximo cada 10 minutos.
    { $console }/canaries

canaries-title = Tokens canário
canaries-lead = Um token canário é uma isca: parece um token de API, mas nunca funciona. Deixe-o onde ninguém deveria olhar. Se alguém o usar, o Keydesk avisa você imediatamente.
canaries-search = Buscar por nome ou token
canaries-none = Ainda não há tokens canário.
canaries-none-found = Nenhum token canário corresponde.
canary-name = Nome
canary-example = Arquivo .env antigo no servidor de build
canary-create = Criar token canário
canary-uses = Usos
canary-remove = Remover
canary-ready = “{ $name }” está pronto
canary-shown-once = Copie um destes textos e deixe-o onde só um invasor olharia: um arquivo de configuração antigo, um segredo de CI, uma página privada da wiki. O token não será mostrado novamente.
canary-placed = Já o coloquei
canary-bait-token = Token, para um segredo de CI ou um cofre de credenciais
canary-bait-env = Linhas para um arquivo .env
canary-bait-json = JSON, para um arquivo de configuração
canary-bait-curl = Comando, para um script ou um histórico de shell
too-many-canaries = Você pode ter no máximo { $most } tokens canário. Remova um de que não precise.
done-canary_removed = Token canário removido. O uso dele não avisa mais você.
event-canary-created = Token canário criado
event-canary-removed = Token canário removido
event-canary-used = Token canário usado
key-scope-canaries-read = Ver tokens canário
key-scope-canaries-write = Criar e remover tokens canário
mail-canary-used-subject = Alerta: o token canário “{ $name }” foi usado
mail-canary-used =
    Alguém usou o token canário “{ $name }”. O token nunca funciona, portanto nenhuma solicitação passou. Mas quem o usou leu o lugar onde você o deixou.

    Usos: { $uses }
    Primeiro: { $at }
    Endereço IP: { $from }
    Cliente: { $client }
    Solicitação: { $request }

    Descubra quem pode ler esse lugar e rotacione os tokens reais guardados lá. Os usos seguintes são resumidos no máximo a cada 10 minutos.
    { $console }/canaries

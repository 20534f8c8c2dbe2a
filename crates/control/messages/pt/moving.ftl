move-first = Para que continuem funcionando, primeiro <a href="/api-docs/move">crie tokens de API para eles</a>.
move-first-of = Para que continuem funcionando, primeiro <a href="/members/{ $id }/move">crie tokens de API para eles</a>.
move-title = Mover clientes para tokens de API
move-lead = Estes clientes usam seu token de portador, que deixa de funcionar quando você altera sua senha ou sai de todas as sessões. Crie um token de API para cada um, dê-o ao cliente e veja aqui quem já mudou.
move-lead-of = Estes clientes usam o token de portador de { $member }. Crie um token de API para cada um, dê-o ao cliente e veja aqui quem já mudou.
move-dependent = { $n ->
    [one] { $n } cliente deixaria de funcionar.
   *[other] { $n } clientes deixariam de funcionar.
}
move-safe = Você pode revogar o token de portador.
move-safe-why = Nenhum cliente o usou nas últimas 24 horas sem ter mudado.
move-last-used = Último uso do token de portador
move-has-moved = Já mudou
move-waits = Token criado, ainda não usado
move-depends = Depende do token de portador
move-idle = Inativo há 24 horas
move-hint = Os escopos e os endereços IP são os que o cliente usou nos últimos 30 dias. Desmarque uma caixa para criar o token sem esse limite.
move-create = Criar tokens
moved-title = Novos tokens de API
moved-none = Nenhum token foi criado. Selecione pelo menos um cliente.
moved-next = Ver quem já mudou

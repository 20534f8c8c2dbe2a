unfamiliar-title = Clientes desconhecidos
unfamiliar-lead = Receba um alerta quando um token de API for usado por um cliente que nunca o usou e de uma rede da qual ele nunca foi usado. É assim que um token roubado costuma ser usado pela primeira vez.
unfamiliar-then = Quando isso acontecer
unfamiliar-off = Não fazer nada
unfamiliar-observe = Enviar um e-mail
unfamiliar-pause = Pausar o token e enviar um e-mail
unfamiliar-hint = Os clientes de um token são aprendidos durante os 7 dias após o primeiro uso. Comece só com e-mails e pause os tokens quando os alertas estiverem certos. Um token pausado é restaurado com um clique.
unfamiliar-save = Salvar
done-unfamiliar_use_saved = Salvo. Aplica-se aos usos a partir de agora.
event-token-unfamiliar_use = Token usado por um cliente desconhecido
event-account-unfamiliar_use_changed = Alertas sobre clientes desconhecidos alterados
mail-unfamiliar-use-subject = Alerta: um cliente desconhecido usa o token “{ $name }” de { $account }
mail-unfamiliar-use =
    O token “{ $name }” de { $account } foi usado por um cliente que nunca o tinha usado e de uma rede da qual ele nunca tinha sido usado.

    Cliente: { $client }
    Endereço IP: { $from }
    Primeiro uso: { $at }

    Se você não conhece esse cliente, revogue o token. Veja o que ele faz em
    { $link }
mail-unfamiliar-use-paused-subject = Alerta: o token “{ $name }” de { $account } foi pausado
mail-unfamiliar-use-paused =
    O token “{ $name }” de { $account } foi usado por um cliente que nunca o tinha usado e de uma rede da qual ele nunca tinha sido usado. O Keydesk pausou o token: todas as solicitações com ele são rejeitadas.

    Cliente: { $client }
    Endereço IP: { $from }
    Primeiro uso: { $at }

    Se você conhece esse cliente, restaure o token. Caso contrário, revogue-o permanentemente e crie um novo:
    { $link }

alerts-title = Alertas
alerts-lead = O Keydesk observa como seus tokens são usados e avisa você quando algo é incomum.
alerts-recent = Alertas recentes
alerts-none = Nenhum alerta ainda.
alerts-mail = E-mails
alerts-kinds = Enviar um e-mail para
alert-kind-error_spike = Picos de erros
alert-hint-error_spike = Pelo menos 20 solicitações de um token, e uma em cada dez, falham em duas horas: o triplo do habitual.
alert-kind-silence = Tokens em silêncio
alert-hint-silence = Um token usado regularmente está sem uso há pelo menos 6 horas em que costuma ser usado.
alert-kind-quota = Cota mensal
alert-hint-quota = 80 ou 100 por cento da cota foram usados.
alert-kind-previous_secret = Segredos anteriores
alert-hint-previous_secret = Clientes ainda usam o segredo anterior de um token rotacionado quando resta um quarto do período de carência.
alerts-quiet = Horário de silêncio
alerts-zone = Fuso horário
alerts-quiet-hint = Alertas nesse horário são enviados quando ele termina. Deixe vazio para recebê-los imediatamente.
alerts-others = Alertas sobre <a href="/limits#unfamiliar-use">clientes desconhecidos</a> são definidos nos limites da conta. Lembretes de tokens que expiram são sempre enviados. Os <a href="/webhooks">webhooks</a> recebem todos os alertas imediatamente.
alerts-save = Salvar alertas
usage-pages = Páginas de uso
done-alerts_saved = Alertas salvos.
invalid-quiet-time = Informe os dois horários de silêncio, por exemplo 22:00 e 07:00.
invalid-time-zone = Informe o nome de um fuso horário, por exemplo Europe/Berlin.
event-token-error_spike = Pico de erros
event-token-silent = Token em silêncio
event-token-previous_secret_used = Segredo anterior ainda em uso
event-token-alerts_changed = Alertas de um token alterados
event-account-alerts_changed = Alertas alterados
interval-seconds = { $n ->
    [one] segundo
   *[other] { $n } segundos
}
interval-minutes = { $n ->
    [one] minuto
   *[other] { $n } minutos
}
interval-hours = { $n ->
    [one] hora
   *[other] { $n } horas
}
mail-error-spike-subject = Alerta: solicitações com “{ $token }” falham
mail-error-spike =
    { $errors } de { $requests } solicitações com o token “{ $token }” em { $account } falharam desde { $since }. Normalmente, { $usual }% falham.

    Veja quais solicitações falham:
    { $link }

    Escolha os alertas que você recebe:
    { $settings }
mail-silence-subject = Alerta: “{ $token }” não é mais usado
mail-silence =
    O token “{ $token }” em { $account } não é usado desde { $last }. Enquanto está em uso, normalmente há uma solicitação a cada { $interval }.

    Verifique se os clientes dele ainda estão ativos:
    { $link }

    Escolha os alertas que você recebe:
    { $settings }
mail-previous-secret-subject = Alerta: o segredo anterior de “{ $token }” ainda é usado
mail-previous-secret =
    O segredo anterior do token “{ $token }” em { $account } para de funcionar em { $until }. Estes clientes ainda o usam: { $clients }.

    Último uso: { $last }

    Dê a eles o novo segredo antes disso. Veja o token:
    { $link }

    Escolha os alertas que você recebe:
    { $settings }
mail-quota-subject = Alerta: { $percent }% da cota de { $account } usados
mail-quota =
    { $account } usou { $requests } de { $quota } solicitações da cota deste mês: { $percent }%. Solicitações acima da cota são rejeitadas até o fim do mês.

    Veja os limites da conta:
    { $link }

wrong-account-name = Nome da conta: { $why }.
wrong-name = Nome: { $why }.
wrong-email = E-mail: { $why }.
wrong-password = Senha: { $why }.
hashing-busy = muitas pessoas estão entrando neste momento; tente de novo em alguns segundos
throttled-wait = Muitas tentativas erradas. Tente de novo em { $span }.
throttled-logins = Muitas entradas em uma hora. Tente de novo em { $span }.
throttled-sso-logins = Muitas tentativas de login único a partir da sua rede. Tente de novo em { $span }.
throttled-locked = Cem tentativas erradas seguidas: isto está bloqueado. Redefina a senha por e-mail, ou entre por um navegador que você já usou; um segundo fator é o operador que redefine.
span-seconds =
    { $n ->
        [one] um segundo
       *[other] { $n } segundos
    }
span-minutes =
    { $n ->
        [one] um minuto
       *[other] { $n } minutos
    }
choose-another = Escolha outra: { $why }.
password-too-short = uma senha tem pelo menos { $least } caracteres; três ou quatro palavras sem relação funcionam bem
password-too-long = uma senha tem no máximo { $most } caracteres
password-common = esta senha é feita de “{ $part }”, que está entre as primeiras que os atacantes tentam
password-personal = grande parte desta senha é “{ $part }”, que outros sabem de você
email-looks-like = um endereço de e-mail é como ann@example.com
name-empty = dê um nome
name-too-long = um nome tem no máximo 80 caracteres
name-unprintable = um nome só tem caracteres imprimíveis
expiry-unreadable = diga never, um número de dias como 90d (no máximo 36500d), ou uma data como 2027-06-30
expiry-past = esse dia já passou; escolha um posterior
expiry-required = aqui os tokens devem ter data de expiração; escolha uma
expiry-too-long = os tokens podem viver { $days } dias no máximo aqui; escolha um fim anterior
scope-looks-like = um escopo é como contacts:read, contacts:* ou *
scopes-too-many = um token tem no máximo { $most } escopos; um amplo, como contacts:*, cobre muitos
address-unreadable = “{ $text }” não é um endereço ou rede como 203.0.113.7, 10.0.0.0/8 ou 2001:db8::/32
addresses-too-many = uma lista de endereços tem no máximo 200 entradas
role-looks-like = uma função é owner, administrator, developer ou viewer
grace-period-looks-like = uma sobreposição é none, 1h, 24h ou 7d
form-unreadable = O formulário não está completo, ou contém o que não pede. Volte e preencha-o de novo.

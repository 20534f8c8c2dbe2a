too-many-failed-attempts-why = Muitas tentativas malsucedidas. Tente novamente em { $span }.
too-many-logins-why = Muitos logins em uma hora. Tente novamente em { $span }.
too-many-sso-logins-why = Muitos logins por logon único a partir da sua rede. Tente novamente em { $span }.
login-locked-why = Este login está bloqueado após 100 tentativas malsucedidas seguidas. Redefina sua senha por e-mail ou faça login em um navegador que você já usou antes. Se a autenticação de dois fatores estiver bloqueada, entre em contato com o provedor da API.
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
password-too-short = Use pelo menos { $least } caracteres. Três ou quatro palavras sem relação entre si funcionam bem.
password-too-long = Use no máximo { $most } caracteres.
password-common = Esta senha se baseia em “{ $part }”, uma das primeiras coisas que os invasores tentam.
password-personal = Uma parte grande demais desta senha é “{ $part }”, algo que outras pessoas sabem sobre você.
invalid-email = Insira um endereço de e-mail, como ann@example.com.
missing-name = Insira um nome.
name-too-long = Use no máximo 80 caracteres.
invalid-note = Use no máximo 500 caracteres imprimíveis.
token-in-text = Este texto contém um token. Remova o token: outras pessoas podem ler o texto.
unprintable-name = Use somente caracteres imprimíveis.
invalid-expiry = Insira never, um número de dias, como 90d (no máximo 36500d), ou uma data, como 2027-06-30.
expiry-in-past = Esta data já passou. Escolha uma data posterior.
expiry-required = Os tokens desta conta devem expirar. Escolha uma data de expiração.
expiry-too-late = Os tokens desta conta podem ser válidos por no máximo { $days } dias. Escolha uma data de expiração anterior.
invalid-scope = Os escopos têm o formato contacts:read, contacts:* ou *.
too-many-scopes = Um token pode ter no máximo { $most } escopos. Um escopo amplo, como contacts:*, abrange muitos.
invalid-ip-range = “{ $text }” não é um endereço IP nem um intervalo CIDR válido. Use um formato como 203.0.113.7, 10.0.0.0/8 ou 2001:db8::/32.
ip-allowlist-too-long = Uma lista de IPs permitidos pode ter no máximo 200 entradas.
invalid-role = A função deve ser owner, administrator, developer ou viewer.
invalid-grace-period = O período de carência deve ser none, 1h, 24h ou 7d.
invalid-form = O formulário está incompleto ou contém campos inesperados. Volte e preencha-o novamente.

sign-on-depart = Você entra em { $host } e volta.
sign-on-go-to = Continuar para { $host }
sign-on-go-on = Continuar
sign-on-lead = A sua equipe entra pelo seu próprio provedor, por OpenID Connect. Quem entra por ele vira membro na hora.
sign-on-is-on = <span class="state good">ativo</span> para endereços de { $domain }.
sign-on-waits = <span class="state">Aguardando o operador.</span> Ninguém pode entrar assim até ele confirmar que { $domain } é seu.
sign-on-provider = Provedor
sign-on-callback = Endereço de retorno, para registrar este console lá
sign-on-issuer = Emissor (issuer)
sign-on-client-id = Id do cliente
sign-on-client-secret = Segredo do cliente
sign-on-unchanged = deixe vazio para mantê-lo
sign-on-domain = Domínio dos seus endereços
sign-on-role = Função dos membros novos
sign-on-claim = Claim que indica a função
sign-on-values = Que valor dá que função
sign-on-hint = Se a claim indica uma função, ela vale a cada login; proprietários continuam proprietários. Retire pessoas no provedor: quem ele deixa entrar volta.
sign-on-remove-hint = Os membros ficam, e entram com uma senha; quem não tem consegue por “Esqueceu a senha?”.
sign-on-remove = Remover o login único
sign-on-wrong-issuer = Emissor: uma URL como https://login.example.com, sem parâmetros; http só vale nesta máquina.
sign-on-no-client = Dê o id do cliente que o provedor lhe deu.
sign-on-no-secret = Dê o segredo do cliente que o provedor lhe deu.
sign-on-wrong-domain = Domínio: o que vem depois do @ dos seus endereços, como example.com.
sign-on-wrong-roles = Funções: linhas “valor = função”, com as funções administrator, developer e viewer.
sign-on-none = Não há login único para esse endereço. Entre com a sua senha.
sign-on-unreachable = O provedor não pode ser consultado agora: { $why }
sign-on-over = Isso demorou demais, ou começou em outro navegador. Comece de novo.
sign-on-unfit = O provedor deixou você entrar, mas a resposta não serve aqui: { $why }
unfit-refused = diz que a sua entrada não foi permitida
unfit-domain = o seu endereço ali é de outro domínio
unfit-closed = a conta está fechada
provider-odd = não responde como diz o OpenID Connect
provider-no-secret = o seu segredo não pode ser lido
unfit-no-token = não contém ID token
unfit-unverified-token = o ID token não confere
unfit-unverified-email = não diz que o seu endereço está verificado
unfit-no-email = não diz nenhum endereço
sign-on-changed = Foi alterado nesse meio-tempo, ou outra conta tem login único para esse domínio. Olhe de novo.

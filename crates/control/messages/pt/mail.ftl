mail-title = Caixa de correio desta máquina
mail-lead = Nenhum servidor de e-mail está configurado e ambas as portas estão em loopback, então o e-mail chega aqui, na memória, até o Keydesk parar.
mail-none = Nenhum e-mail ainda. Convide um membro ou peça uma nova senha.
mail-to = Para { $to }
mail-box = Caixa de correio
mail-the-api = a API
mail-invitation-subject = { $by }, de { $account }, convida você para usar { $api }
mail-invitation =
    { $by }, de { $account }, convida você para usar { $api }, com a função { $role }.

    Siga este link em até 7 dias para aceitar:

    { $link }

    Se você não conhece { $by }, não faça nada: o convite termina sozinho.
mail-first-owner-subject = { $by } convida você para usar { $api }
mail-first-owner =
    { $by } convida você para usar { $api } e abriu a conta { $account } para você. Você é o proprietário.

    Siga este link em até 7 dias para aceitar:

    { $link }

    Se você não conhece { $by }, não faça nada: o convite termina sozinho.
mail-reset-subject = Redefina a sua senha
mail-reset =
    Alguém, provavelmente você, pediu para redefinir a senha deste endereço.

    Siga este link em até uma hora para escolher outra:

    { $link }

    Com a senha nova o seu token de portador termina, e todas as sessões são encerradas. Os tokens de API continuam ativos.

    Se não foi você, não faça nada: nada mudou.
mail-password-changed-subject = A sua senha foi alterada
mail-password-changed =
    A senha deste endereço foi alterada. O seu token de portador terminou com ela; o novo está em

    { $console }/api-docs

    Se não foi você, redefina a senha em { $console }/forgot-password e avise um administrador.
mail-password-reset-subject = A sua senha foi alterada
mail-password-reset =
    A senha deste endereço foi alterada. O seu token de portador terminou com ela; o novo está em

    { $console }/api-docs

    Estas chaves de acesso continuam a entrar sem senha: { $passkeys }. Remova as que você não conhece em

    { $console }/passkeys

    Se não foi você, redefina a senha em { $console }/forgot-password e avise um administrador.
mail-logged-out-subject = { $by } encerrou todas as suas sessões
mail-logged-out =
    { $by }, que administra { $account }, encerrou todas as suas sessões ativas ali. O seu token de portador terminou com isso; entre de novo para encontrar o novo:

    { $console }/api-docs
mail-new-device-subject = Login em um navegador novo
mail-new-device =
    Alguém, provavelmente você, entrou com { $client } em { $at }. Não tinha sido usado para isso antes.

    Se não foi você, mude a senha agora e encerre essa sessão:

    { $console }/profile
    { $console }/sessions
mail-email-change-old-subject = Outro endereço de e-mail tomará o lugar deste
mail-email-change-old =
    Alguém que sabe a sua senha, provavelmente você, quer entrar com { $email } a partir de agora.

    Siga este link em até um dia para confirmar, ou para parar:

    { $link }

    Sem a sua confirmação nada muda.
mail-email-change-new-subject = Confirme o seu novo endereço de e-mail
mail-email-change-new =
    Alguém que até agora entrava com { $email } quer usar este endereço no lugar daquele.

    Se for você, siga este link em até um dia:

    { $link }

    Se não, não faça nada.
mail-email-changed-subject = O seu endereço de e-mail foi alterado
mail-email-changed =
    A partir de agora você entra com { $email }. Os dois endereços confirmaram.

    Se não foi você, avise o operador.
mail-login-exists-subject = Você já tem acesso aqui
mail-login-exists =
    Alguém, talvez você, informou este endereço, que já tem acesso aqui. Nada foi alterado.

    Entre em { $console }/login, ou escolha uma senha nova em { $console }/forgot-password.
mail-sign-up-subject = Abra a sua conta { $account }
mail-sign-up =
    Alguém, provavelmente você, quer abrir a conta { $account } com este endereço.

    Siga este link em até um dia para escolher uma senha e abri-la:

    { $link }

    Se não foi você, não faça nada.
mail-factor-added-subject = O seu segundo fator está ativo
mail-factor-added =
    A partir de agora, ao entrar com este endereço é pedido um código do seu aplicativo autenticador.

    Se não foi você quem o configurou, redefina a sua senha em { $console }/forgot-password e avise o operador.
mail-factor-removed-subject = O seu segundo fator foi removido
mail-factor-removed =
    A partir de agora basta a senha para entrar com este endereço.

    Se não foi você, altere a sua senha em { $console }/profile, configure de novo um segundo fator em { $console }/two-factor, e avise o operador.
mail-code-used-subject = Um código de recuperação foi usado
mail-code-used =
    { $left ->
        [one] Alguém, provavelmente você, entrou com um código de recuperação; resta { $left }.
       *[other] Alguém, provavelmente você, entrou com um código de recuperação; restam { $left }.
    }

    Se você perdeu o autenticador, configure outro:

    { $console }/two-factor

    Se não foi você, mude a sua senha em { $console }/profile e encerre a sessão em { $console }/sessions.
mail-codes-renewed-subject = Novos códigos de recuperação foram criados
mail-codes-renewed =
    Novos códigos de recuperação foram criados para o seu segundo fator em { $console }; os antigos pararam de funcionar.

    Se não foi você, mude a sua senha em { $console }/profile, e depois crie códigos novos em { $console }/two-factor.
mail-expiring-subject = O token de API “{ $name }” de { $account } termina em breve
mail-expiring =
    O token de API “{ $name }” de { $account } termina em { $ends }; a partir daí o que chamar com ele é recusado.

    { $used }

    Crie o próximo a tempo, e dê-o ao programa:

    { $console }/tokens/new
mail-account-open-subject = A sua conta { $account } está aberta
mail-account-open =
    A conta { $account } está aberta de novo: os seus tokens são aceitos como antes.

    Fale com o operador da API se você não esperava isso.
mail-account-suspended-subject = A sua conta { $account } está suspensa
mail-account-suspended =
    O operador suspendeu a conta { $account }: toda chamada com os seus tokens recebe 403 até ela ser restaurada.

    Fale com o operador da API se você não esperava isso.
mail-account-closed-subject = A sua conta { $account } está fechada
mail-account-closed =
    O operador fechou a conta { $account }: os seus tokens são recusados, e por 30 dias o operador pode restaurá-la.

    Fale com o operador da API se você não esperava isso.
mail-removed-subject = Você não pertence mais a { $account }
mail-removed = Você foi removido da conta { $account }. O token de portador que você tinha ali terminou.
mail-never-used = Ainda não foi usado.
mail-last-used = Foi usado pela última vez em { $at }.
mail-some-browser = um navegador
mail-passkey-added-subject = Uma chave de acesso foi adicionada
mail-passkey-added =
    A partir de agora uma chave de acesso nova entra com este endereço.

    Se não foi você quem a adicionou, remova-a em { $console }/passkeys, altere a sua senha em { $console }/profile e avise o operador.
mail-one-factor-removed-subject = Um dos seus segundos fatores foi removido
mail-one-factor-removed =
    Um dos seus segundos fatores foi removido; outro continua sendo pedido.

    Se não foi você, altere a sua senha em { $console }/profile, veja { $console }/two-factor e { $console }/passkeys, e avise o operador.

mail-rotated-by-client-subject = Um programa rotacionou o token “{ $name }”
mail-rotated-by-client =
    Um programa que tem o token “{ $name }” da conta { $account } deu a ele um novo segredo. A solicitação veio de
    { $from }.

    Os programas que usam o segredo anterior precisam ser atualizados. Se você não esperava por isso, outra pessoa pode ter o token: revogue-o em
    { $console }/tokens

mail-test-subject = E-mail de teste
mail-test = Este é um e-mail de teste de { $console }. O e-mail está configurado corretamente.
mail-another-owner-subject = Um operador convida outro proprietário para { $account }
mail-another-owner =
    O operador { $by } convidou { $email } para { $account } como proprietário.

    Se não é o que você quer, contate o operador ou retire o convite:

    { $console }/members

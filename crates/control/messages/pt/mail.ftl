mail-title = Caixa de correio local
mail-lead = Nenhum servidor de e-mail está configurado e os dois listeners estão em loopback; por isso, os e-mails são mantidos aqui, na memória, até o Keydesk parar.
mail-none = Ainda não há e-mails. Convide um membro ou solicite uma redefinição de senha para ver um.
mail-to = Para { $to }
mail-box = Caixa de correio
mail-the-api = a API
mail-invitation-subject = { $by } convidou você para { $account }
mail-invitation =
    { $by } convidou você para usar { $api } como membro da conta { $account }, com a função { $role }.

    Para aceitar, siga este link em até 7 dias:

    { $link }

    Se você não conhece { $by }, pode ignorar este e-mail. O convite expira automaticamente.
mail-first-owner-subject = { $by } convidou você para usar { $api }
mail-first-owner =
    { $by } convidou você para usar { $api } e criou a conta { $account } para você. Você será o proprietário dela.

    Para aceitar, siga este link em até 7 dias:

    { $link }

    Se você não conhece { $by }, pode ignorar este e-mail. O convite expira automaticamente.
mail-reset-subject = Redefina sua senha
mail-reset =
    Recebemos uma solicitação para redefinir a senha deste endereço de e-mail.

    Para escolher uma nova senha, siga este link em até uma hora:

    { $link }

    Quando você definir uma nova senha, seu token de portador deixará de funcionar e todas as suas sessões serão encerradas. Os tokens de API não são afetados.

    Se você não solicitou isso, pode ignorar este e-mail. Nada foi alterado.
mail-password-changed-subject = Sua senha foi alterada
mail-password-changed =
    A senha deste endereço de e-mail foi alterada, e seu token de portador anterior não funciona mais. Seu novo token de portador está em:

    { $console }/api-docs

    Se não foi você, redefina sua senha em { $console }/forgot-password e avise um administrador.
mail-password-reset-subject = Sua senha foi alterada
mail-password-reset =
    A senha deste endereço de e-mail foi alterada. Seu token de portador foi revogado, e o novo está em

    { $console }/api-docs

    Estas chaves de acesso ainda podem fazer login sem senha: { $passkeys }. Remova as que você não reconhecer em

    { $console }/passkeys

    Se não foi você, redefina sua senha em { $console }/forgot-password e avise um administrador.
mail-logged-out-subject = { $by } desconectou você de todas as sessões
mail-logged-out =
    { $by }, que administra { $account }, desconectou você de todas as suas sessões nessa conta. Seu token de portador anterior não funciona mais. Para obter o novo, faça login novamente:

    { $console }/api-docs
mail-new-device-subject = Novo login em um navegador não reconhecido
mail-new-device =
    Alguém, provavelmente você, fez login com { $client } em { $at }. Esse navegador ainda não tinha sido usado para fazer login.

    Se não foi você, altere sua senha agora e encerre essa sessão:

    { $console }/profile
    { $console }/sessions
mail-email-change-old-subject = Confirme a alteração do seu endereço de e-mail
mail-email-change-old =
    Alguém que sabe sua senha pediu para alterar seu endereço de e-mail de login para { $email }.

    Para confirmar ou cancelar a alteração, siga este link em até 24 horas:

    { $link }

    Nada muda sem a sua confirmação.
mail-email-change-new-subject = Confirme seu novo endereço de e-mail
mail-email-change-new =
    Alguém que atualmente faz login com { $email } pediu para usar este endereço em vez daquele.

    Se foi você, siga este link em até 24 horas:

    { $link }

    Se não foi, você pode ignorar este e-mail.
mail-email-changed-subject = Seu endereço de e-mail foi alterado
mail-email-changed =
    Agora você faz login com { $email }. Os dois endereços confirmaram a alteração.

    Se não foi você, entre em contato com o provedor da API.
mail-login-exists-subject = Você já tem um login aqui
mail-login-exists =
    Alguém inseriu este endereço de e-mail, que já pertence a um login. Nada foi alterado.

    Para fazer login, acesse { $console }/login. Para escolher uma nova senha, acesse { $console }/forgot-password.
mail-sign-up-subject = Crie sua conta { $account }
mail-sign-up =
    Recebemos uma solicitação para criar a conta { $account } com este endereço de e-mail.

    Para escolher uma senha e criar a conta, siga este link em até 24 horas:

    { $link }

    Se você não solicitou isso, pode ignorar este e-mail.
mail-factor-added-subject = Autenticação de dois fatores ativada
mail-factor-added =
    O login com este endereço de e-mail agora exige um código do seu aplicativo autenticador.

    Se não foi você quem configurou isso, redefina sua senha em { $console }/forgot-password e entre em contato com o provedor da API.
mail-factor-removed-subject = Autenticação de dois fatores desativada
mail-factor-removed =
    O login com este endereço de e-mail agora exige somente a senha.

    Se não foi você, altere sua senha em { $console }/profile, ative novamente a autenticação de dois fatores em { $console }/two-factor e entre em contato com o provedor da API.
mail-code-used-subject = Um código de recuperação foi usado
mail-code-used =
    { $left ->
        [one] Alguém, provavelmente você, fez login com um código de recuperação. Resta { $left } código.
       *[other] Alguém, provavelmente você, fez login com um código de recuperação. Restam { $left } códigos.
    }

    Se você perdeu seu aplicativo autenticador, configure um novo:

    { $console }/two-factor

    Se não foi você, altere sua senha em { $console }/profile e encerre a sessão em { $console }/sessions.
mail-codes-renewed-subject = Novos códigos de recuperação foram gerados
mail-codes-renewed =
    Novos códigos de recuperação foram gerados para sua autenticação de dois fatores em { $console }. Os códigos anteriores não funcionam mais.

    Se não foi você, altere sua senha em { $console }/profile e depois gere novos códigos em { $console }/two-factor.
mail-expiring-subject = Token de API “{ $name }” de { $account } expira em breve
mail-expiring =
    O token de API “{ $name }” da conta { $account } expira em { $ends }. Depois disso, todas as solicitações que o usarem serão rejeitadas.

    { $used }

    Crie um substituto antes disso e atualize a integração:

    { $console }/tokens/new
mail-account-open-subject = Sua conta { $account } está ativa
mail-account-open =
    A conta { $account } está ativa novamente, e os tokens dela funcionam como antes.

    Se você não esperava por isso, entre em contato com o provedor da API.
mail-account-suspended-subject = Sua conta { $account } foi suspensa
mail-account-suspended =
    O provedor da API suspendeu a conta { $account }. Até que ela seja restaurada, todas as solicitações com um dos tokens dela são rejeitadas com o status 403.

    Se você não esperava por isso, entre em contato com o provedor da API.
mail-account-closed-subject = Sua conta { $account } foi encerrada
mail-account-closed =
    O provedor da API encerrou a conta { $account }. Os tokens dela não funcionam mais. O provedor da API pode restaurar a conta por 30 dias.

    Se você não esperava por isso, entre em contato com o provedor da API.
mail-removed-subject = Você foi removido de { $account }
mail-removed = Você foi removido da conta { $account }. Seu token de portador para essa conta não funciona mais.
mail-never-used = Nenhum uso até agora.
mail-last-used = O último uso foi em { $at }.
mail-some-browser = um navegador
mail-passkey-added-subject = Uma chave de acesso foi adicionada
mail-passkey-added =
    Uma nova chave de acesso agora pode ser usada para fazer login com este endereço de e-mail.

    Se não foi você quem a adicionou, remova-a em { $console }/passkeys, altere sua senha em { $console }/profile e entre em contato com o provedor da API.
mail-one-factor-removed-subject = Método de autenticação de dois fatores removido
mail-one-factor-removed =
    Um dos seus métodos de autenticação de dois fatores foi removido. Você ainda tem outro, que continua sendo exigido quando você faz login.

    Se não foi você, altere sua senha em { $console }/profile, verifique { $console }/two-factor e { $console }/passkeys e entre em contato com o provedor da API.
mail-rotated-by-client-subject = Token “{ $name }” rotacionado por um cliente
mail-rotated-by-client =
    Um cliente que usa o token “{ $name }” da conta { $account } o rotacionou. A solicitação veio de
    { $from }.

    Os clientes que usam o segredo anterior precisam ser atualizados. Se você não esperava por isso, outra pessoa pode ter o token. Revogue-o em
    { $console }/tokens
mail-test-subject = E-mail de teste do Keydesk
mail-test = Este é um e-mail de teste de { $console }. A entrega de e-mails funciona.
mail-another-owner-subject = Novo proprietário convidado para { $account }
mail-another-owner =
    { $by }, operador do provedor da API, convidou { $email } para { $account } como proprietário.

    Se você não quer isso, entre em contato com o provedor da API ou revogue o convite:

    { $console }/members

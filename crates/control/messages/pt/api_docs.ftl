api-docs-lead = Tudo o que um programa precisa para chamar a API como { $account }: para onde enviar as requisições, e o token que a abre.
api-docs-used-by =
    { $n ->
        [one] <b>{ $client } de { $address }</b> usa este token (última chamada { $when }) e para se a sua senha mudar. <a href="/tokens/new">Dê a ele um token de API próprio</a>
       *[other] <b>{ $client } de { $address }</b> e mais { $others } usam este token (última chamada { $when }) e param se a sua senha mudar. <a href="/tokens/new">Dê a cada um um token de API próprio</a>
    }
reference-title = Referência da API · Keydesk
reference-back = ← API Docs
reference-no-script = A referência interativa precisa de JavaScript. As operações estão em <a href="/api-docs#reference">API Docs</a>, e o próprio documento em <a href="/api-docs/openapi.json">openapi.json</a>.
rotate-bearer = Rotacionar o token de portador
rotate-bearer-lead = Um novo token de portador substitui o seu. O antigo é recusado a partir desse momento. Os tokens de API não são afetados.
viewer-lead = Você é observador aqui, e observadores não têm token. Se precisar de um, peça a uma destas pessoas que faça de você desenvolvedor:
api-docs-create = Criar novo token
api-docs-credentials = Suas credenciais
api-docs-number = Conta { $number }
api-docs-of-url = a URL do endpoint
api-docs-of-token = o token de portador
api-docs-show = Mostrar
api-docs-hide = Ocultar
api-docs-rotate = Rotacionar
api-docs-yours = Só seu. Termina quando você muda ou redefine a senha, sai de todas as sessões, deixa a conta ou o rotaciona. Mantenha-o em segredo: quem o tem chama a API em seu nome.
api-docs-show-token = Mostrar o token de portador
api-docs-a-while = Faz um tempo que você informou a sua senha, então o token não está nesta página.
api-docs-first-call = Faça a primeira chamada
api-docs-call-it = Chamar deste navegador
api-docs-of-snippet = o exemplo de { $label }
api-docs-whoami = Do seu próprio servidor, <code class="code-line" tabindex="0">curl -H "Authorization: Bearer $TOKEN" { $whoami }</code> mostra quais token, conta e escopos chegam, e de qual endereço.
api-docs-all-tokens = Todos os tokens
api-docs-no-token = Nenhum ainda. O token de portador está ligado a você; um programa em produção merece um token de API, que nenhuma mudança de senha encerra.
api-docs-by = por { $made_by }
api-docs-reference = Referência da API
api-docs-try-it = Abrir a referência interativa
api-docs-no-description = A descrição da API não pode ser lida no momento. Fale com quem opera esta API; a URL do endpoint e o token funcionam sem ela.
api-docs-operations = Operações da API
api-docs-what-it-does = O que faz
api-docs-scopes-any = Escopos, qualquer um
api-docs-scopes = Escopos
reference-none-why = A descrição da API não pode ser lida no momento. Fale com quem a opera.
reference-none = Ainda não há referência

api-docs-left-behind = Rejeitados desde que o seu token de portador foi substituído:
api-docs-left-behind-why = Estes programas ainda usam o token antigo. Dê a eles o novo ou, melhor, um token de API, que nenhuma troca de senha encerra.

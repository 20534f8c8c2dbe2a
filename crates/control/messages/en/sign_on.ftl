sign-on-depart = You log in at { $host } and come back.
sign-on-go-to = Go on to { $host }
sign-on-go-on = Go on
sign-on-lead = Your people log in at your own provider, by OpenID Connect. Who comes in by it becomes a member at once.
sign-on-is-on = <span class="state good">on</span> for addresses of { $domain }.
sign-on-waits = <span class="state">Waiting for the operator.</span> Nobody can log in this way until they confirm that { $domain } is yours.
sign-on-provider = Provider
sign-on-callback = Address to come back to, for registering this console there
sign-on-issuer = Issuer
sign-on-client-id = Client id
sign-on-client-secret = Client secret
sign-on-unchanged = leave empty to keep it
sign-on-domain = Domain of your addresses
sign-on-role = Role of new members
sign-on-claim = Claim that says the role
sign-on-values = Which value gives which role
sign-on-hint = Where the claim says a role, it holds at each log-in; owners stay owners. Take people away at the provider: whoever it lets in comes back.
sign-on-remove-hint = Members stay, and log in with a password, which who has none gets by “Forgotten password”.
sign-on-remove = Remove single sign-on
sign-on-wrong-issuer = Issuer: a URL such as https://login.example.com, without query; http is for this machine only.
sign-on-no-client = Give the client id that the provider has given you.
sign-on-no-secret = Give the client secret that the provider has given you.
sign-on-wrong-domain = Domain: what stands behind the @ of your addresses, such as example.com.
sign-on-wrong-roles = Roles: lines of “value = role”, with the roles administrator, developer and viewer.
sign-on-none = There is no single sign-on for that address. Log in with your password.
sign-on-unreachable = The provider cannot be asked now: { $why }
sign-on-over = That took too long, or began in another browser. Begin again.
sign-on-unfit = The provider let you in, but its answer does not do here: { $why }
unfit-refused = it says that you were not let in
unfit-domain = your address there is of another domain
unfit-closed = the account is closed
provider-odd = it does not answer as OpenID Connect says
provider-no-secret = its secret cannot be read
unfit-no-token = it holds no ID token
unfit-unverified-token = its ID token does not verify
unfit-unverified-email = it does not say that your address is verified
unfit-no-email = it says no address
sign-on-changed = It was changed meanwhile, or another account has single sign-on for that domain. Look again.

// A certified OpenID Connect provider: node-oidc-provider with its defaults, so that the claims of a person are at the
// userinfo endpoint. Whoever comes is who was named last, without being asked. First line: where it listens. Then one
// line of input each: the claims of who comes next, as JSON; "sub" is the subject, or else the address is. The third
// argument is the client's authentication method.
import { createInterface } from 'node:readline';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [callback, secret, method = 'client_secret_basic'] = process.argv.slice(2);
// What it says of its settings is for who runs it in earnest.
console.info = console.warn = () => {};
let claims = {};
const subject = () => claims.sub || claims.email || 'somebody';
const server = createServer((request, response) => handle(request, response));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: 'keydesk', client_secret: secret, redirect_uris: [callback], token_endpoint_auth_method: method,
  }],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'groups', 'realm_access', 'updated_at', 'picture', 'address'],
  },
  clientAuthMethods: [method],
  features: { devInteractions: { enabled: false } },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ ...claims, sub }) }),
  interactions: { url: (_, interaction) => `/come/${interaction.uid}` },
  async loadExistingGrant(context) {
    const { client, session } = context.oidc;
    const grant = new context.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
});
const whole = provider.callback();
async function handle(request, response) {
  if (!request.url.startsWith('/come/')) return whole(request, response);
  return provider.interactionFinished(request, response, { login: { accountId: subject() } });
}
createInterface({ input: process.stdin }).on('line', (line) => {
  claims = JSON.parse(line);
  console.log('ready');
});
console.log(issuer);

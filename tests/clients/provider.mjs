// A certified OpenID Connect provider: node-oidc-provider. Whoever comes is who was named last, without being
// asked. First line: where it listens. Then one line of input each: the claims of who comes next, as JSON.
import { createInterface } from 'node:readline';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [callback, secret] = process.argv.slice(2);
// What it says of its settings is for who runs it in earnest.
console.info = console.warn = () => {};
let claims = {};
const server = createServer((request, response) => handle(request, response));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: 'keydesk', client_secret: secret, redirect_uris: [callback] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: false } },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...claims }) }),
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
  return provider.interactionFinished(request, response, { login: { accountId: claims.email || 'somebody' } });
}
createInterface({ input: process.stdin }).on('line', (line) => {
  claims = JSON.parse(line);
  console.log('ready');
});
console.log(issuer);

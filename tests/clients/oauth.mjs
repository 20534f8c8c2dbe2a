// A strict client of RFC 7662 and RFC 7009: oauth4webapi. Says what it was told, as JSON.
import * as oauth from 'oauth4webapi';

const [issuer, id, secret, token, dead] = process.argv.slice(2);
const server = {
  issuer,
  introspection_endpoint: `${issuer}/keydesk/oauth/introspect`,
  revocation_endpoint: `${issuer}/keydesk/oauth/revoke`,
};
const client = { client_id: id };
const plain = { [oauth.allowInsecureRequests]: true };

async function introspect(auth, which) {
  const response = await oauth.introspectionRequest(server, client, auth, which, plain);
  return oauth.processIntrospectionResponse(server, client, response);
}

const basic = await introspect(oauth.ClientSecretBasic(secret), token);
const post = await introspect(oauth.ClientSecretPost(secret), token);
const ended = await introspect(oauth.ClientSecretBasic(secret), dead);
let refused = null;
try {
  await introspect(oauth.ClientSecretBasic('wrong'), token);
} catch (error) {
  refused = error.error ?? error.code;
}
const revoked = await oauth.revocationRequest(server, client, oauth.None(), token, plain);
await oauth.processRevocationResponse(revoked);
const after = await introspect(oauth.ClientSecretBasic(secret), token);
console.log(JSON.stringify({ basic, post, ended, refused, after }));

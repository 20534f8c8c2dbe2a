// Uses the client that @hey-api/openapi-ts makes of the management API's document, once around.
import { createPublicKey, verify } from "node:crypto";
import * as api from "./management/index.js";
import { client } from "./management/client.gen.js";

const [console_, key] = [process.argv[2], process.env.KEYDESK_KEY];
client.setConfig({ baseUrl: `${console_}/api/v1`, auth: () => key });

function check(holds: unknown, what: unknown): asserts holds {
  if (!holds) throw new Error(JSON.stringify(what));
}

const create = (name: string, key: string) =>
  api.createToken({ body: { name, scopes: ["contacts:read"] }, headers: { "Idempotency-Key": key } });

const created = await create("TypeScript 0", "typescript-0");
check(created.response?.status === 201 && created.data?.secret, created.error);
const { token, secret } = created.data;

const replayed = await create("TypeScript 0", "typescript-0");
check(replayed.data?.token.id === token.id && replayed.data.secret === null, replayed);
const reused = await create("another", "typescript-0");
check(reused.response?.status === 422 && reused.error?.code === "idempotency_key_reused", reused);

for (let number = 1; number < 5; number += 1) await create(`TypeScript ${number}`, `typescript-${number}`);
const names: string[] = [];
let cursor: string | undefined;
do {
  const page = await api.listTokens({ query: { limit: 2, text: "TypeScript", cursor } });
  check(page.data, page.error);
  names.push(...page.data.items.map((item) => item.name));
  cursor = page.data.next ?? undefined;
} while (cursor);
check(names.length === 5 && new Set(names).size === 5, names);

const path = { id: token.id };
const limited = await api.limitToken({
  path,
  body: { scopes: ["contacts:*"], ip_allowlist: ["203.0.113.0/24"], mode: "observe" },
});
check(limited.data?.observed_limits?.scopes[0] === "contacts:*", limited.error);
const rotated = await api.rotateToken({ path, body: { grace_period: "24h" } });
check(rotated.data?.secret !== secret && rotated.data?.previous_secret_expires_at, rotated.error);
const stale = await api.updateToken({ path, body: { name: "x" }, headers: { "If-Match": '"stale"' } });
check(stale.response?.status === 412 && stale.error?.code === "precondition_failed", stale);

const wouldStop = await api.listTokenConsequences({ path, query: { of: "revoke" } });
const etag = wouldStop.response?.headers.get("etag");
check(etag, wouldStop.error);
const revoked = await api.revokeToken({ path, headers: { "If-Match": etag } });
check(revoked.data?.token.state === "revoked" && revoked.data.receipt?.number, revoked.error);
const again = await api.revokeToken({ path, headers: { "If-Match": etag } });
check(again.response?.status === 409 && again.error?.code === "token_inactive", again);

const receipt = await api.readReceipt({ path: { number: revoked.data.receipt.number } });
check(receipt.data, receipt.error);
const [header = "", payload = "", signature = ""] = receipt.data.jws.split(".");
const decoded = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString());
const published = await api.listReceiptKeys();
check(published.data, published.error);
const jwk = published.data.keys.find((key) => key.kid === decoded(header).kid);
check(jwk, published.data);
const publicKey = createPublicKey({ key: jwk as never, format: "jwk" });
const signed = Buffer.from(`${header}.${payload}`);
check(verify(null, signed, publicKey, Buffer.from(signature, "base64url")), "the signature");
check(decoded(payload).target === token.id, payload);
console.log("verified");

// An OIDC provider over TLS: provider.mjs SETTINGS, a file with `issuer`, `cert`, `key`, `clientId` and `redirectUri`.
// Anybody signs in with any password. The login is the subject, and the claim `uid` if it is a number. `serial` tells two
// tokens of one second apart.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

import { Provider } from "oidc-provider";

// Node.js 20 has it only in its last versions.
URL.parse ??= (url, base) => (URL.canParse(url, base) ? new URL(url, base) : null);

const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const provider = new Provider(settings.issuer, {
  clients: [
    {
      client_id: settings.clientId,
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: [settings.redirectUri],
      post_logout_redirect_uris: [settings.redirectUri],
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
  claims: { openid: ["sub", "uid", "serial"] },
  // Claims of the scope are in the ID token, which is what the API gets.
  conformIdTokenClaims: false,
  issueRefreshToken: () => true,
  // Each refresh token is used once. The second use ends the grant.
  rotateRefreshToken: true,
  ttl: { IdToken: 3600 },
  findAccount: (_, login) => ({
    accountId: login,
    claims: () => ({
      sub: login,
      serial: randomUUID(),
      ...(/^\d+$/.test(login) && { uid: Number(login) }),
    }),
  }),
});
const tls = { cert: readFileSync(settings.cert), key: readFileSync(settings.key) };
createServer(tls, provider.callback()).listen(new URL(settings.issuer).port, "127.0.0.1", () => {
  console.log("ready");
});

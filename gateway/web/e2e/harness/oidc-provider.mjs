// A real OpenID provider for the gateway's tests. Everybody may sign in under any name; who it is follows from the name:
//   ada@example.org           a proved address
//   unproved-ada@example.org  the same, not proved
//
//   node oidc-provider.mjs PORT REDIRECT_URI CLIENT_ID CLIENT_SECRET
import Provider from "oidc-provider";

const [port, redirectUri, clientId, clientSecret] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
// The library warns of what a test does not need.
console.warn = () => undefined;

const provider = new Provider(issuer, {
  clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri], grant_types: ["authorization_code"], response_types: ["code"] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ["a key of the test"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id.replace("unproved-", ""), email_verified: !id.startsWith("unproved-"), name: `Name of ${id}` }),
  }),
});

const server = provider.listen(Number(port), "127.0.0.1", () => console.log(JSON.stringify({ issuer })));
process.on("SIGTERM", () => server.close());

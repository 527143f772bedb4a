export { api, authorizedFetch, body, newKey } from "./client";
export { meQuery, ownTenantsQuery, useCan, useMe, type Me } from "./me";
export { open } from "./open";
export { NO_ANSWER, Problem } from "./problem";
export type { components, paths } from "./schema";
export { adopt, currentToken, heldToken, lost, onSignedOut, onToken, renew, signIn, signOut, signedIn, switchTo, type SignedIn, type Token } from "./session";

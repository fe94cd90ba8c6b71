/**
 * Signing in at an OIDC provider: authorization code with PKCE, as a public client (RFC 9700, OpenID Connect Core 1.0).
 *
 * By hand: oauth4webapi weighs 5.9 kB of brotli for this, a tenth of all that the page may. This tab's `sessionStorage`
 * keeps the state of the sign-in while the person is at the provider, and the provider's tokens after that.
 */
import { ApiError } from "jobs-client";

import { baseUrl } from "./address";
import { connection } from "./connection.svelte";

const PENDING = "jobs.sign-in";
const KEPT = "jobs.provider";

/** `/console/sign-in.json`: how the deployment lets people sign in. */
interface SignIn {
  issuer: string;
  client_id: string;
  scope: string;
  /** Which of the provider's tokens the API gets. */
  token: "id_token" | "access_token";
}

/** What is used of the provider's discovery document. */
interface Metadata {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  end_session_endpoint?: string;
  authorization_response_iss_parameter_supported?: boolean;
}

interface Provider extends SignIn {
  metadata: Metadata;
}

interface Pending {
  state: string;
  nonce: string;
  verifier: string;
  /** The address to come back to. */
  to: string;
}

interface Tokens {
  id_token?: string;
  access_token?: string;
  refresh_token?: string;
}

/** `forged`: this tab has not begun it. `rejected`: the API does not accept the provider's token. */
export type SignInFault = "forged" | "refused" | "unreachable" | "rejected";

export class SignInError extends Error {
  constructor(
    readonly fault: SignInFault,
    /** The provider's own words, or the API's. */
    readonly detail?: string,
  ) {
    super(detail ?? fault);
  }
}

/** Any failure on the way to a token, as one that can be shown. */
export function signInError(error: unknown): SignInError {
  return error instanceof SignInError ? error : new SignInError("unreachable");
}

let signIn: Promise<SignIn | undefined> | undefined;
let provider: Promise<Provider> | undefined;

/** Returns how the deployment lets people sign in; nothing if they paste a token. Asks once. */
export function findSignIn(): Promise<SignIn | undefined> {
  signIn ??= loadSignIn().catch((error: unknown) => {
    signIn = undefined;
    throw error;
  });
  return signIn;
}

async function loadSignIn(): Promise<SignIn | undefined> {
  const response = await connection.fetch(new Request(`${baseUrl()}/console/sign-in.json`));
  if (response.status >= 429) {
    throw new ApiError(response.status, undefined, `HTTP status ${response.status}`);
  }
  // Vite's own server answers with the page.
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return response.ok && isJson ? ((await response.json()) as SignIn) : undefined;
}

function findProvider(): Promise<Provider> {
  provider ??= discover().catch((error: unknown) => {
    provider = undefined;
    throw error;
  });
  return provider;
}

async function discover(): Promise<Provider> {
  const found = await findSignIn();
  if (!found) {
    throw new SignInError("forged");
  }
  const folder = found.issuer.replace(/\/$/, "");
  const response = await fetch(secure(`${folder}/.well-known/openid-configuration`));
  const metadata = (await response.json()) as Metadata;
  if (metadata.issuer !== found.issuer) {
    throw new SignInError("refused", `issuer: ${metadata.issuer}`);
  }
  return { ...found, metadata };
}

/**
 * Goes to the provider, which leads back to the page.
 *
 * With `other`, the provider asks who it is, even if it knows somebody from before.
 */
export async function begin({ other }: { other: boolean }): Promise<void> {
  const { metadata, client_id, scope } = await findProvider();
  const pending = { state: random(), nonce: random(), verifier: random(), to: location.hash };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  leave(metadata.authorization_endpoint, {
    response_type: "code",
    client_id,
    scope,
    redirect_uri: ownAddress(),
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: encode(new Uint8Array(digest)),
    code_challenge_method: "S256",
    ...(other && { prompt: "login" }),
  });
}

/** Takes what the provider has sent the browser back with out of the address, which becomes that of before. */
export function takeReply(): (() => Promise<string>) | undefined {
  const reply = new URLSearchParams(location.search);
  if (!reply.has("state") || !(reply.has("code") || reply.has("error"))) {
    return undefined;
  }
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null") as Pending | null;
  sessionStorage.removeItem(PENDING);
  const isOwn = pending !== null && pending.state === reply.get("state");
  history.replaceState(null, "", location.pathname + (isOwn ? pending.to : location.hash));
  // The router must not keep the address that it has seen.
  dispatchEvent(new HashChangeEvent("hashchange"));
  return async () => {
    if (!isOwn) {
      throw new SignInError("forged");
    }
    return complete(reply, pending);
  };
}

/** Exchanges the code of a reply for the token of the API. */
async function complete(reply: URLSearchParams, { verifier, nonce }: Pending): Promise<string> {
  const { issuer, metadata } = await findProvider();
  // A reply of another provider (RFC 9207).
  const needsIssuer = metadata.authorization_response_iss_parameter_supported === true;
  if ((reply.get("iss") ?? (needsIssuer ? null : issuer)) !== issuer) {
    throw new SignInError("forged");
  }
  const code = reply.get("code");
  if (code === null) {
    throw new SignInError("refused", reply.get("error_description") ?? reply.get("error") ?? "");
  }
  const redirect_uri = ownAddress();
  const grant_type = "authorization_code";
  return requestTokens({ grant_type, code, redirect_uri, code_verifier: verifier }, nonce);
}

/** Whether there may be another token without the person. */
export function canRefresh(): boolean {
  return kept().refresh_token !== undefined;
}

/** Returns another token for the API; nothing if the provider gives none. */
export async function refresh(): Promise<string | undefined> {
  const { refresh_token } = kept();
  if (refresh_token === undefined) {
    return undefined;
  }
  try {
    return await requestTokens({ grant_type: "refresh_token", refresh_token });
  } catch (error) {
    const isCurrent = kept().refresh_token === refresh_token;
    if (signInError(error).fault === "refused" && isCurrent) {
      keep({ ...kept(), refresh_token: undefined });
    }
    return undefined;
  }
}

/** Forgets the provider's tokens; returns what ends the person's session there. */
export function forget(): () => Promise<void> {
  const { id_token } = kept();
  sessionStorage.removeItem(KEPT);
  return async () => {
    if (id_token === undefined) {
      return;
    }
    const { metadata, client_id } = await findProvider();
    if (metadata.end_session_endpoint !== undefined) {
      leave(metadata.end_session_endpoint, {
        client_id,
        id_token_hint: id_token,
        post_logout_redirect_uri: ownAddress(),
        // Cognito's name for it. A provider ignores what it does not know.
        logout_uri: ownAddress(),
      });
    }
  };
}

/** Asks for tokens, keeps them, and returns that of the API. */
async function requestTokens(grant: Record<string, string>, nonce?: string): Promise<string> {
  const { metadata, client_id, token: kind, issuer } = await findProvider();
  const before = kept();
  const body = new URLSearchParams({ client_id, ...grant });
  const response = await fetch(secure(metadata.token_endpoint), { method: "POST", body });
  if (response.status >= 429) {
    throw new SignInError("unreachable");
  }
  const answer = (await response.json()) as Tokens & { error?: string; error_description?: string };
  if (!response.ok) {
    throw new SignInError("refused", answer.error_description ?? answer.error);
  }
  const { id_token, refresh_token } = answer;
  const token = answer[kind];
  if (token === undefined) {
    throw new SignInError("refused", `${kind} is missing`);
  }
  if (id_token !== undefined) {
    checkIdToken(id_token, { issuer, client_id, nonce });
  }
  // A person who has signed out meanwhile is not signed in again.
  if (nonce === undefined && kept().refresh_token !== before.refresh_token) {
    throw new SignInError("forged");
  }
  keep({
    id_token: id_token ?? before.id_token,
    refresh_token: refresh_token ?? (nonce === undefined ? before.refresh_token : undefined),
  });
  return token;
}

/**
 * Checks that an ID token is for this console and this sign-in (OpenID Connect Core 1.0, 3.1.3.7). TLS proves that it
 * comes from the provider. The API checks its signature and its expiry.
 */
function checkIdToken(
  token: string,
  expected: { issuer: string; client_id: string; nonce: string | undefined },
): void {
  const payload = token.split(".")[1] ?? "";
  const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as {
    iss?: string;
    aud?: string | string[];
    nonce?: string;
  };
  const isRight =
    claims.iss === expected.issuer &&
    [claims.aud].flat().includes(expected.client_id) &&
    (expected.nonce === undefined || claims.nonce === expected.nonce);
  if (!isRight) {
    throw new SignInError("forged");
  }
}

function kept(): Tokens {
  return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") as Tokens;
}

function keep(tokens: { [name in keyof Tokens]?: string | undefined }): void {
  sessionStorage.setItem(KEPT, JSON.stringify(tokens));
}

function leave(address: string, query: Record<string, string>): void {
  const url = secure(address);
  for (const [name, value] of Object.entries(query)) {
    url.searchParams.set(name, value);
  }
  location.assign(url);
}

/** The page's address, as it is registered at the provider. */
function ownAddress(): string {
  return `${baseUrl()}/console`;
}

function secure(address: string): URL {
  const url = new URL(address);
  if (url.protocol !== "https:") {
    throw new SignInError("refused", `not https: ${address}`);
  }
  return url;
}

function random(): string {
  return encode(crypto.getRandomValues(new Uint8Array(32)));
}

/** Base64 for addresses (RFC 4648, section 5). */
function encode(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

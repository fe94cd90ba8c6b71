/** Who is signed in. The token is kept in this tab's `sessionStorage` only, and never in an address. */
import { ApiError, createClient, unwrap } from "jobs-client";

import { baseUrl } from "./address";
import type { Me } from "./api";
import { connection } from "./connection.svelte";
import { failureOf, isPassing } from "./failure";
import * as oidc from "./oidc";

const KEY = "jobs.token";
const RETRY_MS = 5_000;
/** How long before its end a token is replaced, and how soon at the earliest. */
const MARGIN_MS = 60_000;
const MIN_REFRESH_MS = 5_000;
/** The longest time that a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** `asking`: signed in, but the token is refused, and the page waits for another one. */
type SessionState = "starting" | "signed-out" | "signed-in" | "asking";

class Session {
  #token = $state("");
  #me = $state.raw<Me>();
  #state = $state<SessionState>("starting");
  #waiting: ((token: string | undefined) => void)[] = [];
  #signInError = $state.raw<oidc.SignInError>();
  #refreshing: Promise<boolean> | undefined;
  #refreshedAt = -Infinity;
  #timer = 0;
  /** Counts the ends of sessions. */
  #ends = 0;
  #onend: (() => void)[] = [];

  get token(): string {
    return this.#token;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The signed-in user. */
  get me(): Me | undefined {
    return this.#me;
  }

  get isAdmin(): boolean {
    return this.#me?.admin ?? false;
  }

  /** Why the last sign-in at the provider has failed. */
  get signInError(): oidc.SignInError | undefined {
    return this.#signInError;
  }

  /** Signs in with the token of the address, of the provider, or else of this tab, if there is one. */
  async start(): Promise<void> {
    const reply = oidc.takeReply();
    const given = takeTokenFromAddress();
    addEventListener("hashchange", () => void this.#signInFromAddress());
    if (given !== undefined) {
      oidc.forget();
    }
    const replied = given === undefined && reply ? await this.#takeToken(reply) : undefined;
    const token = given ?? replied ?? sessionStorage.getItem(KEY);
    if (token === null) {
      this.#state = "signed-out";
      return;
    }
    for (;;) {
      try {
        await this.#accept(token);
        return;
      } catch (error) {
        const failure = failureOf(error);
        if (!isPassing(failure) && !isServerError(error)) {
          if (replied !== undefined) {
            this.#signInError = new oidc.SignInError("rejected", failure.detail);
          } else if (await this.#refresh()) {
            return;
          }
          this.#end();
          return;
        }
      }
      // The page says that there is no answer, and continues by itself.
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /**
   * Asks the API who a token belongs to, and continues as that user.
   *
   * Throws an `ApiError` if the token is refused.
   */
  async signIn(given: string): Promise<void> {
    await this.#accept(given.trim().replace(/^Bearer\s+/i, ""));
    oidc.forget();
    clearTimeout(this.#timer);
  }

  /** Ends the session, here and at the provider. */
  signOut(): void {
    this.#signInError = undefined;
    const endAtProvider = this.#end();
    // The session here is over in any case.
    endAtProvider().catch(() => undefined);
  }

  /**
   * Returns a token other than the `refused` one, as soon as the provider or else the user has given it; none if they
   * sign out instead.
   */
  async askAgain(refused: string): Promise<string | undefined> {
    // A new token that is refused, too, is no matter of time.
    const isOld = performance.now() - this.#refreshedAt > MIN_REFRESH_MS;
    if (this.#token === refused && isOld) {
      await this.#refresh();
    }
    if (this.#token !== refused) {
      return this.#token || undefined;
    }
    this.#state = "asking";
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Continues as the user of a token. */
  async #accept(token: string): Promise<void> {
    const ends = this.#ends;
    const fetch = (request: Request) => connection.fetch(request);
    const me = await unwrap(createClient({ baseUrl: baseUrl(), token, fetch }).GET("/api/me"));
    if (ends !== this.#ends) {
      return;
    }
    const isSameUser = this.#me === undefined || this.#me.user_id === me.user_id;
    if (!isSameUser) {
      this.#callEnded();
    }
    sessionStorage.setItem(KEY, token);
    this.#token = token;
    this.#me = me;
    this.#state = "signed-in";
    this.#signInError = undefined;
    // Nobody's requests are sent as somebody else.
    this.#answer(isSameUser ? token : undefined);
    clearTimeout(this.#timer);
    const left = Date.parse(me.expires_at) - Date.now();
    // A token that is over is not accepted: then the clock of this machine is wrong.
    if (left > 0 && oidc.canRefresh()) {
      const delay = Math.max(left - MARGIN_MS, left / 2, MIN_REFRESH_MS);
      this.#timer = setTimeout(() => void this.#refresh(), Math.min(delay, MAX_TIMER_MS));
    }
  }

  #end(): () => Promise<void> {
    this.#ends += 1;
    clearTimeout(this.#timer);
    sessionStorage.removeItem(KEY);
    this.#token = "";
    this.#me = undefined;
    this.#state = "signed-out";
    this.#answer(undefined);
    this.#callEnded();
    return oidc.forget();
  }

  /** Replaces the token without the user; returns whether there is another one. One refresh runs at a time. */
  #refresh(): Promise<boolean> {
    this.#refreshing ??= this.#replaceToken().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #replaceToken(): Promise<boolean> {
    const token = await oidc.refresh();
    if (token === undefined) {
      return false;
    }
    try {
      await this.#accept(token);
    } catch {
      return false;
    }
    this.#refreshedAt = performance.now();
    return true;
  }

  /** Returns the token that a reply of the provider leads to, if there is one. */
  async #takeToken(reply: () => Promise<string>): Promise<string | undefined> {
    try {
      return await reply();
    } catch (error) {
      this.#signInError = oidc.signInError(error);
      return undefined;
    }
  }

  /** Has a function called when a session ends, or another user signs in. */
  onend(callback: () => void): void {
    this.#onend.push(callback);
  }

  #callEnded(): void {
    for (const callback of this.#onend) {
      callback();
    }
  }

  #answer(token: string | undefined): void {
    for (const resolve of this.#waiting.splice(0)) {
      resolve(token);
    }
  }

  async #signInFromAddress(): Promise<void> {
    const token = takeTokenFromAddress();
    if (token !== undefined) {
      // A token that is not accepted changes nothing.
      await this.signIn(token).catch(() => undefined);
    }
  }
}

/** Whether the API has failed, which says nothing of the token. */
function isServerError(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 500;
}

/** Removes `#token=...` from the address and returns the token. `&to=/jobs/123` is the address that remains. */
function takeTokenFromAddress(): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token === null) {
    return undefined;
  }
  const to = fragment.get("to") ?? "/";
  history.replaceState(null, "", `#${to.startsWith("/") ? to : `/${to}`}`);
  // The router must not keep the address that it has seen.
  dispatchEvent(new HashChangeEvent("hashchange"));
  return token;
}

export const session = new Session();

/** The one WebSocket of a page or process, and the watches that share it. */
import type { JobsClient } from "./index.js";
import { keyOf, parse, type ClientMessage, type ServerMessage, type Target } from "./messages.js";
import { delay } from "./retry.js";

/** The part of a WebSocket that the connection uses. The browser's has it, and that of the package `ws`. */
export interface Socket {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(text: string): void;
  close(): void;
}

export type SocketConstructor = new (url: string) => Socket;

/** Times in seconds. */
export interface Timing {
  /** The longest wait between two polls without push. */
  poll: number;
  /** The shortest wait between two polls, if the API would answer sooner. */
  minPoll: number;
  /** The silence about a watched job after which it is asked for. */
  quiet: number;
  /** The silence after which the connection is kept alive. API Gateway closes it after ten minutes. */
  ping: number;
  /** The longest wait for a ticket, for the socket to open, and for the answer to a ping. */
  patience: number;
  /** The first wait before another connection; it doubles with each failure. */
  minBackoff: number;
  maxBackoff: number;
  /** The time for which a connection without watches stays open, as between two pages. */
  linger: number;
}

export const DEFAULT_TIMING: Timing = {
  poll: 5,
  minPoll: 1,
  quiet: 60,
  ping: 300,
  patience: 10,
  minBackoff: 1,
  maxBackoff: 30,
  linger: 5,
};

/** A message for a watch. `lost`: pushes may have been missed; `down`: none are to be expected. */
export type WatchEvent = ServerMessage | { type: "lost" } | { type: "down" };

/** A slow follower pulls what it missed instead of having it kept. */
const MAX_WAITING = 256;

/** One follower's share of the connection. */
export class Watch {
  /** Whether pushes are to be expected. */
  isLive = false;
  #events: WatchEvent[] = [];
  #wake: (() => void) | undefined;

  constructor(readonly target: Target) {}

  put(event: WatchEvent): void {
    if (this.#events.length === MAX_WAITING) {
      this.#events = [{ type: "lost" }];
    }
    this.#events.push(event);
    this.#wake?.();
  }

  /** Takes the events that have arrived. Waits for one if there are none; returns none after `seconds`. */
  async take(seconds: number, signal: AbortSignal): Promise<WatchEvent[]> {
    signal.throwIfAborted();
    if (this.#events.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, seconds * 1_000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener("abort", this.#wake, { once: true });
      });
      signal.removeEventListener("abort", this.#wake!);
      signal.throwIfAborted();
    }
    return this.#events.splice(0);
  }
}

/** Keeps a socket open while there are watches, and passes on what it hears. */
export class Connection {
  readonly #watches = new Set<Watch>();
  readonly #closed = new AbortController();
  #socket: Socket | undefined;
  /** Ends the current socket. */
  #drop: (() => void) | undefined;
  #isRunning = false;
  #pingTimer: ReturnType<typeof setTimeout> | undefined;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: JobsClient,
    private readonly create: SocketConstructor | null | undefined,
    private readonly timing: Timing,
    private readonly random: () => number,
  ) {}

  /** Aborted when the connection is closed for good. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  watch(target: Target): Watch {
    this.closed.throwIfAborted();
    const watch = new Watch(target);
    this.#watches.add(watch);
    clearTimeout(this.#lingerTimer);
    this.#send({ action: "subscribe", ...target });
    void this.#run();
    return watch;
  }

  unwatch(watch: Watch): void {
    this.#watches.delete(watch);
    if (this.#watching(keyOf(watch.target)).length === 0) {
      this.#send({ action: "unsubscribe", ...watch.target });
    }
    if (this.#watches.size === 0 && this.#isRunning && !this.closed.aborted) {
      clearTimeout(this.#lingerTimer);
      this.#lingerTimer = setTimeout(() => this.#drop?.(), this.timing.linger * 1_000);
    }
  }

  /** Asks whether the server still answers, and connects again if not. */
  probe(): void {
    this.#send({ action: "ping" });
    clearTimeout(this.#pingTimer);
    this.#pingTimer = setTimeout(() => this.#drop?.(), this.timing.patience * 1_000);
  }

  close(): void {
    this.#closed.abort(new DOMException("The live connection was closed.", "AbortError"));
    clearTimeout(this.#lingerTimer);
    this.#drop?.();
  }

  /** The wait before another try. Clients that lost the same server do not come back at once. */
  backoff(failures: number): number {
    const { minBackoff, maxBackoff } = this.timing;
    const longest = Math.min(minBackoff * 2 ** Math.max(0, failures - 1), maxBackoff);
    return longest * (0.5 + this.random() / 2);
  }

  async #run(): Promise<void> {
    if (this.#isRunning || !this.create) {
      return;
    }
    this.#isRunning = true;
    let failures = 0;
    while (this.#watches.size > 0 && !this.closed.aborted) {
      const wasAccepted = await this.#connect(this.create).catch(() => false);
      failures = wasAccepted ? 0 : failures + 1;
      await delay(this.backoff(failures), this.closed).catch(() => undefined);
    }
    this.#isRunning = false;
  }

  /** Connects until the socket closes. Returns whether the server had accepted the connection. */
  async #connect(create: SocketConstructor): Promise<boolean> {
    const signal = AbortSignal.any([
      this.closed,
      AbortSignal.timeout(this.timing.patience * 1_000),
    ]);
    const { data } = await this.client.POST("/api/live/ticket", { signal });
    if (!data || this.#watches.size === 0) {
      return false;
    }
    const socket = new create(`${data.url}?ticket=${encodeURIComponent(data.ticket)}`);
    let wasAccepted = false;
    await new Promise<void>((resolve) => {
      this.#drop = resolve;
      this.#pingTimer = setTimeout(resolve, this.timing.patience * 1_000);
      socket.onclose = () => resolve();
      socket.onerror = () => undefined;
      socket.onopen = () => this.#open(socket);
      socket.onmessage = ({ data: text }) => {
        wasAccepted = true;
        this.#hear(parse(text));
      };
    });
    this.#end(socket);
    return wasAccepted;
  }

  #open(socket: Socket): void {
    this.#socket = socket;
    this.#keepAlive();
    const targets = new Map([...this.#watches].map(({ target }) => [keyOf(target), target]));
    for (const target of targets.values()) {
      this.#send({ action: "subscribe", ...target });
    }
  }

  #end(socket: Socket): void {
    this.#socket = undefined;
    this.#drop = undefined;
    clearTimeout(this.#pingTimer);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    for (const watch of this.#watches) {
      if (watch.isLive) {
        watch.isLive = false;
        watch.put({ type: "down" });
      }
    }
  }

  #hear(message: ServerMessage | undefined): void {
    this.#keepAlive();
    if (!message) {
      return;
    }
    const watches = this.#watching(keyOf(message));
    if (message.type === "unsubscribed" && watches[0]) {
      // The server handles messages at the same time: it ended the subscription that came after.
      this.#send({ action: "subscribe", ...watches[0].target });
    }
    for (const watch of watches) {
      if (message.type === "snapshot" || message.type === "subscribed") {
        watch.isLive = true;
      } else if (message.type === "poll" || message.type === "refused") {
        watch.isLive = false;
      }
      watch.put(message);
    }
  }

  #keepAlive(): void {
    clearTimeout(this.#pingTimer);
    this.#pingTimer = setTimeout(() => this.probe(), this.timing.ping * 1_000);
  }

  #watching(key: string | undefined): Watch[] {
    return [...this.#watches].filter(({ target }) => keyOf(target) === key);
  }

  #send(message: ClientMessage): void {
    try {
      this.#socket?.send(JSON.stringify(message));
    } catch {
      // The socket is closing, and says so itself.
    }
  }
}

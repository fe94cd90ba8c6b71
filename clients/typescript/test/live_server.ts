/** An API in memory that speaks the live protocol, and breaks it as a bad network does. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

import type { JobStatus, JobSummary, LogLine, Problem } from "../src/index.js";
import type { ServerMessage } from "../src/messages.js";

/** Probabilities of what happens to a push, from 0 to 1. */
export interface Faults {
  lost: number;
  repeated: number;
  /** Sent after the next one. */
  late: number;
  withoutLines: number;
  /** The connection breaks after it. */
  cut: number;
}

const PAGE_LINES = 40;
const FORBIDDEN: Problem = {
  type: "urn:jobs:forbidden",
  title: "Forbidden",
  status: 403,
  detail: "This job belongs to another user.",
};

/** Returns a source of the same numbers from 0 to 1 for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

class Job {
  readonly lines: LogLine[] = [];
  status: JobStatus["status"] = "running";
  changes = 0;

  constructor(readonly id: number) {}

  get state(): JobStatus {
    const isFinal = this.status === "completed";
    return {
      job_id: this.id,
      poll_after: isFinal ? null : 1,
      status: this.status,
      progress: isFinal ? 100 : Math.min(99, this.lines.length),
      step: null,
      message: null,
      attempt: 1,
      created_at: time(0),
      started_at: time(0),
      updated_at: time(this.changes),
      finished_at: isFinal ? time(this.changes) : null,
      error: null,
      waiting_for: null,
      cancelled_by: null,
      cancelled_at: null,
      cancel_reason: null,
    };
  }

  add(count: number): void {
    this.changes += 1;
    for (let index = 0; index < count; index++) {
      const seq = this.lines.length + 1;
      const timestamp = time(this.changes);
      const line = { seq, timestamp, level: "INFO" as const, message: `Line ${seq}` };
      this.lines.push({ ...line, step: null, attempt: 1 });
    }
  }
}

function time(milliseconds: number): string {
  return new Date(Date.UTC(2026, 10, 23) + milliseconds).toISOString();
}

export function summary(id: number, status: JobSummary["status"]): JobSummary {
  const times = { created_at: time(0), started_at: time(0), finished_at: null };
  const job = { id, release_id: 42, status, job_type: "packaging" as const, progress: 0 };
  return { ...job, created_by: 7, ...times, error: null };
}

export class LiveServer {
  readonly jobs = new Map<number, Job>();
  readonly faults: Faults = { lost: 0, repeated: 0, late: 0, withoutLines: 0, cut: 0 };
  /** The status of an answer to the ticket's route, or 101 of the socket's, other than success. */
  ticketStatus = 201;
  socketStatus = 101;
  logStatus = 200;
  hasRoom = true;
  isDeaf = false;
  isForbidden = false;
  pulls = 0;
  tickets = 0;
  connections = 0;
  readonly received: object[] = [];
  readonly #watches = new Map<WebSocket, Set<string>>();
  readonly #tickets = new Set<string>();
  readonly #late = new Map<WebSocket, ServerMessage[]>();

  private constructor(
    private readonly http: Server,
    private readonly random: () => number,
  ) {}

  static async start(seed = 1): Promise<LiveServer> {
    const http = createServer();
    const server = new LiveServer(http, seeded(seed));
    const sockets = new WebSocketServer({ noServer: true });
    http.on("request", (request, response) => server.#answer(request, response));
    http.on("upgrade", (request, stream, head) => {
      // A client may give up.
      stream.on("error", () => undefined);
      const ticket = new URL(request.url ?? "", server.url).searchParams.get("ticket") ?? "";
      // A ticket is valid once.
      if (server.socketStatus !== 101 || !server.#tickets.delete(ticket)) {
        stream.end("HTTP/1.1 403 Forbidden\r\n\r\n");
        return;
      }
      sockets.handleUpgrade(request, stream, head, (socket) => server.#open(socket));
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  get openSockets(): number {
    return this.#watches.size;
  }

  isWatched(target: string): boolean {
    return [...this.#watches.values()].some((targets) => targets.has(target));
  }

  stop(): void {
    this.cut();
    this.http.close();
    this.http.closeAllConnections();
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#watches.keys()) {
      socket.terminate();
    }
    this.#watches.clear();
  }

  job(id: number): Job {
    const job = this.jobs.get(id) ?? new Job(id);
    this.jobs.set(id, job);
    return job;
  }

  /** Adds lines to a job's log, and pushes them. */
  write(id: number, count: number, status: JobStatus["status"] = "running"): void {
    const job = this.job(id);
    const from = job.lines.length + 1;
    job.status = status;
    job.add(count);
    const logs = job.lines.slice(from - 1);
    const to = job.lines.length;
    const message = { type: "update" as const, job_id: id, from, to, state: job.state };
    const isBare = this.random() < this.faults.withoutLines;
    this.push(`job ${id}`, isBare ? message : { ...message, logs });
  }

  /** Pushes a message to those who watch the target. */
  push(target: string, message: ServerMessage): void {
    for (const [socket, targets] of [...this.#watches]) {
      if (targets.has(target)) {
        this.#pushTo(socket, message);
      }
    }
  }

  #pushTo(socket: WebSocket, message: ServerMessage): void {
    const { lost, repeated, late, cut } = this.faults;
    const waiting = this.#late.get(socket) ?? [];
    this.#late.delete(socket);
    if (this.random() < late) {
      this.#late.set(socket, [message, ...waiting]);
      return;
    }
    for (const each of [message, ...waiting]) {
      if (this.random() >= lost) {
        this.#send(socket, each);
      }
      if (this.random() < repeated) {
        this.#send(socket, each);
      }
    }
    if (this.random() < cut) {
      socket.terminate();
      this.#watches.delete(socket);
    }
  }

  #send(socket: WebSocket, message: ServerMessage): void {
    if (!this.isDeaf) {
      socket.send(JSON.stringify(message));
    }
  }

  #open(socket: WebSocket): void {
    this.connections += 1;
    this.#watches.set(socket, new Set());
    socket.on("error", () => undefined);
    socket.on("close", () => this.#watches.delete(socket));
    socket.on("message", (text) => this.#hear(socket, JSON.parse(String(text))));
  }

  #hear(socket: WebSocket, message: { action: string; job_id?: number; jobs?: "mine" | "all" }) {
    this.received.push(message);
    const { action, job_id, jobs } = message;
    if (action === "ping") {
      this.#send(socket, { type: "pong" });
      return;
    }
    const target = job_id === undefined ? { jobs: jobs ?? "mine" } : { job_id };
    const key = job_id === undefined ? `jobs ${jobs}` : `job ${job_id}`;
    const watches = this.#watches.get(socket);
    if (action === "unsubscribe") {
      watches?.delete(key);
      this.#send(socket, { type: "unsubscribed", ...target });
    } else if (this.isForbidden) {
      this.#send(socket, { type: "refused", ...target, problem: FORBIDDEN });
    } else if (!this.hasRoom) {
      this.#send(socket, { type: "poll", ...target });
    } else {
      watches?.add(key);
      this.#greet(socket, job_id);
    }
  }

  #greet(socket: WebSocket, job_id: number | undefined): void {
    if (job_id === undefined) {
      this.#send(socket, { type: "subscribed", jobs: "mine" });
      return;
    }
    const { lines, state } = this.job(job_id);
    this.#send(socket, { type: "snapshot", job_id, to: lines.length, state });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? "", this.url);
    if (pathname === "/api/live/ticket") {
      this.#answerTicket(response);
      return;
    }
    this.pulls += 1;
    const id = Number(pathname.split("/")[3]);
    const after = Number(searchParams.get("after"));
    const status = this.isForbidden ? 403 : this.logStatus;
    if (status !== 200) {
      answer(response, status, { ...FORBIDDEN, status });
      return;
    }
    const { lines, state } = this.job(id);
    const logs = lines.slice(after, after + PAGE_LINES);
    const next = after + logs.length;
    const finished = state.status === "completed" && next === lines.length;
    answer(response, 200, { ...state, logs, next_cursor: String(next), finished });
  }

  #answerTicket(response: ServerResponse): void {
    this.tickets += 1;
    if (this.ticketStatus !== 201) {
      answer(response, this.ticketStatus, { ...FORBIDDEN, status: this.ticketStatus });
      return;
    }
    const ticket = `ticket-${this.random()}`;
    this.#tickets.add(ticket);
    const url = `${this.url.replace("http", "ws")}/live`;
    answer(response, 201, { url, ticket, expires_at: time(60_000) });
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

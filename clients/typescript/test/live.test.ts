/** Followers by push, against a server in memory. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { WebSocket } from "ws";

import {
  ApiError,
  createClient,
  createLive,
  type JobsUpdate,
  type Live,
  type LiveOptions,
  type LogUpdate,
} from "../src/index.js";
import type { Timing } from "../src/connection.js";
import { LiveServer, seeded, summary } from "./live_server.js";

const TIMING = { poll: 0.02, minBackoff: 0.005, maxBackoff: 0.02, linger: 0.02 };
const HOUR = 3_600;

let server: LiveServer;
let lives: Live[];

beforeEach(async () => {
  server = await LiveServer.start();
  lives = [];
});

afterEach(() => {
  lives.forEach((live) => live.close());
  server.stop();
});

function live(timing: Partial<Timing> = {}, options: LiveOptions = { WebSocket }): Live {
  const client = createClient({ baseUrl: server.url, token: "token" });
  const live = createLive(client, { ...options, timing: { ...TIMING, ...timing } });
  lives.push(live);
  return live;
}

async function until(isTrue: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!isTrue()) {
    assert.ok(Date.now() < end, "the condition did not come true");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Collects a follower's updates while it runs. */
function collect<T>(follower: AsyncGenerator<T, void, void>) {
  const updates: T[] = [];
  const end = (async () => {
    for await (const update of follower) {
      updates.push(update);
    }
  })();
  end.catch(() => undefined);
  return { updates, end };
}

function assertWhole(updates: LogUpdate[], lines: number): void {
  const seqs = updates.flatMap((update) => update.lines.map((line) => line.seq));
  assert.deepEqual(seqs, Array.from({ length: lines }, (_, index) => index + 1));
  const state = updates.at(-1)?.state;
  assert.deepEqual([state?.status, state?.finished], ["completed", true]);
}

/** Writes the logs of some jobs in small steps, with watchers of each, and checks each watcher. */
async function followAll(seed: number, timing: Partial<Timing> = {}): Promise<void> {
  const random = seeded(seed);
  const jobs = [1, 2, 3];
  const watchers = [...jobs, ...jobs].map((id) => collect(live(timing).followJob(id)));
  let total = 0;
  while (total < 300) {
    const count = Math.floor(random() * 6);
    total += count;
    jobs.forEach((id) => server.write(id, count));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  jobs.forEach((id) => server.write(id, 1, "completed"));
  for (const { updates, end } of watchers) {
    await end;
    assertWhole(updates, total + 1);
  }
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`each line comes once through every fault of the network (seed ${seed})`, async () => {
    const faults = { lost: 0.1, repeated: 0.2, late: 0.2, withoutLines: 0.1, cut: 0.15 };
    Object.assign(server.faults, faults);
    await followAll(seed, { quiet: 0.05 });
    assert.ok(server.connections > 20, `${server.connections}`);
  });
}

for (const [name, refusal] of Object.entries({
  "tickets are refused": { ticketStatus: 503 },
  "there is no route for tickets": { ticketStatus: 404 },
  "sockets are refused": { socketStatus: 403 },
  "there is no room": { hasRoom: false },
})) {
  test(`each line comes once by polling while ${name}`, async () => {
    Object.assign(server, refusal);
    await followAll(7, { quiet: HOUR });
  });
}

test("each line comes once by polling without a WebSocket", async () => {
  const updates = collect(live({}, { WebSocket: null }).followJob(1));
  server.write(1, 3);
  await until(() => updates.updates.flatMap(({ lines }) => lines).length === 3);
  server.write(1, 1, "completed");
  await updates.end;
  assertWhole(updates.updates, 4);
  assert.equal(server.connections, 0);
});

test("lines come by push, and all followers share one connection", async () => {
  const one = live({ quiet: HOUR, poll: HOUR });
  const followers = [1, 2, 2].map((id) => collect(one.followJob(id)));
  const list = collect(one.followJobs());
  await until(() => list.updates.filter(({ reload }) => reload).length === 2);
  await until(() => followers.every(({ updates }) => updates.length >= 2));
  const pulls = server.pulls;
  for (let count = 0; count < 20; count++) {
    server.write(1, 2);
    server.write(2, 2);
  }
  await until(() => followers.every(({ updates }) => updates.length >= 22));
  assert.equal(server.pulls, pulls);
  server.write(1, 1, "completed");
  server.write(2, 1, "completed");
  for (const { updates, end } of followers) {
    await end;
    assertWhole(updates, 41);
  }
  assert.equal(server.connections, 1);
  // Only the end is read: the last page says that the log is finished.
  assert.equal(server.pulls, pulls + 3);
});

test("a lost push shows once the job was quiet for a time", async () => {
  server.faults.lost = 1;
  const follower = collect(live({ quiet: 0.1, poll: HOUR }).followJob(1));
  await until(() => server.isWatched("job 1") && follower.updates.length >= 2);
  server.write(1, 5, "completed");
  await follower.end;
  assertWhole(follower.updates, 5);
});

test("a connection that lost its server is replaced", async () => {
  const follower = collect(
    live({ quiet: HOUR, poll: HOUR, ping: 0.05, patience: 0.5 }).followJob(1),
  );
  await until(() => server.isWatched("job 1"));
  await until(() => server.received.some((it) => "action" in it && it.action === "ping"));
  assert.equal(server.connections, 1);
  server.isDeaf = true;
  server.write(1, 5);
  await until(() => server.connections > 1);
  server.isDeaf = false;
  await until(() => follower.updates.some(({ lines }) => lines.length === 5));
  server.write(1, 1, "completed");
  await follower.end;
  assertWhole(follower.updates, 6);
});

test("polling turns into push when the API has it again", async () => {
  server.ticketStatus = 503;
  const follower = collect(live({ quiet: HOUR }).followJob(1));
  server.write(1, 3);
  await until(() => follower.updates.some(({ lines }) => lines.length > 0));
  server.ticketStatus = 201;
  await until(() => server.isWatched("job 1"));
  server.write(1, 1, "completed");
  await follower.end;
  assertWhole(follower.updates, 4);
});

test("an API that is away is waited for", async () => {
  server.logStatus = 500;
  const follower = collect(live().followJob(1));
  await until(() => server.pulls > 5);
  server.logStatus = 200;
  server.write(1, 2, "completed");
  await follower.end;
  assertWhole(follower.updates, 2);
});

test("a job that may not be read is an error with the problem", async () => {
  server.isForbidden = true;
  await assert.rejects(collect(live().followJob(1)).end, (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.problem?.type, "urn:jobs:forbidden");
    return true;
  });
});

test("a follower continues behind a cursor", async () => {
  server.write(1, 10, "completed");
  const { updates, end } = collect(live().followJob(1, { after: "8" }));
  await end;
  assert.deepEqual(updates.flatMap(({ lines }) => lines.map(({ seq }) => seq)), [9, 10]);
});

test("a job that has ended is not watched", async () => {
  server.write(1, 90, "completed");
  const { updates, end } = collect(live().followJob(1));
  await end;
  assertWhole(updates, 90);
  assert.equal(server.tickets, 0);
});

test("a slow follower reads what it missed", async () => {
  const follower = live({ quiet: HOUR, poll: HOUR }).followJob(1);
  await follower.next();
  const second = follower.next();
  await until(() => server.isWatched("job 1"));
  await second;
  for (let count = 0; count < 1_000; count++) {
    server.write(1, 1);
  }
  server.write(1, 1, "completed");
  const { updates, end } = collect(follower);
  await end;
  assertWhole(updates, 1_001);
});

test("a subscription that an earlier message ended is made again", async () => {
  const follower = collect(live({ quiet: HOUR, poll: HOUR }).followJob(1));
  await until(() => server.isWatched("job 1") && follower.updates.length >= 2);
  const subscriptions = server.received.length;
  server.push("job 1", { type: "unsubscribed", job_id: 1 });
  await until(() => server.received.length > subscriptions);
  assert.deepEqual(server.received.at(-1), { action: "subscribe", job_id: 1 });
});

test("the connection is closed soon after the last follower", async () => {
  const controller = new AbortController();
  const one = live();
  const follower = collect(one.followJob(1, { signal: controller.signal }));
  const list = collect(one.followJobs({ signal: controller.signal }));
  await until(() => server.isWatched("job 1") && server.isWatched("jobs mine"));
  controller.abort(new Error("enough"));
  await assert.rejects(follower.end, /enough/);
  await assert.rejects(list.end, /enough/);
  await until(() => server.openSockets === 0);
  const actions = server.received.map((message) => JSON.stringify(message));
  assert.ok(actions.includes(JSON.stringify({ action: "unsubscribe", job_id: 1 })));
  // A later follower opens another one.
  const later = collect(one.followJob(2));
  await until(() => server.isWatched("job 2"));
  server.write(2, 1, "completed");
  await later.end;
});

test("closing ends all followers", async () => {
  const one = live();
  const follower = collect(one.followJob(1));
  await until(() => server.isWatched("job 1"));
  one.close();
  await assert.rejects(follower.end, { name: "AbortError" });
  await assert.rejects(collect(one.followJob(1)).end, { name: "AbortError" });
  await until(() => server.openSockets === 0);
});

function changed(updates: JobsUpdate[]): string[] {
  return updates.flatMap(({ jobs }) => jobs.map(({ id, status }) => `${id} ${status}`));
}

function pushJob(id: number, status: "running" | "completed"): void {
  server.push("jobs mine", { type: "job", jobs: "mine", event: `job.${status}`, job: summary(id, status) });
}

test("a list yields its changes, and is read again after a lost connection", async () => {
  const { updates } = collect(live({ quiet: HOUR, poll: HOUR }).followJobs());
  const reloads = () => updates.filter(({ reload }) => reload).length;
  await until(() => reloads() === 2);
  pushJob(1, "running");
  pushJob(2, "running");
  pushJob(1, "completed");
  // It comes late.
  pushJob(1, "running");
  pushJob(2, "completed");
  await until(() => changed(updates).includes("2 completed"));
  assert.deepEqual(changed(updates), ["1 running", "2 running", "1 completed", "2 completed"]);
  assert.equal(reloads(), 2);
  server.cut();
  await until(() => reloads() === 3);
});

test("a list is read now and then without push, or when it is quiet", async () => {
  server.ticketStatus = 404;
  const polled = collect(live({ quiet: HOUR }).followJobs());
  await until(() => polled.updates.length >= 5);
  server.ticketStatus = 201;
  const quiet = collect(live({ quiet: 0.02, poll: HOUR }).followJobs());
  await until(() => quiet.updates.length >= 5);
  assert.ok([...polled.updates, ...quiet.updates].every(({ reload }) => reload));
});

test("a list that may not be followed is an error with the problem", async () => {
  server.isForbidden = true;
  await assert.rejects(collect(live().followJobs({ jobs: "all" })).end, (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 403);
    return true;
  });
});

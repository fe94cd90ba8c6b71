/** Followers by push against a deployed system. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { WebSocket } from "ws";

import { ApiError, createClient, createLive, type LogUpdate } from "../src/index.js";
import { baseUrl, client, createRelease, packaging, upload, variable } from "./system.js";

const SECONDS = 60;
/** Longer than any test: what is seen came by push. */
const WITHOUT_POLLING = { poll: 3_600, quiet: 3_600 };

const live = createLive(client, { WebSocket, timing: WITHOUT_POLLING });
after(() => live.close());

/** A network that breaks each connection soon. */
class BreakingSocket extends WebSocket {
  constructor(url: string) {
    super(url);
    this.on("open", () => setTimeout(() => this.terminate(), 100));
  }
}

async function releaseWithBook(): Promise<number> {
  const release = await createRelease();
  await upload(release, "book.txt", "Once upon a time");
  return release;
}

async function assertWhole(follower: AsyncIterable<LogUpdate>): Promise<void> {
  const seqs: number[] = [];
  let last;
  for await (const { lines, state } of follower) {
    seqs.push(...lines.map((line) => line.seq));
    last = state;
  }
  assert.ok(seqs.length > 0);
  assert.deepEqual(seqs, seqs.map((_, index) => index + 1));
  assert.deepEqual([last?.status, last?.finished], ["completed", true]);
}

test("a job is followed to its end by push", async () => {
  const job = await packaging(await releaseWithBook());
  const signal = AbortSignal.timeout(SECONDS * 1_000);
  await assertWhole(live.followJob(job, { signal }));
});

test("a job is followed once through connections that break", async () => {
  const timing = { minBackoff: 0.05, maxBackoff: 0.05 };
  const breaking = createLive(client, { WebSocket: BreakingSocket, timing });
  const job = await packaging(await releaseWithBook());
  const signal = AbortSignal.timeout(SECONDS * 1_000);
  await assertWhole(breaking.followJob(job, { signal })).finally(() => breaking.close());
});

test("a list shows a job from its start to its end", async () => {
  const release = await releaseWithBook();
  const signal = AbortSignal.timeout(SECONDS * 1_000);
  let reloads = 0;
  let job: number | undefined;
  for await (const { reload, jobs } of live.followJobs({ signal })) {
    reloads += Number(reload);
    // The second time, the list is watched.
    if (reloads === 2 && job === undefined) {
      job = await packaging(release);
    }
    if (jobs.some(({ id, status }) => id === job && status === "completed")) {
      return;
    }
  }
});

test("what belongs to others is not followed", async () => {
  const job = await packaging(await releaseWithBook());
  const stranger = createClient({ baseUrl, token: variable("OTHER_TOKEN") });
  const other = createLive(stranger, { WebSocket, timing: WITHOUT_POLLING });
  const isForbidden = (error: unknown) => error instanceof ApiError && error.status === 403;
  const signal = AbortSignal.timeout(SECONDS * 1_000);
  try {
    await assert.rejects(other.followJob(job, { signal }).next(), isForbidden);
    const all = other.followJobs({ jobs: "all", signal });
    assert.deepEqual(await all.next(), { done: false, value: { reload: true, jobs: [] } });
    await assert.rejects(all.next(), isForbidden);
  } finally {
    other.close();
  }
});

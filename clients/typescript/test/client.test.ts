/** The client against a deployed system. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, createClient, followLog, unwrap, type JobsClient } from "../src/index.js";
import { baseUrl, client, createRelease, packaging, token, upload, variable } from "./system.js";

test("a job is created, followed to its end and its package downloaded", async () => {
  const release = await createRelease();
  await upload(release, "book.txt", "Once upon a time");
  const job = await packaging(release);
  const seqs: number[] = [];
  let last;
  for await (const { lines, state } of followLog(client, job)) {
    seqs.push(...lines.map((line) => line.seq));
    last = state;
  }
  assert.equal(last?.status, "completed");
  assert.deepEqual(seqs, seqs.map((_, index) => index + 1));
  const params = { path: { id: release } };
  const { files } = await unwrap(client.GET("/api/releases/{id}/files", { params }));
  const archive = files.find((file) => file.path.endsWith(".zip"));
  assert.ok(archive);
  const bytes = await (await fetch(archive.url)).arrayBuffer();
  assert.equal(bytes.byteLength, archive.size);
});

test("a log is followed once through a network that breaks", async () => {
  const release = await createRelease();
  await upload(release, "book.txt", "Once upon a time");
  let calls = 0;
  const broken: JobsClient = createClient({
    baseUrl,
    token,
    fetch: (request) => {
      calls += 1;
      return calls % 2 === 1 ? Promise.reject(new TypeError("fetch failed")) : fetch(request);
    },
  });
  const seqs: number[] = [];
  for await (const { lines } of followLog(broken, await packaging(release))) {
    seqs.push(...lines.map((line) => line.seq));
  }
  assert.ok(seqs.length > 0);
  assert.deepEqual(seqs, seqs.map((_, index) => index + 1));
});

test("an unavailable API is asked again, but for a POST that may have worked", async () => {
  const calls: string[] = [];
  const failing = createClient({
    baseUrl,
    token,
    fetch: async (request) => {
      calls.push(request.method);
      return new Response("{}", { status: 503, headers: { "retry-after": "0.01" } });
    },
  });
  assert.equal((await failing.GET("/api/jobs")).response.status, 503);
  assert.deepEqual(calls.splice(0), ["GET", "GET", "GET", "GET"]);
  const body = { release_type: "ebook" };
  await failing.POST("/api/releases", { body });
  assert.deepEqual(calls.splice(0), ["POST"]);
  const params = { header: { "Idempotency-Key": "once" } };
  await failing.POST("/api/releases", { params, body });
  assert.deepEqual(calls.splice(0), ["POST", "POST", "POST", "POST"]);
});

test("lists are filtered by several values", async () => {
  const query = { status: ["completed" as const, "failed" as const], limit: 1 };
  const page = await unwrap(client.GET("/api/jobs", { params: { query } }));
  assert.equal(page.jobs.length, 1);
});

test("a refusal is an error with the problem", async () => {
  const release = await createRelease();
  const stranger = createClient({ baseUrl, token: () => variable("OTHER_TOKEN") });
  const params = { path: { id: release } };
  const refused = unwrap(stranger.GET("/api/releases/{id}", { params }));
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 403);
    assert.equal(error.problem?.type, "urn:jobs:forbidden");
    return true;
  });
  const nobody = createClient({ baseUrl, token: "no token" });
  await assert.rejects(unwrap(nobody.GET("/api/me")), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.problem], [403, undefined]);
    return true;
  });
});

test("a follower stops with its signal", async () => {
  const body = { draft: true };
  const draft = await unwrap(client.POST("/api/jobs", { body }));
  const controller = new AbortController();
  const follower = followLog(client, draft.id, { signal: controller.signal });
  await follower.next();
  const next = follower.next();
  controller.abort(new Error("enough"));
  await assert.rejects(next, /enough/);
});

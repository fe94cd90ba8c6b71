/** The deployed system of the tests: `API_URL`, and `TOKEN` and `OTHER_TOKEN` of two users. */
import assert from "node:assert/strict";

import { createClient, unwrap } from "../src/index.js";

export const baseUrl = variable("API_URL");
export const token = variable("TOKEN");
export const client = createClient({ baseUrl, token });

export function variable(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

export async function createRelease(): Promise<number> {
  const body = { release_type: "ebook", group: "GRP", metadata: { title: "A Book" } };
  const release = await unwrap(client.POST("/api/releases", { body }));
  return release.id;
}

export async function upload(release: number, path: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  const body = { path, size: bytes.length };
  const params = { path: { id: release } };
  const { upload } = await unwrap(client.POST("/api/releases/{id}/files", { params, body }));
  const { "content-length": _, ...headers } = upload.headers;
  const sent = await fetch(upload.url, { method: upload.method, headers, body: bytes });
  assert.equal(sent.status, 200);
}

export async function packaging(release: number): Promise<number> {
  const body = { job_type: "packaging" as const, release_id: release };
  return (await unwrap(client.POST("/api/jobs", { body }))).id;
}

/** `fetch` for a signed-in user: asks for a new token instead of failing. */
import { connection } from "./connection.svelte";
import { session } from "./session.svelte";

/** Sends a request. If API Gateway refuses its token, sends it again with the token that the user then gives. */
export async function fetchSignedIn(request: Request): Promise<Response> {
  let sent = request;
  for (;;) {
    // A body can be read once.
    const response = await connection.fetch(sent.clone());
    if (!isRefusedByGateway(response)) {
      return response;
    }
    const token = await session.askAgain(bearer(sent));
    if (token === undefined) {
      return response;
    }
    const headers = new Headers(sent.headers);
    headers.set("authorization", `Bearer ${token}`);
    sent = new Request(sent, { headers });
  }
}

/** Whether the token was refused, and not what was asked for: that would be a problem (RFC 9457). */
function isRefusedByGateway(response: Response): boolean {
  const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json");
  return (response.status === 401 || response.status === 403) && !isProblem;
}

function bearer(request: Request): string {
  return request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
}

/** Uploads of files straight to S3. No file is read into memory: the browser sends it from the disk. */
import { client, unwrap } from "./api";

/** An upload that makes no progress for this long has lost its connection. */
const STALLED_MS = 30_000;
/** How long S3 may take to answer once it has the whole file. */
const ANSWER_MS = 300_000;

/** The browser sets these itself, and lets no script do so. */
const OWN_HEADERS = new Set(["content-length", "host"]);

export interface UploadOptions {
  signal: AbortSignal;
  /** Receives the number of bytes that were sent. */
  onprogress: (sent: number) => void;
}

/** S3 did not take a file. */
export class UploadError extends Error {
  override readonly name = "UploadError";

  constructor(
    /** The HTTP status; 0 if the connection was lost. */
    readonly status: number,
  ) {
    super(`HTTP status ${status}`);
  }
}

/**
 * Uploads a source file of a release. The address is signed for this upload alone, so that a later try has a new one.
 *
 * Throws an `ApiError` if the API refuses it, an `UploadError` if S3 does or the connection is lost, and an
 * `AbortError` if `signal` ends it.
 */
export async function upload(
  release: number,
  path: string,
  file: File,
  { signal, onprogress }: UploadOptions,
): Promise<void> {
  const signed = await unwrap(
    client.POST("/api/releases/{id}/files", {
      signal,
      params: { path: { id: release } },
      body: { path, size: file.size },
    }),
  );
  await send(signed.upload, file, { signal, onprogress });
}

/** `fetch` does not tell how much of a body was sent. */
function send(
  { method, url, headers }: { method: string; url: string; headers: Record<string, string> },
  file: File,
  { signal, onprogress }: UploadOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer = 0;
    const watch = (wait: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), wait);
    };
    const abort = () => request.abort();
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      settle();
    };
    const fail = () => end(() => reject(signal.aborted ? signal.reason : new UploadError(0)));
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) {
      if (!OWN_HEADERS.has(name.toLowerCase())) {
        request.setRequestHeader(name, value);
      }
    }
    request.upload.onprogress = ({ loaded }) => {
      watch(STALLED_MS);
      onprogress(loaded);
    };
    request.upload.onload = () => watch(ANSWER_MS);
    request.onerror = fail;
    request.onabort = fail;
    request.onload = () => {
      const isDone = request.status >= 200 && request.status < 300;
      end(() => (isDone ? resolve() : reject(new UploadError(request.status))));
    };
    signal.addEventListener("abort", abort);
    watch(STALLED_MS);
    // A slice has no type, so that no header is sent that was not signed.
    request.send(file.slice());
  });
}

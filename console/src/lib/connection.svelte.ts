/** There was no answer. */
export class NetworkError extends TypeError {}

/** Whether the API can be reached. */
class Connection {
  #hasNetwork = $state(navigator.onLine);
  #hasAnswer = $state(true);

  /** Whether the last request got an answer, and the browser has a network. */
  readonly isUp = $derived(this.#hasNetwork && this.#hasAnswer);

  constructor() {
    addEventListener("online", () => {
      this.#hasNetwork = true;
      this.#hasAnswer = true;
    });
    addEventListener("offline", () => (this.#hasNetwork = false));
  }

  /** Sends a request, and notes whether there is any answer. */
  async fetch(request: Request): Promise<Response> {
    try {
      const response = await fetch(request);
      this.#hasAnswer = true;
      return response;
    } catch (error) {
      if (request.signal.aborted) {
        throw error;
      }
      this.#hasAnswer = false;
      throw new NetworkError();
    }
  }
}

export const connection = new Connection();

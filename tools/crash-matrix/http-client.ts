import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Nobody answered: nobody knows what came of the request. */
export class Unanswered extends Error {}

const PATIENCE_MS = 40_000;

export class HttpClient {
  readonly #agent: Agent;
  readonly #resends: boolean;

  /**
   * `keepAlive: false` opens a connection for each request. `resends`: a request that met the end of an idle connection is
   * sent once more, as every client that keeps connections has to (RFC 9112, 9.3.1).
   */
  constructor({
    keepAlive = true,
    resends = false,
  }: { readonly keepAlive?: boolean; readonly resends?: boolean } = {}) {
    this.#agent = new Agent({ keepAlive, maxSockets: 256 });
    this.#resends = resends;
  }

  get(url: string, token?: string): Promise<Answered> {
    return this.send('GET', url, bearer(token), undefined);
  }

  post(url: string, token: string, body: unknown): Promise<Answered> {
    return this.send('POST', url, bearer(token), JSON.stringify(body));
  }

  /** Rejects with Unanswered. A body is JSON. */
  send(
    method: string,
    url: string,
    headers: OutgoingHttpHeaders,
    body: string | undefined,
  ): Promise<Answered> {
    const described = {
      ...headers,
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => {
        const metItsEnd = sent.reusedSocket && error.code === 'ECONNRESET';
        if (this.#resends && metItsEnd) resolve(this.send(method, url, headers, body));
        else reject(new Unanswered(error.message));
      };
      const sent = request(url, { method, headers: described, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', failed);
        response.on('end', () => {
          if (!response.complete) return failed(new Error('the answer was cut short'));
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString('utf8');
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, text, bytes, body: parsed(text) });
        });
      });
      sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error('no answer in time')));
      sent.on('error', failed);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function bearer(token: string | undefined): OutgoingHttpHeaders {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function parsed(text: string): Answered['body'] {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

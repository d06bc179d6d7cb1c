import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { Agent } from 'undici';

export interface HttpRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly signal?: AbortSignal;
  /** Until the head of the response is there; 0 or nothing: for ever (somebody else watches the time). */
  readonly headersTimeoutMs?: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

export const POST_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;

/** One HTTP server: connections kept for all sessions. Redirects are not followed, certificates are verified. */
export class HttpConnection {
  private readonly agent: Agent;

  constructor(
    private readonly url: URL,
    ca?: string,
  ) {
    this.agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS, ...(ca !== undefined && { ca }) },
      pipelining: 1, // a slow answer must hold up nobody else's
      bodyTimeout: 0,
      headersTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
  }

  async request({ method, headers, body, signal, headersTimeoutMs }: HttpRequest): Promise<HttpResponse> {
    const { statusCode, ...response } = await this.agent.request({
      origin: this.url.origin,
      path: `${this.url.pathname}${this.url.search}`,
      method,
      headers,
      body: body ?? null,
      ...(signal !== undefined && { signal }),
      ...(headersTimeoutMs !== undefined && { headersTimeout: headersTimeoutMs }),
    });
    response.body.on('error', () => {}); // whoever reads it learns of it by reading
    return { status: statusCode, headers: response.headers, body: response.body };
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }
}

// Errors that come before a connection stands: nothing can have been sent.
const BEFORE_SENDING =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;
const TLS_REFUSED = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** The code alone: a message can quote what the peer sent. */
export function connectionProblem(error: unknown): { readonly sent: boolean; readonly code: string } {
  const code = codeOf(error) ?? codeOf((error as { cause?: unknown } | null)?.cause) ?? 'UNKNOWN';
  return { sent: !BEFORE_SENDING.test(code) && !TLS_REFUSED.test(code), code };
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^[A-Z_0-9]{1,64}$/.test(code) ? code : undefined;
}

/** Undefined where there is more than `maxBytes` of it. */
export async function readBody(body: Readable, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) {
      body.destroy();
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Takes what little is left, so that the connection can serve again. */
export async function discard(body: Readable): Promise<void> {
  await readBody(body, 64 * 1024).catch(() => undefined);
}

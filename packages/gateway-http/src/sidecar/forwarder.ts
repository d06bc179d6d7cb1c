import { Agent, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import type { Metrics } from '../metrics.ts';
import type { ForwardedAnswer, ForwardedRequest, Forwarder } from './ports.ts';

export interface ForwarderOptions {
  /** From the first byte sent to the last one received. */
  readonly timeoutMs: number;
  /** Of the answer's body. */
  readonly answerBytes: number;
  /** Connections kept to each fabric. */
  readonly maxSockets: number;
  readonly metrics: Pick<Metrics, 'recordForward'>;
  /** PEM: who vouches for the other fabrics, where that is not the system's list. */
  readonly authority?: Uint8Array;
  /** PEM: how this fabric shows itself to those that ask for a certificate. */
  readonly client?: { readonly certificate: Uint8Array; readonly key: Uint8Array };
}

/** To other fabrics over HTTP(S). Redirects are answers like any other, and refused: a token is on its way. */
export function createForwarder(options: ForwarderOptions): Forwarder & { close(): void } {
  const { timeoutMs, answerBytes, maxSockets, authority, client, metrics } = options;
  const plain = new Agent({ keepAlive: true, maxSockets });
  const secure = new TlsAgent({
    keepAlive: true,
    maxSockets,
    minVersion: 'TLSv1.2',
    ...(authority === undefined ? {} : { ca: Buffer.from(authority) }),
    ...(client === undefined ? {} : { cert: Buffer.from(client.certificate), key: Buffer.from(client.key) }),
  });
  return {
    forward(address, { path, authorization, requestId, body }: ForwardedRequest) {
      const url = new URL(address);
      const headers = {
        authorization,
        'content-type': 'application/json',
        'content-length': `${body.length}`,
        'x-request-id': requestId,
        'x-pf-forwarded': '1',
      };
      const { hostname, port } = url;
      const signal = AbortSignal.timeout(timeoutMs);
      const common = {
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port,
        path,
        method: 'POST',
        headers,
        signal,
      };
      const answered = new Promise<ForwardedAnswer>((resolve, reject) => {
        const taken = (response: IncomingMessage) => read(response, answerBytes).then(resolve, reject);
        const sent =
          url.protocol === 'https:'
            ? requestTls({ ...common, agent: secure }, taken)
            : requestPlain({ ...common, agent: plain }, taken);
        sent.on('error', reject);
        sent.end(body);
      });
      answered.then(
        () => metrics.recordForward(true),
        () => metrics.recordForward(false),
      );
      return answered;
    },
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

async function read(response: IncomingMessage, limit: number): Promise<ForwardedAnswer> {
  const chunks: Buffer[] = [];
  let taken = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    taken += chunk.length;
    if (taken > limit) throw new Error(`expected an answer of at most ${limit} bytes, came more`);
    chunks.push(chunk);
  }
  const { statusCode: status = 0, headers } = response;
  const type = headers['content-type'];
  if (status === 200 && type === 'application/json') return answer(status, type, headers, chunks);
  if (status >= 400 && status < 600 && type === 'application/problem+json')
    return answer(status, type, headers, chunks);
  throw new Error(`expected the answer of a fabric, came status ${status} with another type`);
}

function answer(
  status: number,
  type: ForwardedAnswer['type'],
  headers: IncomingMessage['headers'],
  chunks: Buffer[],
): ForwardedAnswer {
  return {
    status,
    type,
    retryAfter: /^\d{1,6}$/.exec(headers['retry-after'] ?? '')?.[0],
    body: Buffer.concat(chunks),
  };
}

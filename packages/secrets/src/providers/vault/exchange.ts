import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';

const MAX_SOCKETS = 64;
const CONNECT_IDLE_MS = 30_000;

export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** No whole answer came: the request may have been carried out, or not. */
export class NoAnswer extends Error {
  constructor(readonly reason: string) {
    super(`no whole answer came: ${reason}`);
    this.name = 'NoAnswer';
  }
}

/** One request, one answer, both bounded in time and size. Never follows a redirect: the token would go along. */
export interface Exchange {
  send(call: Call): Promise<Answer>;
  close(): void;
}

export function createExchange(secure: boolean, certificateAuthority: string | undefined): Exchange {
  const settings = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: CONNECT_IDLE_MS };
  const agent = secure
    ? new SecureAgent({
        ...settings,
        minVersion: 'TLSv1.2',
        ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
      })
    : new PlainAgent(settings);
  const open = secure ? secureRequest : plainRequest;
  return {
    send: (call) =>
      new Promise((resolve, reject) => {
        const { method, url, headers, body, timeoutMs, maxBytes } = call;
        const request = open(url, {
          method,
          agent,
          headers: {
            accept: 'application/json',
            ...headers,
            ...(body !== undefined && {
              'content-type': 'application/json',
              'content-length': String(Buffer.byteLength(body)),
            }),
          },
        });
        const fail = (reason: string) => {
          clearTimeout(timer);
          reject(new NoAnswer(reason));
          request.destroy();
        };
        // Of the whole exchange: a peer that sends a byte a second is not alive.
        const timer = setTimeout(() => fail('too late'), timeoutMs);
        request.on('error', (error) => fail(codeOf(error)));
        request.on('response', (response) => {
          const parts: Buffer[] = [];
          let bytes = 0;
          response.on('data', (part: Buffer) => {
            bytes += part.length;
            if (bytes > maxBytes) fail('too large');
            else parts.push(part);
          });
          response.on('error', (error) => fail(codeOf(error)));
          response.on('aborted', () => fail('cut short'));
          response.on('end', () => {
            clearTimeout(timer);
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(parts).toString('utf8'),
            });
          });
        });
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/** A system's or TLS's code; messages may hold addresses. */
function codeOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : 'connection failed';
}

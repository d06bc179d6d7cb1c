import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { CommandError } from '@provability-fabric/command-line';

/** A service of a fabric. */
export interface Service {
  /** As messages call it: `the ledger`. */
  readonly name: string;
  readonly url: URL;
  /** PEM: who signed its certificate; undefined: the system's authorities. */
  readonly ca: Uint8Array | undefined;
}

export interface Asking {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly token: string;
  readonly body?: string;
  /** Of the answer; 1 MiB unless said. */
  readonly maxBytes?: number;
}

export interface Answered {
  readonly status: number;
  readonly text: string;
  /** The path of the next page (RFC 8288, `rel="next"`), where there is one. */
  readonly next?: string;
}

const TIME_OUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** One request. A redirect is an answer like any other: the token is for this service alone. */
export function askService({ name, url, ca }: Service, asking: Asking): Promise<Answered> {
  const { method, path, token, body, maxBytes = MAX_ANSWER_BYTES } = asking;
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      sent.destroy();
      clearTimeout(deadline);
      const problem = `expected ${name} at ${url.origin} to answer, but ${why}; is it running?`;
      reject(new CommandError('NOT_READY', problem));
    };
    const deadline = setTimeout(() => fail(`nothing came within ${TIME_OUT_MS / 1000} s`), TIME_OUT_MS);
    const sent = (url.protocol === 'https:' ? requestHttps : requestHttp)(
      new URL(path, url),
      {
        method,
        agent: false,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > maxBytes) fail('its answer is too long');
        });
        response.on('error', (error) => fail(`the connection broke (${error.message})`));
        response.on('end', () => {
          clearTimeout(deadline);
          const [, next] = /^<(\/[^>\s]{1,4096})>; rel="next"$/.exec(`${response.headers.link ?? ''}`) ?? [];
          resolve({ status: response.statusCode ?? 0, text, ...(next === undefined ? {} : { next }) });
        });
      },
    );
    sent.on('error', (error) => fail(`it cannot be reached (${error.message || error.name})`));
    sent.end(body);
  });
}

/** A refusal in the exit code that it stands for. */
export function refusedBy({ url }: Service, { status, text }: Answered, wanted: string): CommandError {
  const { code, detail } = (parsed(text) ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  const said = `${url.origin} answered ${status} ${shorten(code)}: ${shorten(detail)}`;
  if (status === 401 || status === 403) return new CommandError('DENIED', said);
  if (status === 400 || status === 413) return new CommandError('INPUT_INVALID', said);
  return new CommandError('NOT_READY', `expected ${wanted}, but ${said}`);
}

/** undefined for what is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function shorten(said: unknown): string {
  return typeof said === 'string' ? said.slice(0, 500) : '(without a reason)';
}

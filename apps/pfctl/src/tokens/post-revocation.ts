import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { PfctlError } from '../errors.ts';

export interface Ledger {
  readonly url: URL;
  /** PEM: who signed its certificate; undefined: the system's authorities. */
  readonly ca: Uint8Array | undefined;
}

export interface Revocation {
  readonly token_ids: readonly string[];
  readonly reason: string;
  readonly tenant?: string;
}

export interface Revoked {
  readonly revoked: readonly string[];
  /** Those of them that the ledger had no record of. */
  readonly unknown: readonly string[];
}

const TIME_OUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** `POST /capability-tokens/revoke`. A redirect is not followed: the token is for this ledger alone. */
export async function postRevocation(
  ledger: Ledger,
  token: string,
  revocation: Revocation,
): Promise<Revoked> {
  const { status, text } = await post(ledger, token, JSON.stringify(revocation));
  const answer = parse(text);
  if (status === 200 && isRevoked(answer)) return answer;
  const { code, detail } = (answer ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  const said = `${ledger.url.origin} answered ${status} ${shorten(code)}: ${shorten(detail)}`;
  if (status === 401 || status === 403) throw new PfctlError('DENIED', said);
  if (status === 400 || status === 413) throw new PfctlError('INPUT_INVALID', said);
  throw new PfctlError('NOT_READY', `expected a ledger that revokes tokens, but ${said}`);
}

function post({ url, ca }: Ledger, token: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      asking.destroy();
      clearTimeout(deadline);
      reject(
        new PfctlError(
          'NOT_READY',
          `expected the ledger at ${url.origin} to answer, but ${why}; is it running?`,
        ),
      );
    };
    const deadline = setTimeout(() => fail(`nothing came within ${TIME_OUT_MS / 1000} s`), TIME_OUT_MS);
    const asking = (url.protocol === 'https:' ? requestHttps : requestHttp)(
      new URL('/capability-tokens/revoke', url),
      {
        method: 'POST',
        agent: false,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > MAX_ANSWER_BYTES) fail('its answer is too long');
        });
        response.on('error', (error) => fail(`the connection broke (${error.message})`));
        response.on('end', () => {
          clearTimeout(deadline);
          resolve({ status: response.statusCode ?? 0, text });
        });
      },
    );
    asking.on('error', (error) => fail(`it cannot be reached (${error.message || error.name})`));
    asking.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRevoked(answer: unknown): answer is Revoked {
  const { revoked, unknown } = (answer ?? {}) as Record<keyof Revoked, unknown>;
  const isList = (one: unknown) => Array.isArray(one) && one.every((id) => typeof id === 'string');
  return isList(revoked) && isList(unknown);
}

function shorten(said: unknown): string {
  return typeof said === 'string' ? said.slice(0, 500) : '(without a reason)';
}

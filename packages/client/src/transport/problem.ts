import { field, type JsonValue, parseJsonBytes } from '@provability-fabric/kernel';
import { ClientError } from '../errors.ts';

const CODE = /^[A-Z][A-Z0-9_]{1,63}$/;
const LONGEST_DETAIL = 500;

export interface Refused {
  readonly status: number;
  readonly body: Uint8Array;
  readonly retryAfterSeconds: number | null;
  /** Never to be repeated, though the service may. */
  readonly token: string | null;
}

/** What the service said went wrong (RFC 9457). It chose every word of it. */
export function problemFrom({ status, body, retryAfterSeconds, token }: Refused): ClientError {
  const document = parsed(body);
  const code = field(document, 'code');
  const details = { status, retryAfterSeconds };
  if (typeof code !== 'string' || !CODE.test(code)) {
    const message = `expected an answer of the fabric, came status \`${status}\` without a problem document`;
    return new ClientError('SERVICE_FAILED', message, details);
  }
  const detail = field(document, 'detail');
  const said = typeof detail === 'string' ? plain(detail, token) : '';
  return new ClientError(code, said === '' ? `the fabric answered \`${code}\`` : said, details);
}

function parsed(body: Uint8Array): JsonValue | undefined {
  try {
    return parseJsonBytes(body, { maxDepth: 16 });
  } catch {
    return undefined;
  }
}

function plain(text: string, token: string | null): string {
  const hidden = token === null ? text : text.replaceAll(token, '(token)');
  // A terminal, or a person, would be misled by these: controls, separators, and marks that turn the
  // direction.
  const shown = hidden.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
  return shown.length > LONGEST_DETAIL ? `${shown.slice(0, LONGEST_DETAIL)}…` : shown;
}

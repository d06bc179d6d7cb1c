import { type Rotator, SecretError, type SecretValue } from '@provability-fabric/secrets';
import { Client } from 'pg';

export type RotationContext = Parameters<Rotator['set']>[2];

const CONNECT_MS = 5_000;
const STATEMENT_MS = 5_000;

/** SQLSTATEs that no repeat changes. */
const FINAL: Readonly<Record<string, string>> = {
  '42704': 'the role of the secret to exist at the target',
  '42501': 'the administrator of the target to be allowed to alter the role (ADMIN OPTION on it)',
  '3D000': 'the database of the target to exist',
};
/** The login itself was refused. */
const REFUSED = new Set(['28P01', '28000']);

/** One connection for one piece of work; closed when the work or its time is over. */
export async function withLogin<T>(
  url: URL,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    connectionString: url.href,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS + 1_000,
    application_name: 'provability-fabric rotation',
  });
  client.on('error', () => undefined);
  const close = () => void client.end().catch(() => undefined);
  signal.addEventListener('abort', close);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw asSecretError(error);
  } finally {
    signal.removeEventListener('abort', close);
    await client.end().catch(() => undefined);
  }
}

/**
 * The target's address out of the administrator's secret: `url`, or `host`, `port`, `database`, `username`, `password`. All
 * of it stands there: what is missing the driver would take from this process (PGPASSWORD, PGHOST, ~/.pgpass), and a
 * tenant would alter roles, or be sent a password, as the fabric's own login.
 */
export function addressOf(admin: SecretValue, sockets = false): URL {
  try {
    if (admin.url !== undefined) return whole(new URL(admin.url), sockets);
    const { host = '', port = '5432', database = '', username = '', password = '' } = admin;
    const url = new URL(`postgresql://${host}:${port}/${encodeURIComponent(database)}`);
    url.username = encodeURIComponent(username);
    url.password = encodeURIComponent(password);
    return whole(url, sockets);
  } catch {
    // What the parser says quotes the URL, and so the password in it.
    throw new SecretError(
      'ROTATION_INVALID',
      "expected the administrator's secret to have `url` with host, database, user name and password and no parameter but " +
        '`sslmode`, or `host`, `database`, `username` and `password`',
    );
  }
}

/** The driver reads files, sockets and other logins out of a URL's parameters; sockets let in by who runs the fabric. */
function whole(url: URL, sockets: boolean): URL {
  const known = new Set(sockets ? ['sslmode', 'host'] : ['sslmode']);
  const parts = [url.hostname, url.username, url.password, url.pathname.slice(1)];
  const isWhole =
    /^postgres(ql)?:$/.test(url.protocol) &&
    parts.every((part) => part !== '') &&
    !url.hostname.includes('%') &&
    [...url.searchParams.keys()].every((name) => known.has(name));
  if (!isWhole) throw new Error('parts');
  decodeURIComponent(url.username);
  return url;
}

/** The same place under another login. */
export function asUser(address: URL, username: string, password: string): URL {
  if (username === '' || password === '')
    throw new SecretError('ROTATION_INVALID', 'expected the new value to have `username` and `password`');
  const url = new URL(address);
  url.username = encodeURIComponent(username);
  url.password = encodeURIComponent(password);
  return url;
}

/** Never what the server says, which may quote what it was sent. */
function asSecretError(error: unknown): SecretError {
  if (error instanceof SecretError) return error;
  const state = (error as { code?: unknown }).code;
  if (typeof state !== 'string' || !/^[0-9A-Z]{5}$/.test(state))
    return new SecretError('PROVIDER_UNAVAILABLE', 'expected the target database to answer, got none');
  const expected = FINAL[state];
  if (expected !== undefined) return new SecretError('ROTATION_INVALID', `expected ${expected}`);
  const what = REFUSED.has(state) ? 'to let the login in' : 'to do what it was asked';
  return new SecretError(
    'ROTATION_FAILED',
    `expected the target database ${what}, got SQLSTATE \`${state}\``,
  );
}

import { RedisError } from '../errors.ts';

export type RedisPlace =
  | { readonly path: string }
  | {
      readonly host: string;
      readonly port: number;
      readonly username?: string;
      readonly password?: string;
      readonly db?: number;
      readonly tls?: { readonly ca?: string };
    };

/**
 * `redis://[user:password@]host[:port][/database]`, `rediss://…` over TLS, or `unix:///path/to/socket`.
 * Throws REDIS_URL_INVALID, which repeats nothing of the URL: a password may be in any part of it.
 */
export function parseRedisUrl(text: string, ca: string | undefined): RedisPlace {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'unix:' && url.pathname.length > 1) return { path: decode(url.pathname) };
  const database = /^\/?([0-9]{0,3})$/.exec(url?.pathname ?? '-')?.[1];
  if (
    !url ||
    !['redis:', 'rediss:'].includes(url.protocol) ||
    !url.hostname ||
    database === undefined ||
    url.search
  )
    throw invalid();
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: url.port === '' ? 6379 : Number(url.port),
    ...(url.username === '' ? {} : { username: decode(url.username) }),
    ...(url.password === '' ? {} : { password: decode(url.password) }),
    ...(database === '' ? {} : { db: Number(database) }),
    ...(url.protocol === 'rediss:' ? { tls: ca === undefined ? {} : { ca } } : {}),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid();
  }
}

function invalid(): RedisError {
  return new RedisError(
    'REDIS_URL_INVALID',
    'expected a URL like `redis://user:password@host:6379/0`, `rediss://…` for TLS or `unix:///path`; percent-encode what ' +
      'is special in the password',
  );
}

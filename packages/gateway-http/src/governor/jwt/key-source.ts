import {
  type CryptoKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import { keyProblem, readPublicKey } from './public-key.ts';
import { type JwtSettings, jwtInvalid, requireSecret } from './settings.ts';
import { WatchedFile } from './watched-file.ts';

/** No key of ours is meant by the token, or one that is not to be used. */
export class UnknownKey extends Error {}

/** Which keys there are cannot be told right now. */
export class KeysUnavailable extends Error {}

const TIMEOUT_MS = 5_000;
/** A token with an unknown key has new ones fetched at most this often: who forges tokens floods nobody. */
const COOLDOWN_MS = 30_000;
/** Within this time a key that was withdrawn stops verifying. */
const MAX_AGE_MS = 600_000;
/** An issuer that is down is asked no more often than this, whoever sends tokens meanwhile. */
const AFTER_FAILURE_MS = 1_000;
const MAX_BYTES = 262_144;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** How the key of a token is found: nothing that the token says of itself is a key, or tells where one is. */
export function keySourceOf(settings: JwtSettings): JWTVerifyGetKey | (() => Promise<Uint8Array>) {
  const { algorithm, secret, publicKey, jwksUrl, jwksFile } = settings;
  const asymmetric = [publicKey, jwksUrl, jwksFile].filter((source) => source !== undefined);
  if (algorithm === 'HS256') {
    if (asymmetric.length > 0)
      throw jwtInvalid('expected only a secret for `HS256`, came a public key or key set as well');
    const bytes = requireSecret(secret);
    return async () => bytes;
  }
  if (asymmetric.length !== 1)
    throw jwtInvalid(
      `expected a public key, a key set's URL or a key set's file for \`${algorithm}\`, came ${asymmetric.length} of them`,
    );
  if (publicKey !== undefined) {
    const key = readPublicKey(publicKey, algorithm);
    return async () => key;
  }
  return strong(jwksUrl === undefined ? keysInFile(jwksFile ?? '') : keysAt(jwksUrl), algorithm);
}

function strong(keys: JWTVerifyGetKey, algorithm: JwtSettings['algorithm']): JWTVerifyGetKey {
  const looked = new WeakSet<CryptoKey>();
  return async (header, token) => {
    const key = await found(keys, header, token);
    if (looked.has(key)) return key;
    const problem = keyProblem(key, algorithm);
    if (problem !== undefined) throw new UnknownKey(problem);
    looked.add(key);
    return key;
  };
}

async function found(keys: JWTVerifyGetKey, ...asked: Parameters<JWTVerifyGetKey>): Promise<CryptoKey> {
  try {
    return (await keys(...asked)) as CryptoKey;
  } catch (error) {
    throw sortedOut(error);
  }
}

const OF_THE_TOKEN = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys];

function sortedOut(error: unknown): Error {
  if (error instanceof KeysUnavailable) return error;
  const isTokens = OF_THE_TOKEN.some((kind) => error instanceof kind);
  return isTokens
    ? new UnknownKey('expected a `kid` of the key set', { cause: error })
    : new KeysUnavailable('the key set could not be had', { cause: error });
}

function keysInFile(path: string): JWTVerifyGetKey {
  const file = new WatchedFile(path, (text) => createLocalJWKSet(JSON.parse(text) as JSONWebKeySet));
  try {
    file.content();
  } catch (error) {
    throw jwtInvalid('expected a file with a JSON Web Key Set', error);
  }
  return async (header, token) => {
    let keys: JWTVerifyGetKey;
    try {
      keys = file.content();
    } catch (error) {
      throw new KeysUnavailable('the file of the key set could not be read', { cause: error });
    }
    return keys(header, token);
  };
}

function keysAt(text: string): JWTVerifyGetKey {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
  if (url === undefined || !isSafe)
    throw jwtInvalid('expected an https URL of a JSON Web Key Set, or http on this machine');
  let failed = Number.NEGATIVE_INFINITY;
  return createRemoteJWKSet(url, {
    timeoutDuration: TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
    async [customFetch](address, options) {
      if (performance.now() - failed < AFTER_FAILURE_MS) throw new Error('the issuer failed a moment ago');
      try {
        return await boundedFetch(address, options);
      } catch (error) {
        failed = performance.now();
        throw error;
      }
    },
  });
}

/** Whoever answers in the issuer's place must not be able to fill our memory, or send us elsewhere. */
async function boundedFetch(address: string, options: RequestInit): Promise<Response> {
  const answer = await fetch(address, { ...options, redirect: 'error' });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new Error(`expected status 200 of the key set, came \`${answer.status}\``);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`expected at most ${MAX_BYTES} bytes of keys, came more`);
    chunks.push(chunk);
  }
  const whole = Buffer.concat(chunks);
  const { keys } = JSON.parse(whole.toString('utf8')) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('expected a JSON Web Key Set, came other JSON');
  return new Response(whole);
}

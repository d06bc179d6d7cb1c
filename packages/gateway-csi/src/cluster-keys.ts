import { readFile } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:https';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import { CsiError } from './errors.ts';

/**
 * Where a cluster's signing keys come from: its API server, or a file for a cluster that cannot be reached.
 */
export type ClusterKeySource =
  | {
      readonly kind: 'url';
      /** `https://kubernetes.default.svc/openid/v1/jwks`, or what the issuer's discovery document names. */
      readonly url: string;
      /** PEM; absent: the public authorities. */
      readonly caFile?: string;
      /** A bearer token, read anew at each request since it rotates. */
      readonly tokenFile?: string;
    }
  | { readonly kind: 'file'; readonly path: string };

const TIMEOUT_MS = 5_000;
/**
 * A token with an unknown key asks for new ones at most this often: whoever forges tokens cannot flood the
 * API server.
 */
const COOLDOWN_MS = 30_000;
const MAX_AGE_MS = 600_000;
const MAX_BYTES = 262_144;

/**
 * Throws CLUSTER_KEYS_UNAVAILABLE for a file that holds no keys; a URL is asked when the first token comes.
 */
export async function openClusterKeys(source: ClusterKeySource): Promise<JWTVerifyGetKey> {
  if (source.kind === 'file') return readKeys(source.path);
  const url = URL.canParse(source.url) ? new URL(source.url) : undefined;
  if (url?.protocol !== 'https:')
    throw new CsiError(
      'CLUSTER_KEYS_UNAVAILABLE',
      'expected an https URL of the signing keys of the cluster',
    );
  return createRemoteJWKSet(url, {
    timeoutDuration: TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
    [customFetch]: (_, { signal }) => fetchKeys(url, source, signal),
  });
}

async function readKeys(path: string): Promise<JWTVerifyGetKey> {
  try {
    return createLocalJWKSet(JSON.parse(await readFile(path, 'utf8')) as JSONWebKeySet);
  } catch (error) {
    throw new CsiError('CLUSTER_KEYS_UNAVAILABLE', `expected a JSON Web Key Set in \`${path}\``, {
      cause: error,
    });
  }
}

/** The global fetch can be told of no authority of one's own, and a cluster is its own. */
async function fetchKeys(
  url: URL,
  { caFile, tokenFile }: { readonly caFile?: string; readonly tokenFile?: string },
  signal: AbortSignal,
): Promise<Response> {
  const options: RequestOptions = {
    signal,
    headers: { accept: 'application/jwk-set+json, application/json' },
  };
  if (caFile !== undefined) options.ca = await readFile(caFile);
  if (tokenFile !== undefined) {
    const token = (await readFile(tokenFile, 'utf8')).trim();
    options.headers = { ...options.headers, authorization: `Bearer ${token}` };
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('error', reject);
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) answer.destroy(new Error(`more than ${MAX_BYTES} bytes of keys`));
        else chunks.push(chunk);
      });
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (answer.statusCode === 200 && isJson(text)) resolve(new Response(text));
        else reject(new Error(`expected keys as JSON with status 200, got status \`${answer.statusCode}\``));
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

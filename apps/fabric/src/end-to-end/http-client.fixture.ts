// Test code only: a client of the HTTP routes, and tokens as their issuer makes them.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { issueToken, openKeyRing, type TokenRequest } from '@provability-fabric/evidence';
import { ORIGIN } from './evidence-in.fixture.ts';
import type { Json } from './pf-process.fixture.ts';

const AGENT: TokenRequest = {
  sub: 'agent-1',
  aud: 'sidecar-watcher',
  tenant: 'acme',
  roles: ['support'],
  org: 'acme',
  caps: ['*'],
  epoch: 1,
  sid: 's1',
  ttlSeconds: 600,
};

/** A token of the agent, signed with the data folder's key, unless told otherwise. */
export async function token(
  data: string,
  claims: Partial<TokenRequest> = {},
  issuer: { readonly name?: string; readonly now?: number } = {},
): Promise<string> {
  const name = issuer.name ?? ORIGIN;
  const key = (await openKeyRing(join(data, 'keys'), { origin: ORIGIN, create: false })).tokenKey();
  return issueToken({ ...AGENT, ...claims }, { name, key, now: issuer.now ?? Date.now(), jti: randomUUID() });
}

export interface Answered {
  readonly status: number;
  readonly body: Json;
}

export async function get(url: string): Promise<Answered> {
  const response = await fetch(url);
  return { status: response.status, body: (await response.json()) as Json };
}

export async function post(url: string, bearer: string | undefined, body: Json): Promise<Answered> {
  const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const headers = { 'content-type': 'application/json', ...authorization };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Json };
}

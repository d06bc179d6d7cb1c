// Test code only: an agent's host over HTTP, and an auditor before the ledger.
import { nodeCrypto, openKeyRing, readCheckpoint } from '@provability-fabric/evidence';
import {
  AppendTree,
  consistencyProof,
  type ProofCheck,
  TILE_WIDTH,
  tilePath,
  verifyConsistencyForLog,
} from '@provability-fabric/kernel';
import { type Answered, post } from './http-client.fixture.ts';
import type { Json } from './pf-process.fixture.ts';

export type Call = readonly [tool: string, args: Json];

/** The desk's customers: whoever has read them may mail nobody any more. */
export const CUSTOMERS: Call = ['read_text_file', { path: 'tenants/acme/customers.csv' }];
/** Permitted to the support desk until then. */
export const MAIL: Call = ['send_mail', { to: 'desk@acme.example', subject: 'Refunds', body: 'soon' }];
export const ARTICLE: Call = ['read_text_file', { path: 'kb/refunds.md' }];

let requests = 0;

export class Agent {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  authorize([tool, args]: Call, requestId = `request-${++requests}`): Promise<Answered> {
    const action = { kind: 'call', tool, args };
    return post(`${this.#url}/v1/authorize`, this.#token, { request_id: requestId, action });
  }

  report({ body }: Answered, outcome = 'done'): Promise<Answered> {
    const { session, certificate_id } = body;
    const report = { session, certificate_id, outcome, ...(outcome === 'done' ? { result: 'seen' } : {}) };
    return post(`${this.#url}/v1/outcome`, this.#token, report);
  }

  /** Asks, acts, and says what came of it; answers the decision. */
  async act(call: Call): Promise<Answered> {
    const decision = await this.authorize(call);
    if (decision.body.effect === 'allow') {
      const reported = await this.report(decision);
      if (reported.status !== 200) return reported;
    }
    return decision;
  }
}

/** What a token is revoked by. */
export function idOf(token: string): string {
  const [, claims = ''] = token.split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { jti: string }).jti;
}

/** Reads with a token; `body` is what came, parsed where it is JSON. */
export async function read(url: string, bearer?: string) {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const response = await fetch(url, { headers });
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, type, text, body: type.includes('json') ? JSON.parse(text) : undefined };
}

/** A list route, page after page, to its end. */
export async function readAll(url: string, bearer: string): Promise<readonly Json[]> {
  const rows: Json[] = [];
  for (let next: string | undefined = url; next !== undefined; ) {
    const response: Response = await fetch(next, { headers: { authorization: `Bearer ${bearer}` } });
    if (response.status !== 200)
      throw new Error(`expected the rows of ${next}, came ${await response.text()}`);
    rows.push(...((await response.json()) as Json[]));
    const link = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
    next = link && new URL(link, url).href;
  }
  return rows;
}

/** A moment of the ledger, as a monitor keeps it who trusts its key alone. */
export interface Seen {
  readonly size: number;
  readonly root: Uint8Array;
}

const crypto = nodeCrypto();
const HASH = 32;

/** The newest checkpoint, if one of the folder's keys signed it. */
export async function checkpointOf(ledger: string, keys: string, origin: string): Promise<Seen> {
  const { text } = await read(`${ledger}/checkpoint`);
  const ring = await openKeyRing(keys, { origin, create: false });
  const seen = readCheckpoint(crypto, text, `${origin}/ledger`, ring.ledgerVerifiers());
  if (seen === undefined) throw new Error(`expected a checkpoint of this ledger, came:\n${text}`);
  return seen;
}

/** Whether the tiles lead to the newer checkpoint, and whether it goes on from the older one. */
export async function follows(ledger: string, older: Seen, newer: Seen): Promise<ProofCheck> {
  const nodes = new Map<string, Uint8Array>();
  const tree = new AppendTree(crypto, (level, index, hash) => nodes.set(`${level}/${index}`, hash));
  for (let first = 0; first < newer.size; first += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, newer.size - first);
    const response = await fetch(`${ledger}/${tilePath(0, first / TILE_WIDTH, width)}`);
    const hashes = new Uint8Array(await response.arrayBuffer());
    for (let at = 0; at < hashes.length; at += HASH) tree.append(hashes.subarray(at, at + HASH));
  }
  const node = (level: number, index: number) => nodes.get(`${level}/${index}`) as Uint8Array;
  return verifyConsistencyForLog(crypto, {
    oldSize: older.size,
    newSize: newer.size,
    oldRoot: older.root,
    newRoot: newer.root,
    proof: consistencyProof(crypto, node, older.size, newer.size),
  });
}

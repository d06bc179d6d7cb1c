import { field, fromUtf8, type JsonObject, parseJsonBytes } from '@provability-fabric/kernel';
import type { z } from 'zod';
import { certificateShape, countShape, listedShape, parseAnswer } from '../answers.ts';
import { ClientError } from '../errors.ts';
import type { TransportOptions } from '../transport/options.ts';
import { type Answer, createTransport, jsonOf } from '../transport/transport.ts';
import { nextPage } from './next-page.ts';

export interface LedgerQuery {
  /** Inclusive, and exclusive: RFC 3339 or a Date. */
  readonly since?: string | Date;
  readonly until?: string | Date;
  /** Another tenant than the token's takes the role `platform-auditor`. */
  readonly tenant?: string;
  readonly session?: string;
  readonly principal?: string;
  /** Statements a page, 1 to 1000. Default: the ledger's, 100. */
  readonly pageSize?: number;
  /** Checked between pages too. */
  readonly signal?: AbortSignal | undefined;
}

/** A permission certificate; `statement` is all of it, with its `index` in the ledger and its `signature`. */
export interface ListedCertificate {
  readonly certificateId: string;
  readonly tenant: string;
  readonly session: string;
  readonly seq: number;
  readonly effect: 'allow' | 'hold' | 'block';
  readonly verdict: 'accept' | 'hold' | 'reject' | 'error';
  readonly issuedAt: Date;
  readonly statement: JsonObject;
}

/**
 * Reads the ledger, with a token whose audience is `ledger`. What it lists is what the ledger says;
 * `evidence` is what can be checked without trusting it.
 */
export interface LedgerClient {
  /** In the ledger's order; pages are fetched as they are consumed. */
  certificates(query?: LedgerQuery): AsyncIterable<ListedCertificate>;
  receipts(query?: LedgerQuery): AsyncIterable<JsonObject>;
  egressCertificates(query?: LedgerQuery): AsyncIterable<JsonObject>;
  countEgressCertificates(query?: LedgerQuery): Promise<number>;
  /** The file that `pf-verify` checks, byte for byte: by certificate id, receipt id or statement digest. */
  evidence(id: string, options?: Pick<LedgerQuery, 'tenant' | 'signal'>): Promise<Uint8Array>;
  /** The newest signed checkpoint. */
  checkpoint(options?: Pick<LedgerQuery, 'signal'>): Promise<string>;
}

const MAX_PAGE_BYTES = 64 * 1024 * 1024;
const MAX_EVIDENCE_BYTES = 256 * 1024 * 1024;
const MAX_CHECKPOINT_BYTES = 64 * 1024;
const EVIDENCE_FORMAT = 'provability-fabric/evidence/v1';

export function createLedgerClient(options: TransportOptions): LedgerClient {
  const transport = createTransport(options);

  const get = (path: string, signal: AbortSignal | undefined, maxBytes: number): Promise<Answer> =>
    transport.send({ method: 'GET', path, signal, maxBytes });

  async function* pages(route: string, query: LedgerQuery): AsyncGenerator<JsonObject> {
    const { signal } = query;
    let path: string | null = `${route}${searchOf(query)}`;
    while (path !== null) {
      const answer: Answer = await get(path, signal, MAX_PAGE_BYTES);
      yield* parseAnswer(listedShape, jsonOf(answer), `a page of \`GET ${route}\``);
      const next = nextPage(answer.link, transport.base, route);
      // A ledger that leads back to where it came from would never end.
      if (next === path)
        throw new ClientError('ANSWER_MALFORMED', 'expected another page, came the same link');
      path = next;
    }
  }

  return {
    async *certificates(query = {}) {
      for await (const statement of pages('/permission-certificates', query))
        yield certificateFrom(statement);
    },
    receipts: (query = {}) => pages('/receipts', query),
    egressCertificates: (query = {}) => pages('/egress-certificates', query),
    async countEgressCertificates(query = {}) {
      const route = '/egress-certificates/count';
      const answer = await get(`${route}${searchOf(query)}`, query.signal, MAX_CHECKPOINT_BYTES);
      return parseAnswer(countShape, jsonOf(answer), `an answer to \`GET ${route}\``).count;
    },
    async evidence(id, { tenant, signal } = {}) {
      const search = searchOf(tenant === undefined ? {} : { tenant });
      const { body } = await get(`/evidence/${encodeURIComponent(id)}${search}`, signal, MAX_EVIDENCE_BYTES);
      if (formatOf(body) === EVIDENCE_FORMAT) return body;
      throw new ClientError(
        'ANSWER_MALFORMED',
        `expected a file of format \`${EVIDENCE_FORMAT}\`, came another`,
      );
    },
    async checkpoint({ signal } = {}) {
      const request = { method: 'GET', path: '/checkpoint', signal, maxBytes: MAX_CHECKPOINT_BYTES } as const;
      // Anybody may have it, so no token goes there.
      const { body } = await transport.send({ ...request, anonymous: true });
      return textOf(body);
    },
  };
}

function searchOf({ since, until, tenant, session, principal, pageSize }: LedgerQuery): string {
  const search = new URLSearchParams();
  if (since !== undefined) search.set('since', timeOf(since));
  if (until !== undefined) search.set('until', timeOf(until));
  if (tenant !== undefined) search.set('tenant', tenant);
  if (session !== undefined) search.set('session', session);
  if (principal !== undefined) search.set('principal', principal);
  if (pageSize !== undefined) search.set('limit', `${pageSize}`);
  return search.size === 0 ? '' : `?${search}`;
}

function timeOf(time: string | Date): string {
  return typeof time === 'string' ? time : time.toISOString();
}

function certificateFrom(statement: JsonObject): ListedCertificate {
  const certificate: z.infer<typeof certificateShape> = parseAnswer(
    certificateShape,
    statement,
    'a permission certificate',
  );
  const { certificate_id, tenant, session, seq, effect, verdict, issued_at } = certificate;
  const issuedAt = new Date(issued_at);
  return { certificateId: certificate_id, tenant, session, seq, effect, verdict, issuedAt, statement };
}

function textOf(body: Uint8Array): string {
  try {
    return fromUtf8(body);
  } catch {
    throw new ClientError('ANSWER_MALFORMED', 'expected a checkpoint of UTF-8 text, came other bytes');
  }
}

function formatOf(body: Uint8Array): unknown {
  try {
    return field(parseJsonBytes(body), 'format');
  } catch {
    return undefined;
  }
}

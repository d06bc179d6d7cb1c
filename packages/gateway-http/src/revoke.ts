import type { Revoked, Revoking, TokenRecords } from './ledger/ports.ts';
import type { Metrics } from './metrics.ts';
import type { Identity, Log } from './ports.ts';
import type { Answer } from './respond.ts';

interface Options {
  readonly tokens: Pick<TokenRecords, 'revoke'>;
  now(): number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'recordRevocations'>;
}

/** Durable before it answers, and certified by whoever keeps the records. */
export async function revoke(
  { tokens, now, log, metrics }: Options,
  { principal }: Identity,
  tenant: string | null,
  asked: Pick<Revoking, 'tokenIds' | 'principals' | 'reason'>,
): Promise<Answer> {
  const { revoked, unknown }: Revoked = await tokens.revoke(
    { tenant },
    { ...asked, by: principal.id, at: now() },
  );
  metrics.recordRevocations(revoked.length);
  const details = {
    by: principal.id,
    tenant: tenant ?? 'all',
    revoked: revoked.length,
    unknown: unknown.length,
  };
  log({ level: 'warn', event: 'tokens_revoked', tags: ['REVOCATION'], latency_ms: 0, details });
  return { status: 200, body: { revoked: [...revoked], unknown: [...unknown] } };
}

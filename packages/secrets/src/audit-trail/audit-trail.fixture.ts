import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import {
  type Crypto,
  fromBase64,
  openEnvelope,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import { decodeChained, type SecretAccessStatement } from '@provability-fabric/statements';
import { MemoryJournal } from '@provability-fabric/testkit';
import type { SecretAccess } from '../audit.ts';
import { type AuditTrailOptions, createAuditTrail } from './audit-trail.ts';
import type { AuditRow, AuditRows } from './ports.ts';

const der = Buffer.concat([
  Buffer.from('302e020100300506032b657004220420', 'hex'),
  createHash('sha256').update('the evidence key of these tests').digest(),
]);
const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
const publicKey = createPublicKey(privateKey);
const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));

export const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: (_key, message, signature) => verify(null, message, publicKey, signature),
};
export const LOG_ID = 'ab'.repeat(16);
const signer = {
  keyid: 'evidence.one',
  sign: (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)),
};

/** Rows that are there at once, or, where a test holds the door, later. */
export class MemoryRows implements AuditRows {
  readonly rows: AuditRow[] = [];
  /** While set, every append throws it. */
  failure: Error | undefined;
  /** While set, appends wait for it. */
  door: Promise<void> | undefined;
  appends = 0;

  async append(rows: readonly AuditRow[]): Promise<void> {
    this.appends += 1;
    await this.door;
    if (this.failure !== undefined) throw this.failure;
    this.rows.push(...rows);
  }
}

export function trailOn(
  journal: MemoryJournal = new MemoryJournal(),
  rows: MemoryRows = new MemoryRows(),
  options: Partial<AuditTrailOptions> = {},
) {
  const random = (length: number) => new Uint8Array(randomBytes(length));
  const given = { journal, rows, crypto, signer, random, logId: LOG_ID, provider: 'embedded', ...options };
  return { journal, rows, trail: createAuditTrail(given) };
}

let made = 0;

export function access(change: Partial<SecretAccess> = {}): SecretAccess {
  made += 1;
  return {
    id: `00000000-0000-4000-8000-${String(made).padStart(12, '0')}`,
    tenant: 'acme',
    principal: 'agent-1',
    action: 'READ',
    secret: 'db/primary',
    result: 'SUCCESS',
    details: {},
    at: Date.parse('2026-01-01T00:00:00.000Z'),
    ...change,
  };
}

/** Everything in the journal, its signature checked, in log order. */
export function statementsIn(journal: MemoryJournal): readonly SecretAccessStatement[] {
  return journal.entries.map(({ envelope }) => {
    const parsed = parseEnvelope(parseJsonBytes(envelope));
    openEnvelope(crypto, parsed, new Map([[signer.keyid, raw]]));
    return decodeChained(parsed.payloadType, fromBase64(parsed.payload)) as SecretAccessStatement;
  });
}

import { randomBytes, randomUUID } from 'node:crypto';
import { nodeCrypto } from '@provability-fabric/evidence';
import { asDigest, type EnvelopeSigner, sealedEnvelopeBytes } from '@provability-fabric/kernel';
import {
  CHANGES_SESSION_PREFIX,
  encodeStatement,
  type GovernedChangeKind,
  type GovernedChangeStatement,
  payloadTypeOf,
  RecordChain,
  type RecordJournal,
  statementDigest,
  writeInputRecord,
} from '@provability-fabric/statements';

interface Change {
  readonly id: string;
  readonly kind: GovernedChangeKind;
}

/** Steps of governed changes on a log, as a governor records them: sessions of four. Answers their digests. */
export async function addChanges(
  log: RecordJournal & { readonly id: string },
  signer: EnvelopeSigner,
  kinds: readonly GovernedChangeKind[],
  id: string = randomUUID(),
): Promise<readonly string[]> {
  const crypto = nodeCrypto();
  const chain = new RecordChain<Change>({
    journal: log,
    prefix: CHANGES_SESSION_PREFIX,
    log: log.id,
    tenant: 'acme',
    length: 4,
    committed: () => undefined,
    failed: (cause) => cause as Error,
    write({ session, seq, previous, continues }, { id, kind }) {
      const nothing = { detail: null, files: [], idempotency_key: null, output_digest: null, sandbox: null };
      const random = (length: number) => new Uint8Array(randomBytes(length));
      const details = { change_id: id, ...nothing, signers: [] };
      const { bytes: record, root } = writeInputRecord(crypto, details, random);
      const statement: GovernedChangeStatement = {
        type: 'governed-change',
        tenant: 'acme',
        session,
        seq,
        previous,
        continues,
        change_id: id,
        kind,
        actor: 'cli',
        principal: 'alice',
        manifest: asDigest('ab'.repeat(32)),
        reverts: null,
        verdict: 'approved',
        error_code: null,
        policy: null,
        tree: null,
        sandbox: null,
        commit: null,
        details_root: root,
        issued_at: new Date().toISOString(),
      };
      const payload = encodeStatement(statement);
      const envelope = sealedEnvelopeBytes(payloadTypeOf(statement), payload, [signer]);
      return { seq, digest: statementDigest(crypto, payload), envelope, salt: random(32), record };
    },
  });
  const digests: string[] = [];
  for (const kind of kinds) digests.push((await chain.append({ id, kind })).digest);
  return digests;
}

import { join } from 'node:path';
import { type LedgerEntry, openRecordSealer } from '@provability-fabric/evidence';
import {
  canonicalBytes,
  concatBytes,
  fromBase64,
  leafHash,
  openNote,
  parseCheckpoint,
  verifyInclusion,
} from '@provability-fabric/kernel';
import { type EvidenceExport, parseEvidenceExport } from '@provability-fabric/statements';
import { describe, expect, it } from 'vitest';
import { entriesAfter, entryOf } from '../testing/ledger-entries.fixture.ts';
import { crypto, logVerifier, payloadOf } from './ledger-database.fixture.ts';
import { openLedgerReader } from './ledger-reader.ts';
import { FROM, newTenant, receipt, useTestLedger } from './test-ledger.fixture.ts';

const ledger = useTestLedger();

describe('evidence', () => {
  const provenBy = (evidence: EvidenceExport) => {
    const { text } = openNote(crypto, evidence.checkpoint, [logVerifier]);
    const { size, root } = parseCheckpoint(text);
    return evidence.entries.map(({ index, envelope, salt, inclusion }) => {
      const leaf = leafHash(
        crypto,
        crypto.sha256(concatBytes(fromBase64(salt), canonicalBytes(envelope as never))),
      );
      return verifyInclusion(crypto, { index, size, leaf, proof: inclusion.map((h) => fromBase64(h)), root })
        .ok;
    });
  };

  it('holds the session up to the statement asked for, each proven under the checkpoint', async () => {
    const tenant = newTenant();
    const entries = entriesAfter(undefined, 300, { tenant, session: 's', record: null });
    await ledger.current.store(entries);
    await ledger.current.store(entriesAfter(undefined, 40, { tenant: newTenant(), session: 's' }));
    const { certificate_id: id } = payloadOf(entries[279] as LedgerEntry) as { certificate_id: string };
    for (const name of [id, (entries[279] as LedgerEntry).digest]) {
      const evidence = parseEvidenceExport((await ledger.current.reader.evidence({ tenant }, name)) as never);
      expect(evidence.entries.length).toBe(280);
      expect(new Set(provenBy(evidence))).toEqual(new Set([true]));
    }
    expect(await ledger.current.reader.evidence({ tenant: null }, id)).not.toBeNull();
    expect(await ledger.current.reader.evidence({ tenant }, 'f'.repeat(64))).toBeNull();
    await expect(ledger.current.reader.evidence({ tenant }, 'x'.repeat(1_048_576))).rejects.toMatchObject({
      code: 'BAD_QUERY',
    });
  });

  it.each([
    ['secret-access', 'secrets:', 'access_id'],
    ['governed-change', 'changes:', 'change_id'],
  ])(
    'of a %s is found by its id and its digest, with its sessions as a whole',
    async (type, prefix, named) => {
      const tenant = newTenant();
      const id = '00000000-0000-4000-8000-000000000007';
      const access = (number: number, seq: number, known: string) => {
        const session = `${prefix}${'ab'.repeat(16)}:${number}`;
        return entryOf({ type, tenant, session, seq, [named]: known, principal: 'alice' }, null);
      };
      const started = access(0, 1, id);
      const entries = [access(0, 0, 'a'), started, access(0, 2, 'b'), access(1, 0, id), access(1, 1, 'c')];
      await ledger.current.store(entries);
      const found = async (name: string) =>
        parseEvidenceExport((await ledger.current.reader.evidence({ tenant }, name)) as never);
      expect((await found(id)).entries).toHaveLength(5);
      expect((await found(started.digest)).entries).toHaveLength(3);
      expect(provenBy(await found(id))).toEqual([true, true, true, true, true]);
      expect(await ledger.current.reader.evidence({ tenant: newTenant() }, id)).toBeNull();
      const [row] = await ledger.current.allPages(
        { scope: { tenant }, types: [type], principal: 'alice' },
        1,
      );
      expect(row).toMatchObject({ id: 'a', type });
    },
  );

  it('is one entry for what belongs to no session', async () => {
    const tenant = newTenant();
    await ledger.current.store([receipt(tenant, 'alone', FROM)]);
    const evidence = parseEvidenceExport(
      (await ledger.current.reader.evidence({ tenant }, 'alone')) as never,
    );
    expect(provenBy(evidence)).toEqual([true]);
  });

  it('brings the records that its keys open, and the bundles that it names', async () => {
    const tenant = newTenant();
    const sealer = openRecordSealer({
      directory: join(ledger.current.server.directory, 'keys'),
      emit: () => undefined,
    });
    const seal = await sealer.sealer(tenant, false);
    const record = { leaves: [{ path: '/at', salt: 'a'.repeat(64), value: 1 }] };
    const place = { tenant, session: 's', seq: 0 };
    const entry = entryOf(
      { type: 'session-record', ...place, bundle: { digest: 'b'.repeat(64) } },
      seal(place, canonicalBytes(record)),
    );
    await ledger.current.store([entry]);
    const opening = openLedgerReader({
      database: ledger.current.server.database,
      crypto,
      opener: sealer,
      bundles: (digest) => ({ digest }),
    });
    const evidence = parseEvidenceExport((await opening.evidence({ tenant }, entry.digest)) as never);
    expect(evidence.entries[0]?.record).toEqual(record);
    expect(evidence.bundles).toEqual([{ digest: 'b'.repeat(64) }]);
    await sealer.erase(tenant);
    const erased = parseEvidenceExport((await opening.evidence({ tenant }, entry.digest)) as never);
    expect(erased.entries[0]?.record).toBeNull();
  });

  it('is refused where the stored statement is not the one in the log', async () => {
    const tenant = newTenant();
    await ledger.current.store([receipt(tenant, 'forged', FROM)]);
    const forged = receipt(tenant, 'forged', FROM, 1);
    await ledger.current.server.database.asOwner(async (tx) => {
      await tx.query(
        'alter table pf.statements disable trigger refuse_rewriting, no force row level security',
      );
      await tx.query(`update pf.statements set envelope = $2 where tenant = $1`, [tenant, forged.envelope]);
      await tx.query('alter table pf.statements enable trigger refuse_rewriting, force row level security');
    });
    await expect(ledger.current.reader.evidence({ tenant }, 'forged')).rejects.toMatchObject({
      code: 'LEDGER_CORRUPT',
    });
    await expect(
      ledger.current.reader.statements({ scope: { tenant }, types: ['access-receipt'], limit: 1 }),
    ).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('is not made of a session that is too long', async () => {
    const tenant = newTenant();
    let end: LedgerEntry | undefined;
    for (let part = 0; part < 3; part++) {
      const after = end && { seq: end.seq as number, digest: end.digest };
      const entries = entriesAfter(after, 1_700, { tenant, session: 'long', record: null });
      await ledger.current.store(entries);
      end = entries.at(-1);
    }
    await expect(
      ledger.current.reader.evidence({ tenant }, (end as LedgerEntry).digest),
    ).rejects.toMatchObject({
      code: 'BAD_QUERY',
    });
  });
});

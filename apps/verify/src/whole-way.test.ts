import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Enforcer } from '@provability-fabric/enforcement';
import {
  exportEvidence,
  nodeCrypto,
  openBundleArchive,
  openFileLog,
  openKeyRing,
  openRecordSealer,
  rotateKey,
} from '@provability-fabric/evidence';
import { type JsonObject, type JsonValue, utf8 } from '@provability-fabric/kernel';
import type { Environment, LoadedBundle, Principal } from '@provability-fabric/policy';
import { afterAll, describe, expect, it } from 'vitest';
import { deskBundle } from './bundle.fixture.ts';
import { run } from './command-line.ts';
import { ORIGIN } from './log.fixture.ts';
import { ENFORCE } from './session.fixture.ts';

// The other tests write sessions and logs themselves. Here the fabric's own enforcement and evidence do, so that writer
// and verifier cannot drift apart.

const folder = mkdtempSync(join(tmpdir(), 'pf-verify-whole-'));
afterAll(() => rmSync(folder, { recursive: true }));
const keys = join(folder, 'keys');
const crypto = nodeCrypto();
const ANN: Principal = { id: 'ann', roles: ['support'], org: 'acme', tenant: 'acme', attributes: {} };

let now = Date.parse('2026-01-01T00:00:00.000Z');
let requests = 0;

async function fabric(bundle: LoadedBundle, environment: () => Environment = () => ENFORCE, epoch = () => 1) {
  const ring = await openKeyRing(keys, { origin: ORIGIN, create: true });
  const records = openRecordSealer({ directory: keys, emit: () => undefined });
  const log = await openFileLog({
    directory: folder,
    origin: ORIGIN,
    crypto,
    signer: ring.logSigner(),
    verifiers: ring.logVerifiers(),
    records,
    emit: () => undefined,
  });
  const archive = await openBundleArchive({ directory: join(folder, 'bundles'), crypto });
  await archive.activate(bundle.ir as unknown as JsonObject);
  const enforcer = new Enforcer({
    crypto,
    signer: ring.evidenceSigner(),
    random: { bytes: (length) => crypto.sha256(utf8(`random ${++now}`)).subarray(0, length) },
    bundle,
    journal: log,
    clock: { now: () => ++now },
    surroundings: { environment, epoch },
    observer: {
      decided: () => undefined,
      settled: () => undefined,
      overdue: () => undefined,
      approval: () => undefined,
      unavailable: () => undefined,
    },
    sessionIdleMs: 60_000,
    maxSessions: 10,
  });
  return {
    enforcer,
    records,
    log,
    ask(session: string | null, target: string, args: JsonValue = {}) {
      const action = { kind: 'call', target, args } as const;
      const requestId = `r${++requests}`;
      return enforcer.authorize({
        principal: ANN,
        capability: null,
        session,
        requestId,
        action,
        epoch: null,
        attributes: {},
      });
    },
    async export(name: string, oldCheckpoint?: string) {
      const since = oldCheckpoint === undefined ? {} : { oldCheckpoint };
      const { bytes } = await exportEvidence(
        log,
        { tenant: 'acme' },
        { bundles: (digest) => archive.read(digest), ...since },
      );
      const path = join(folder, name);
      writeFileSync(path, bytes);
      return path;
    },
    async close() {
      await enforcer.close();
      await log.close();
    },
  };
}

function pfVerify(...args: string[]) {
  let out = '';
  const code = run(
    [...args, '--keys', keys],
    { write: (text) => (out += text) },
    { write: (text) => (out += text) },
  );
  return { code, out };
}

describe('what the fabric writes and exports', () => {
  it('verifies, every event derived anew, over refusals, outcomes, modes, epochs, a crash, new keys and a new bundle', async () => {
    let environment = ENFORCE;
    let epoch = 1;
    const before = await fabric(
      deskBundle(),
      () => environment,
      () => epoch,
    );
    const reporter = { tenant: 'acme', principal: null };
    await before.enforcer.prompt(ANN, 's1', 'write to ann@client.example');
    const read = await before.ask('s1', 'read_ticket', { id: 12345678901234567890n });
    await before.enforcer.settle(reporter, 's1', read.certificateId, 'done', {
      text: 'from ann@client.example',
    });
    expect((await before.ask('s1', 'delete_file')).effect).toBe('block');
    const mail = await before.ask('s1', 'send_mail', { to: 'ann@client.example' });
    await before.enforcer.settle(reporter, 's1', mail.certificateId, 'failed', null);
    environment = { ...ENFORCE, enforcement_mode: 'shadow' };
    epoch = 3;
    expect((await before.ask('s1', 'delete_file')).effect).toBe('allow');
    await before.ask(null, 'pay', { amount: 1 });
    const first = await before.export('first.json');
    const kept = join(folder, 'kept.note');
    writeFileSync(kept, before.log.checkpoint().note);
    await before.close();
    expect(
      pfVerify(first, '--require', 're-derived', '--require', 'complete', '--since', kept),
    ).toMatchObject({ code: 0 });

    await rotateKey(keys, 'log', { origin: ORIGIN });
    await rotateKey(keys, 'evidence', { origin: ORIGIN });
    const after = await fabric(deskBundle({ version: 2, default_mode: 'monitor' }));
    await after.enforcer.recover();
    await after.ask('s1', 'pay', { amount: 12 });
    await after.ask('s1', 'no_such_tool', { amount: 12 });
    const second = await after.export('second.json', before.log.checkpoint().note);
    const { code, out } = pfVerify(
      second,
      '--require',
      're-derived',
      '--require',
      'complete',
      '--since',
      kept,
    );
    expect(out).toMatch(/^verified: (\d+) of the \1 entries of .*; \1 re-derived$/m);
    expect(code).toBe(0);
    for (const what of ['open', 'prompt', 'mode', 'epoch', 'bundle', 'call', 'outcome'])
      expect(out).toContain(`  ${what} `);
    expect(out).toContain('ambiguous');

    await after.records.erase('acme');
    const erased = pfVerify(await after.export('erased.json'));
    expect(erased.out).toMatch(/; \d+ facts trusted, \d+ signature only$/m);
    expect(erased.code).toBe(0);
    await after.close();
  });
});

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { nodeCrypto, openKeyRing } from '@provability-fabric/evidence';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';
import { addChanges } from './changes.fixture.ts';
import { ORIGIN, openFabric, type TestFabric } from './data-folder.fixture.ts';

const folders = temporaryFolders();
const id = randomUUID();
let root = '';
let fabric: TestFabric;
let digests: readonly string[] = [];

/** A fabric with an agent's session, and a change that was begun in one session of changes and landed in the next. */
beforeAll(async () => {
  root = folders.make({ 'config/local/fabric.yaml': `data_dir: data\norigin: ${ORIGIN}\n` });
  await pfctl(['init', 'desk'], { directory: root });
  fabric = await openFabric(join(root, 'data'), join(root, 'bundles/desk'));
  await fabric.call({ session: 's1', tool: 'send_mail', args: { to: 'team@acme.example' } });
  const crypto = nodeCrypto();
  const ring = await openKeyRing(join(root, 'data/keys'), { origin: ORIGIN, create: false, crypto });
  await addChanges(fabric.log, ring.evidenceSigner(), ['policy-adopted', 'change-refused', 'change-refused']);
  digests = await addChanges(fabric.log, ring.evidenceSigner(), ['change-started', 'change-applied'], id);
  await fabric.log.flush();
});
afterAll(async () => {
  await fabric?.close();
  folders.removeAll();
});

const here = (...args: readonly string[]) => pfctl(args, { directory: root, checkout: root });
const json = async (...args: readonly string[]) => JSON.parse((await here(...args, '--format', 'json')).out);

describe('a governed change', () => {
  test('is no recorded decision: it is neither replayed nor explained, and no token is for its session', async () => {
    const session = `changes:${fabric.log.id}:0`;
    const replay = ['replay', '--recorded', '--bundle', 'bundles/desk'];
    expect((await here(...replay, '--format', 'json')).out).not.toContain('changes:');
    expect(await here(...replay, '--session', session)).toMatchObject({ code: 3 });
    expect(await here('explain', digests[0] as string)).toMatchObject({ code: 3 });
    const token = ['token', 'create', '--tenant', 'acme', '--subject', 'a', '--session', session];
    expect(await here(...token)).toMatchObject({ code: 3, err: expect.stringContaining('governed changes') });
    expect(await json('certs', 'list')).toHaveLength(1);
  });

  test('is shown by its id, with what came of it in the session after, and by its digest', async () => {
    expect(await json('certs', 'show', id)).toMatchObject({
      statement: { type: 'governed-change', kind: 'change-started', seq: 3 },
      outcome: { kind: 'change-applied', session: `changes:${fabric.log.id}:1` },
      digest: digests[0],
      signature: { verified: true },
      inclusion: { verified: true },
    });
    expect(await json('certs', 'show', digests[1] as string)).toMatchObject({
      statement: { kind: 'change-applied' },
    });
  });

  test('is counted by its kind, and its sessions are continuous', async () => {
    const stats = await json('stats');
    expect(stats).toMatchObject({ decisions: { total: 1 } });
    expect(stats.changes).toEqual({
      'policy-adopted': 1,
      'change-refused': 2,
      'change-started': 1,
      'change-applied': 1,
    });
    expect((await here('stats')).out).toMatch(/governed changes: +policy-adopted 1, change-refused 2/);
    expect(await json('continuity', 'check')).toMatchObject({ continuous: true, source: 'log' });
  });
});

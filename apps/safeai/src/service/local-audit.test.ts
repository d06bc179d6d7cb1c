import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { openAuditView } from '@provability-fabric/governor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  changeEvent,
  crypto,
  KEYS,
  pause,
  TENANT,
  trailOn,
} from '../../../../packages/governor/src/audit/audit.fixture.ts';
import { safeai } from '../terminal.fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

let dataDir: string;
beforeAll(async () => {
  dataDir = folders.make();
  const { source, trail } = trailOn();
  const path = join(dataDir, 'audit.log');
  const view = await openAuditView({ path, source, crypto, tenant: TENANT, keys: () => KEYS, pause });
  await trail.record(changeEvent());
  await trail.record(
    changeEvent({ kind: 'change-refused', verdict: 'blocked', errorCode: 'CHANGE_BLOCKED' }),
  );
  await trail.record(changeEvent());
  await view.catchUp();
  await view.close();
  await trail.close();
});

test('the last records are shown out of the file, also beside a running service', async () => {
  const { code, out, err } = await safeai(['audit', '-n', '2', '--data-dir', dataDir]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const [head, ...rows] = out.trim().split('\n');
  expect(head).toMatch(/^INDEX +TIME +ACTOR +WHAT +VERDICT +APPLIED +MANIFEST +ERROR$/);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatch(/^1 .*change-refused +blocked +no .*CHANGE_BLOCKED$/);
  expect(rows[1]).toMatch(/^2 .*change-applied +approved +yes /);
  const lines = (await safeai(['audit', '--tail', '9', '--json', '--data-dir', dataDir])).out
    .trim()
    .split('\n');
  expect(lines.map((line) => JSON.parse(line).index)).toEqual([0, 1, 2]);
});

test('a line that is no record, and a file that is not there, are said and not passed over', async () => {
  const none = await safeai(['audit', '--data-dir', folders.make()]);
  expect(none).toMatchObject({ code: 1, out: '', err: expect.stringContaining('expected audit.log in ') });
  appendFileSync(join(dataDir, 'audit.log'), '{"ts":"\u001b[2J"}\n');
  const { code, err } = await safeai(['audit', '--data-dir', dataDir]);
  expect(code).toBe(1);
  expect(err).toContain('(CHANGE_AUDIT_DAMAGED)');
  expect(err).not.toContain('\u001b');
});

import { mkdtempSync, readdirSync, rmSync, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ownRootKey } from './unseal.ts';

it('has a root key of its own on the disk whole or not at all, and the same one the next time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'own-root-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const made: string[] = [];
  const watcher = watch(folder, (_event, name) => made.push(name ?? ''));
  const first = await (await ownRootKey(folder)).derive(new Uint8Array());
  await expect.poll(() => made).toContain('secrets.root-key');
  watcher.close();
  // What came first under another name was moved to its own.
  expect(made[0]).toMatch(/^secrets\.root-key\.new-/);
  expect(readdirSync(folder)).toEqual(['secrets.root-key']);
  expect((await stat(join(folder, 'secrets.root-key'))).mode & 0o777).toBe(0o600);
  expect(await (await ownRootKey(folder)).derive(new Uint8Array())).toEqual(first);
});

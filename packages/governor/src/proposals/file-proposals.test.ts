import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto } from '@provability-fabric/evidence';
import { digestJson, digestOf, utf8 } from '@provability-fabric/kernel';
import { describeProposalsContract } from '@provability-fabric/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Proposal } from '../proposal.ts';
import { fileTreeLock } from '../tree/file-tree-lock.ts';
import { type FileProposalsOptions, fileProposals } from './file-proposals.ts';
import { fileNameOf } from './proposal-file-name.ts';

const crypto = nodeCrypto();
const newFolder = () => join(mkdtempSync(join(tmpdir(), 'proposals-')), 'proposals');
const opened = async (folder: string, options: Partial<FileProposalsOptions> = {}) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = fileTreeLock(folder, { patienceMs: 5_000 });
  return fileProposals(folder, { crypto, now: () => 0, lock, ...options });
};

describeProposalsContract('files', async (shape) => {
  const folder = newFolder();
  return {
    one: await opened(folder, shape),
    another: await opened(folder, shape),
    close: async () => rmSync(folder, { recursive: true }),
  };
});

const proposal = (rationale: string): Proposal => {
  const manifest = {
    version: '1.0.0',
    targets: [],
    edits: [],
    diffs: [],
    files: [],
    tests: [],
    rationale,
    base_tree: digestOf(crypto, utf8('tree')),
    policy: { digest: digestOf(crypto, utf8('policy')), version: 1 },
    expires_at: '2030-01-01T00:00:00Z',
    idempotency_key: randomUUID(),
  } as const;
  return {
    hash: digestJson(crypto, manifest),
    manifest,
    envelope: { payloadType: 't', payload: '', signatures: [] },
    proposer: 'agent',
    at: 1,
    plan: {
      verdict: 'approved',
      reasons: [],
      blocked_paths: [],
      blocked_patterns: [],
      rules: [],
      policy: manifest.policy,
    },
    status: 'open',
    outcome: null,
  };
};

describe('proposals in files', () => {
  let folder: string;
  beforeEach(() => {
    folder = newFolder();
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

  it('are nobody else’s to read, and there again for the next process', async () => {
    const one = proposal('kept');
    await (await opened(folder)).add(one);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o600]);
    expect(await (await opened(folder)).get(one.hash)).toEqual(one);
  });

  it('are not what somebody else has put there, changed, cut off or linked', async () => {
    const store = await opened(folder);
    const [changed, cut, linked, large, good] = ['changed', 'cut', 'linked', 'large', 'good'].map(
      proposal,
    ) as [Proposal, Proposal, Proposal, Proposal, Proposal];
    await store.add(good);
    write(fileNameOf(changed), JSON.stringify(changed).replace('"changed"', '"charged"'));
    write(fileNameOf(cut), JSON.stringify(cut).slice(0, -9));
    write(fileNameOf(large), JSON.stringify(large) + ' '.repeat(5_000_000));
    write('writing', 'half of a prop');
    write('notes.txt', 'mine');
    mkdirSync(join(folder, 'sub'));
    expect(await store.list({ limit: 9 })).toEqual([good]);
    for (const { hash } of [changed, cut, large]) expect(await store.get(hash)).toBeUndefined();
    symlinkSync('/etc/hostname', join(folder, fileNameOf(linked)));
    await expect(store.get(linked.hash)).rejects.toMatchObject({ code: 'ELOOP' });
  });

  it('have ended where a crash left both what was and what became of it', async () => {
    const store = await opened(folder);
    const one = proposal('decided');
    await store.add(one);
    const before = readFileSync(join(folder, fileNameOf(one)));
    const ended: Proposal = { ...one, status: 'refused', outcome: 'no' };
    expect(await store.update(ended, 'open')).toBe(true);
    writeFileSync(join(folder, fileNameOf(one)), before);
    expect(await store.get(one.hash)).toEqual(ended);
    expect(await store.list({ limit: 9 })).toEqual([ended]);
    expect(await store.update({ ...one, status: 'applied' }, 'open')).toBe(false);
  });

  it('are refused by name where they are too large to be kept', async () => {
    const one = proposal('x'.repeat(4_200_000));
    await expect((await opened(folder)).add(one)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
    expect(await (await opened(folder)).list({ limit: 9 })).toEqual([]);
  });
});

import { createHash } from 'node:crypto';
import type { Proposal, ProposalStore } from '@provability-fabric/governor';
import { type Digest, digestJson, type JsonValue } from '@provability-fabric/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Two replicas' ends of one new store. */
export interface ProposalsUnderTest {
  readonly one: ProposalStore;
  readonly another: ProposalStore;
  close(): Promise<void>;
}

export interface ProposalsShape {
  readonly now: () => number;
  readonly bounds: { readonly open: number; readonly ended: number };
}

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const BOUNDS = { open: 5, ended: 4 };
const sha256 = (data: Uint8Array | string) => new Uint8Array(createHash('sha256').update(data).digest());
const crypto = { sha256, verifyEd25519: () => false };
const digest = (text: string) => Buffer.from(sha256(text)).toString('hex') as Digest;

/** What every place that keeps proposals has to keep to. */
export function describeProposalsContract(
  name: string,
  open: (shape: ProposalsShape) => Promise<ProposalsUnderTest>,
): void {
  describe(`the proposals contract, kept by ${name}`, () => {
    let now = NOW;
    let stores: ProposalsUnderTest;
    beforeEach(async () => {
      now = NOW;
      stores = await open({ now: () => now, bounds: BOUNDS });
    });
    afterEach(() => stores.close());
    const all = async (store: ProposalStore = stores.another) =>
      (await store.list({ limit: 100 })).map(({ manifest, status }) => `${manifest.rationale} ${status}`);

    it('gives every replica what one has kept, exactly', async () => {
      const hostile = proposalOf('a \u0000 "\' \\u0000 </script> \u{1f600} é \u202e', {
        proposer: '\u0000\n',
      });
      await stores.one.add(hostile);
      expect(await stores.another.get(hostile.hash)).toEqual(hostile);
      expect(await stores.another.get(digest('another'))).toBeUndefined();
      expect(await stores.another.list({ limit: 1 })).toEqual([hostile]);
    });

    it('keeps the first of one hash, whoever is first', async () => {
      const all = Array.from({ length: 6 }, (_, at) => proposalOf('same', { proposer: `agent-${at}` }));
      await Promise.all(all.map((one, at) => (at % 2 === 0 ? stores.one : stores.another).add(one)));
      const [kept, ...more] = await stores.one.list({ limit: 10 });
      expect(more).toEqual([]);
      expect(all).toContainEqual(kept);
      expect(await stores.another.get(proposalOf('same').hash)).toEqual(kept);
    });

    it('lists the newest first, of one status where asked, and no more than asked for', async () => {
      for (const at of [2, 1, 3]) await stores.one.add(proposalOf(`p${at}`, { at: NOW + at }));
      expect(await all()).toEqual(['p3 open', 'p2 open', 'p1 open']);
      await stores.one.update(
        proposalOf('p2', { at: NOW + 2, status: 'applied', outcome: 'applied' }),
        'open',
      );
      expect((await stores.another.list({ status: 'open', limit: 1 })).map(({ at }) => at)).toEqual([
        NOW + 3,
      ]);
      expect((await stores.another.list({ status: 'applied', limit: 9 })).map(({ at }) => at)).toEqual([
        NOW + 2,
      ]);
      expect(await stores.another.list({ status: 'refused', limit: 9 })).toEqual([]);
    });

    it('takes no more than its bound, and again as many when some were decided or their time is up', async () => {
      const adding = await Promise.allSettled(
        Array.from({ length: 9 }, (_, at) => stores.one.add(proposalOf(`p${at}`, { at: NOW + at }))),
      );
      const refused = adding.filter((result) => result.status === 'rejected');
      expect(refused).toHaveLength(4);
      for (const { reason } of refused) expect(reason).toMatchObject({ code: 'PROPOSALS_FULL' });
      const [newest] = await stores.one.list({ limit: 1 });
      await stores.one.update({ ...(newest as Proposal), status: 'refused', outcome: 'no' }, 'open');
      await stores.another.add(proposalOf('one more'));
      await expect(stores.one.add(proposalOf('and one'))).rejects.toMatchObject({ code: 'PROPOSALS_FULL' });
      now += 2 * HOUR;
      await stores.one.add(proposalOf('later', { at: now }));
      expect((await all()).filter((line) => line.endsWith(' open'))).toEqual(['later open']);
    });

    it('forgets the oldest of those that ended, and none that is open', async () => {
      await stores.one.add(proposalOf('old and open', { at: NOW - 1 }));
      for (let at = 0; at < 7; at++) {
        const one = proposalOf(`p${at}`, { at: NOW + at });
        await stores.one.add(one);
        await stores.one.update({ ...one, status: 'refused', outcome: 'no' }, 'open');
      }
      await stores.one.add(proposalOf('new', { at: NOW + 9 }));
      expect(await all()).toEqual([
        'new open',
        ...[6, 5, 4, 3].map((at) => `p${at} refused`),
        'old and open open',
      ]);
    });

    it('shows one whose time is up as expired, and lets nobody decide it any more', async () => {
      const late = proposalOf('late');
      await stores.one.add(late);
      now += HOUR - 1;
      expect((await stores.another.get(late.hash))?.status).toBe('open');
      now += 1;
      const seen = await stores.another.get(late.hash);
      expect(seen).toEqual({ ...late, status: 'expired', outcome: `expired at ${late.manifest.expires_at}` });
      expect(await stores.one.update({ ...late, status: 'applied', outcome: 'applied' }, 'open')).toBe(false);
      expect(await stores.one.list({ status: 'open', limit: 9 })).toEqual([]);
      expect(await stores.one.list({ status: 'expired', limit: 9 })).toEqual([seen]);
    });

    it('lets one of those who decide at once win, and tells the others', async () => {
      const open = proposalOf('raced');
      await stores.one.add(open);
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          (at % 2 === 0 ? stores.one : stores.another).update(
            { ...open, status: at % 3 === 0 ? 'applied' : 'refused', outcome: `by ${at}` },
            'open',
          ),
        ),
      );
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect((await stores.one.get(open.hash))?.outcome).toBe(`by ${answers.indexOf(true)}`);
      expect(await stores.one.update(proposalOf('never there'), 'open')).toBe(false);
    });

    it('loses no signature of those who sign at once', async () => {
      const open = proposalOf('signed');
      await stores.one.add(open);
      const sign = async (store: ProposalStore, keyid: string) => {
        for (;;) {
          const read = (await store.get(open.hash)) as Proposal;
          const signatures = [...(read.envelope?.signatures ?? []), { keyid, sig: keyid }];
          const envelope = { payloadType: 'application/json', payload: '', signatures };
          if (await store.update({ ...read, envelope }, 'open')) return;
        }
      };
      await Promise.all(['a', 'b', 'c', 'd'].map((id, at) => sign(at < 2 ? stores.one : stores.another, id)));
      const signed = await stores.another.get(open.hash);
      expect(signed?.envelope?.signatures.map(({ keyid }) => keyid).sort()).toEqual(['a', 'b', 'c', 'd']);
      expect(await stores.one.update(open, 'open')).toBe(false);
    });
  });
}

function proposalOf(rationale: string, part: Partial<Proposal> = {}): Proposal {
  const manifest = {
    version: '1.0.0',
    targets: ['a.txt'],
    edits: [],
    diffs: [],
    files: [{ path: 'a.txt', base: null, content: { text: 'a\n' } }],
    tests: [],
    rationale,
    base_tree: digest('tree'),
    policy: { digest: digest('policy'), version: 1 },
    expires_at: new Date((part.at ?? NOW) + HOUR).toISOString(),
    idempotency_key: 'key',
  } as const;
  return {
    hash: digestJson(crypto, manifest as unknown as JsonValue),
    manifest,
    envelope: null,
    proposer: 'agent',
    at: NOW,
    plan: {
      verdict: 'approved',
      reasons: [],
      blocked_paths: [],
      blocked_patterns: [],
      rules: [],
      policy: { digest: digest('policy'), version: 1 },
    },
    status: 'open',
    outcome: null,
    ...part,
  };
}

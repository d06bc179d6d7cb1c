import { createHash } from 'node:crypto';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UsageCharge } from '@provability-fabric/enforcement';
import { usageContract } from '@provability-fabric/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileUsage, fileUsage } from './file-usage.ts';

usageContract('a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pf-usage-'));
  const usage = fileUsage(join(folder, 'usage'));
  return {
    usage,
    another: async () => usage,
    async close() {
      await usage.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

const HOUR = 3_600_000;
const NOW = 1_800_000_000_000;

function chargeOf(part: Partial<UsageCharge> = {}): UsageCharge {
  return { clause: 'c', unit: 'calls', key: 'tenant', amount: 1, window_ms: HOUR, tolerance_ms: 0, ...part };
}

describe('counts in a file', () => {
  let folder: string;
  let opened: FileUsage[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pf-usage-'));
    opened = [];
  });
  afterEach(async () => {
    for (const usage of opened) await usage.close();
    await rm(folder, { recursive: true, force: true });
  });

  const file = () => join(folder, 'counts.jsonl');
  /** As after a kill: whoever had it before has not closed it. */
  const reopen = () => {
    const usage = fileUsage(folder);
    opened.push(usage);
    return usage;
  };
  let certificates = 0;
  const reserve = (
    usage: FileUsage,
    charges = [chargeOf()],
    at = NOW,
    certificateId = `c${++certificates}`,
  ) => usage.reserve({ tenant: 'acme', certificateId, at, charges });
  const used = async (usage: FileUsage, charges = [chargeOf()], at = NOW) =>
    (await reserve(usage, charges, at)).used[0];

  it('are there after a kill, with all that was answered and nothing that was released', async () => {
    const usage = reopen();
    const all = await Promise.all(Array.from({ length: 20 }, () => reserve(usage)));
    for (const each of all.slice(0, 5)) await each.release(['c']);
    expect(await used(reopen())).toBe(15);
  });

  it('count a reservation that nobody was answered on, once, and again once it is repeated', async () => {
    await reserve(reopen(), [chargeOf({ amount: 3 })], NOW, 'mine');
    const after = reopen();
    expect((await reserve(after, [chargeOf({ amount: 3 })], NOW + 1, 'mine')).used).toEqual([0]);
    expect(await used(after)).toBe(3);
  });

  it('drop the torn end of what was being written', async () => {
    await reserve(reopen());
    for (const torn of ['00', '0123456789abcdef {"seq":9', 'x\ny\n\n', '\0\0\0\0']) {
      await appendFile(file(), torn);
      const usage = reopen();
      const probe = await reserve(usage);
      expect(probe.used, torn).toEqual([1]);
      await probe.release(['c']);
      await usage.close();
    }
    const text = await readFile(file());
    await truncate(file(), text.length - 3);
    // A release that is lost counts: stricter than it need be.
    expect(await used(reopen())).toBe(2);
  });

  it('refuse a file that is damaged where it was durable, and change nothing', async () => {
    const usage = reopen();
    for (let times = 0; times < 5; times += 1) await reserve(usage);
    const whole = await readFile(file(), 'utf8');
    const lines = whole.split('\n');
    const damaged = [
      whole.replace('"amount":1', '"amount":0'),
      whole.replace('"tenant":"acme"', '"tenant":"acne"'),
      lines.toSpliced(2, 1).join('\n'),
      lines.toSpliced(2, 0, lines[2] as string).join('\n'),
      lines.slice(1).join('\n'),
      '',
      '\n',
    ];
    for (const text of damaged) {
      await writeFile(file(), text);
      const other = reopen();
      await expect(reserve(other)).rejects.toMatchObject({ code: 'USAGE_DAMAGED' });
      expect(other.health()[0]).toContain('cannot be counted');
      expect(await readFile(file(), 'utf8')).toBe(text);
    }
    // What was there is there again.
    await writeFile(file(), whole);
    expect(await used(reopen())).toBe(5);
  });

  it('refuse a file with a whole line that says something unknown, as another version may write it', async () => {
    const usage = reopen();
    await reserve(usage, [{ ...chargeOf(), max: 9 } as UsageCharge]);
    expect(await readFile(file(), 'utf8')).not.toContain('max');
    expect(await used(reopen())).toBe(1);
    const json = '{"seq":9,"durable":1,"op":"forget"}';
    const sum = createHash('sha256').update(json).digest('hex').slice(0, 16);
    await appendFile(file(), `${sum} ${json}\n`);
    await expect(reserve(reopen())).rejects.toMatchObject({ code: 'USAGE_DAMAGED' });
  });

  it('refuse while they cannot be written, and then go on with what was answered', async () => {
    const usage = reopen();
    await reserve(usage);
    await rm(folder, { recursive: true });
    await writeFile(folder, 'no folder');
    const large = Array.from({ length: 40 }, (_, at) =>
      chargeOf({ clause: `k${at}`, key: 'x'.repeat(200_000) }),
    );
    await reserve(usage, large).catch(() => undefined);
    await expect(reserve(usage)).rejects.toThrow();
    expect(usage.health()).toHaveLength(1);
    await rm(folder);
    await expect(reserve(usage)).rejects.toThrow();
    await mkdir(folder);
    expect(await used(usage)).toBe(1);
    expect(usage.health()).toEqual([]);
    expect(await used(reopen())).toBe(2);
  });

  it('are made by the first reservation, and only whoever runs the fabric may read them', async () => {
    const usage = reopen();
    expect(await readdir(folder)).toEqual([]);
    await reserve(usage);
    expect(await readdir(folder)).toEqual(['counts.jsonl']);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
  });

  it('stay small, and never count less than there was, however many came', async () => {
    const usage = reopen();
    const budget = chargeOf({ clause: 'b', window_ms: null });
    const many = 30_000;
    for (let from = 0; from < many; from += 3000) {
      const batch = Array.from({ length: 3000 }, (_, at) =>
        reserve(usage, [chargeOf(), budget], NOW + from + at),
      );
      await Promise.all(batch);
    }
    expect((await readFile(file())).length).toBeLessThan(9 * 1024 * 1024);
    const after = reopen();
    expect((await reserve(after, [chargeOf(), budget], NOW + many)).used).toEqual([many, many]);
    // Half of the window has passed for the older half of them.
    const half = (await reserve(after, [chargeOf()], NOW + HOUR + many / 2)).used[0] as number;
    expect(half).toBeGreaterThanOrEqual(many / 2);
    expect(half).toBeLessThan(many / 2 + 3000);
  });
});

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENGINES, LIMITS, NO_SANDBOX, processesNamed, runIn, testSandbox } from './sandbox.fixture.ts';
import type { Sandbox } from './sandbox.ts';

const MIB = 1024 * 1024;
const FORK_BOMB = `$0 = $ARGV[0]; my $n = 0; while (defined(my $pid = fork)) { if ($pid == 0) { sleep 60; exit } $n++; last if $n > 500 } print "$n\\n"`;

/** Setting up counts, and takes podman longer. */
const SHORT_MS = { bubblewrap: 300, podman: 1_000 };

function boundBy(sandbox: Sandbox): void {
  it('a fork bomb is held at the limit and gone with the run', async () => {
    const word = `pf-${randomUUID()}`;
    const { stdout, rc } = await runIn(sandbox, ['perl', '-e', FORK_BOMB, word], { limits: { pids: 16 } });
    // Perl itself is one of them.
    expect([stdout, rc]).toEqual(['15\n', 0]);
    expect(processesNamed(word)).toBe(0);
  });

  it('a memory hog ends', async () => {
    const script = 'my @x; push @x, "a" x 1_000_000 while 1';
    const result = await runIn(sandbox, ['perl', '-e', script], { limits: { memoryBytes: 64 * MIB } });
    expect(result.rc).not.toBe(0);
    if (result.tier === 'cgroups') expect([result.rc, result.end]).toEqual([137, 'memory-limit']);
  });
}

function endedBy(sandbox: Sandbox, timeoutMs: number): void {
  it('a time-out ends all of it, also children that keep the output open', async () => {
    const word = `pf-${randomUUID()}`;
    const command = `perl -e '$0="${word}"; $SIG{TERM} = $SIG{HUP} = "IGNORE"; sleep 60' & echo begun; sleep 60`;
    const result = await runIn(sandbox, command, { limits: { timeoutMs } });
    expect(result).toMatchObject({
      rc: 124,
      end: 'timed-out',
      timed_out: true,
      stdout: 'begun\n',
      commands: 1,
    });
    expect(result.duration_ms).toBeLessThan(timeoutMs + 2_500);
    expect(processesNamed(word)).toBe(0);
  });
}

for (const { name, options, missing } of ENGINES) {
  describe.skipIf(missing !== undefined)(`limits under ${name} (${missing ?? 'real'})`, () => {
    const full = testSandbox(options);
    const rlimits = testSandbox({ ...options, cgroup: false });

    describe('with the best tier that this machine has', () => {
      boundBy(full);
      endedBy(full, SHORT_MS[name]);
    });
    describe('with rlimits alone', () => {
      boundBy(rlimits);
      if (name === 'bubblewrap') endedBy(rlimits, SHORT_MS[name]);
    });

    it('ten gigabytes of output cost neither memory nor time', async () => {
      const before = process.memoryUsage().rss;
      const result = await runIn(full, 'yes | head -c 10000000000');
      expect(result).toMatchObject({ rc: 137, end: 'output-limit' });
      expect(result.stdout_bytes + result.stderr_bytes).toBe(LIMITS.outputBytes);
      expect(result.stdout.length).toBeLessThan(140_000);
      expect(result.duration_ms).toBeLessThan(3_000);
      expect(process.memoryUsage().rss - before).toBeLessThan(100 * MIB);
    });

    it('neither /tmp nor shared memory nor the root takes more than its share', async () => {
      const { stdout } = await runIn(
        full,
        'for f in /tmp/x /dev/shm/x; do head -c 40000000 /dev/zero 2>/dev/null > $f && echo "$f took it"; stat -c %s $f; rm $f; done',
        { limits: { diskBytes: 8 * MIB } },
      );
      expect(stdout).toBe(`${8 * MIB}\n${8 * MIB}\n`);
    });

    it('the kill switch ends a run, and one that is thrown already lets none begin', async () => {
      const word = `pf-${randomUUID()}`;
      const kill = new AbortController();
      const running = runIn(full, `perl -e '$0="${word}"; print STDERR "up"; sleep 60'`, {
        signal: kill.signal,
        onOutput: () => kill.abort(),
      });
      expect(await running).toMatchObject({ rc: 137, end: 'killed', commands: 1 });
      expect(processesNamed(word)).toBe(0);
      const result = await runIn(full, 'touch begun', { signal: AbortSignal.abort() }, (folder) => {
        expect(existsSync(`${folder}/begun`)).toBe(false);
      });
      expect(result).toMatchObject({ rc: 137, end: 'killed', commands: 0 });
    });
  });
}

// Who counts, and what `prlimit` sets inside, is the same whatever set the sandbox up.
describe.skipIf(NO_SANDBOX !== undefined)(
  `what is looked at from outside (${NO_SANDBOX ?? 'real bubblewrap'})`,
  () => {
    const full = testSandbox();

    it('output is told as it comes, and no further than the limit', async () => {
      const told: string[] = [];
      const result = await runIn(full, 'echo one; echo two >&2; sleep 0.05; yes', {
        limits: { outputBytes: 64 },
        onOutput: (stream, chunk) => told.push(`${stream} ${chunk.length}`),
      });
      expect(result.end).toBe('output-limit');
      expect(told.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0)).toBe(64);
      expect(told.some((line) => line.startsWith('stderr'))).toBe(true);
    });

    it('a file ends at its limit, and many files at the limit of the disk', async () => {
      const file = await runIn(full, 'head -c 2000000 /dev/zero > big', { limits: { fileBytes: MIB } });
      expect(file.rc).not.toBe(0);
      const many = 'for n in 1 2 3 4 5 6 7 8; do head -c 4000000 /dev/zero > f$n; done; sleep 30';
      const disk = await runIn(full, many, { limits: { diskBytes: 16 * MIB } });
      expect(disk).toMatchObject({ rc: 137, end: 'disk-limit' });
      expect(disk.duration_ms).toBeLessThan(5_000);
    });

    it('limits that limit nothing are refused', async () => {
      for (const wrong of [
        { timeoutMs: 0 },
        { memoryBytes: Number.NaN },
        { pids: 1.5 },
        { cpus: 0 },
        { timeoutMs: 2 ** 31 },
      ]) {
        await expect(runIn(full, 'true', { limits: wrong })).rejects.toThrow(RangeError);
      }
    });
  },
);

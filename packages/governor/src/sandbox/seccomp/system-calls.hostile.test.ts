import { beforeAll, describe, expect, it } from 'vitest';
import { ENGINES, runIn, testSandbox } from '../sandbox.fixture.ts';
import { type Architecture, callNumbers, DENIED_CALLS } from './system-calls.ts';

const architecture: Architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

/** Perl can make any system call by number; zeros as arguments fail otherwise, or do nothing. */
const PROBE = `
  for my $call (@ARGV) {
    my ($name, $number, @args) = split ',', $call;
    $! = 0;
    my $answer = syscall($number + 0, (map { $_ + 0 } @args), 0, 0, 0, 0);
    print "$name ", $answer == -1 ? $! + 0 : 'ok', "\\n";
  }`;

for (const { name: engine, options, missing } of ENGINES) {
  describe.skipIf(missing !== undefined)(`the kernel under ${engine} (${missing ?? 'real'})`, () => {
    const sandbox = testSandbox(options);
    const newer = engine === 'podman' ? /^(statmount|listmount) / : /^$/;
    const denied = new Map(
      Object.values(DENIED_CALLS).flatMap((table) => [...callNumbers(table, architecture)]),
    );

    async function probe(calls: readonly string[]): Promise<readonly string[]> {
      const { stdout, rc } = await runIn(sandbox, ['perl', '-e', PROBE, '--', ...calls]);
      expect(rc).toBe(0);
      return stdout.trim().split('\n');
    }

    beforeAll(() => sandbox.ability());

    it('says EPERM to each call that is denied, and ENOSYS to numbers that no kernel has', async () => {
      const answers = await probe([...denied].map(([name, number]) => `${name},${number}`));
      // A runtime's library knows no calls that are newer than it is: for it those are in no list.
      const known = answers.map((answer) => (newer.test(answer) ? answer.replace(' 38', ' 1') : answer));
      expect(known).toEqual([...denied.keys()].map((name) => `${name} 1`));
      expect(await probe(['clone3,435', 'unknown,999'])).toEqual(['clone3 38', 'unknown 38']);
    });

    it('makes no namespace by clone, and types into no terminal', async () => {
      const [clone, ioctl] = architecture === 'x86_64' ? [56, 16] : [220, 29];
      const flags = [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000];
      const answers = await probe([
        ...flags.map((flag) => `clone,${clone},${flag + 17}`),
        `tiocsti,${ioctl},0,${0x5412}`,
      ]);
      expect(answers).toEqual([...flags.map(() => 'clone 1'), 'tiocsti 1']);
      const high = 2 ** 32 + 0x5412;
      expect(await probe([`tiocsti,${ioctl},0,${high}`])).toEqual(['tiocsti 1']);
    });

    it.skipIf(architecture !== 'x86_64')('kills a process that calls by the x32 numbers', async () => {
      const { rc } = await runIn(sandbox, ['perl', '-e', `syscall(${0x40000000 + 39})`]);
      expect(rc).toBe(128 + 31);
    });

    it('lets ordinary programs be: threads, pipes, temporary files, sockets of their own', async () => {
      const command = `printf 'b\\na\\n' | sort --parallel=2 | tee out && perl -MSocket -MIO::Handle -e '
      socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die $!; $a->autoflush; print $a "hi\\n"; print scalar <$b>;
      socket(my $l, PF_INET, SOCK_STREAM, 0) or die $!; listen($l, 1) or die $!;
      socket(my $c, PF_INET, SOCK_STREAM, 0) or die $!; connect($c, getsockname($l)) or die $!; print "connected\\n"'`;
      const { stdout, stderr } = await runIn(sandbox, command);
      expect([stdout, stderr]).toEqual(['a\nb\nhi\nconnected\n', '']);
    });
  });
}

import { runIn, testSandbox } from './sandbox.fixture.ts';

/** Run by a test as a governor whose starter left descriptors open. */
const { stdout } = await runIn(
  testSandbox({ cgroup: false }),
  'cd /proc/self/fd && for fd in *; do echo "$fd -> $(readlink $fd)"; done; cat /proc/self/fd/99',
);
process.stdout.write(stdout);

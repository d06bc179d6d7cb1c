import { ENGINES, runIn, testSandbox } from './sandbox.fixture.ts';

/** Run by a test as a governor that is killed while a test of a change runs. Prints when it does. */
const [, , word = '', engine = ''] = process.argv;
await runIn(
  testSandbox(ENGINES.find(({ name }) => name === engine)?.options),
  `perl -e '$0="${word}"; close STDIN; $|=1; print "up"; sleep 60' & perl -e 'sleep 60'`,
  {
    onOutput: () => process.stdout.write('up'),
    limits: { timeoutMs: 60_000 },
  },
);

import { randomBytes } from 'node:crypto';
import { type Ran, recordedTerminal } from '@provability-fabric/command-line/testing';
import type { Governance } from './governance.ts';
import { run } from './run.ts';
import type { Terminal } from './terminal.ts';

export interface RunOptions extends Partial<Omit<Terminal, 'settings'>> {
  readonly stdin?: string;
  readonly settings?: Partial<Terminal['settings']>;
  readonly governance?: Governance;
}

/** Runs one command line in this process and says what it printed. */
export async function safeai(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { stdin, settings, governance, ...given } = options;
  const { terminal: recorded, ran } = recordedTerminal(stdin);
  const terminal: Terminal = {
    ...recorded,
    relay(stream, chunk) {
      const text = Buffer.from(chunk).toString();
      if (stream === 'stdout') void recorded.write(text);
      else recorded.note(text);
    },
    user: 'alice',
    // Two keys of a test are two keys.
    random: (bytes) => randomBytes(bytes),
    interruptible: (work) => work(new AbortController().signal),
    ...given,
    settings: {
      dataDir: undefined,
      projectRoot: undefined,
      policyFile: undefined,
      url: undefined,
      tokenFile: undefined,
      sshAgentSocket: undefined,
      user: undefined,
      ...settings,
    },
  };
  const code = await run(args, terminal, async () => {
    if (governance === undefined) throw new Error('this test has no governor');
    return governance;
  });
  return ran(code);
}

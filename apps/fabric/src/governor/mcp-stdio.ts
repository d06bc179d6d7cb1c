import { PassThrough } from 'node:stream';
import { type ChangeDesk, serveGovernorOverStdio } from '@provability-fabric/gateway-mcp';
import type { GovernorCaller } from '@provability-fabric/governor';
import { VERSION } from '../version.ts';

export interface StdioMcp {
  readonly caller: GovernorCaller;
  /** Ends it as the end of standard input does. */
  readonly signal: AbortSignal;
  /** A governor for one call. */
  within<Result>(use: 'change' | 'look', work: (desk: ChangeDesk) => Promise<Result>): Promise<Result>;
}

/** Speaks MCP with the agent that started this process, on whose behalf all of it happens. */
export async function serveMcpOnStdio({ caller, signal, within }: StdioMcp): Promise<void> {
  const desk: ChangeDesk = {
    propose: (by, manifest) => within('change', (governor) => governor.propose(by, manifest)),
    check: (by, hash) => within('look', (governor) => governor.check(by, hash)),
    plan: (by, manifest) => within('look', (governor) => governor.plan(by, manifest)),
    status: () => within('look', (governor) => governor.status()),
  };
  const input = process.stdin.pipe(new PassThrough());
  const end = () => input.end();
  signal.addEventListener('abort', end, { once: true });
  const failed = (error: unknown) =>
    process.stderr.write(`safeai mcp: ${error instanceof Error ? error.message : 'an unknown error'}\n`);
  try {
    const client = { caller, may: () => true };
    await serveGovernorOverStdio({ desk, name: 'safeai', version: VERSION, failed }, client, {
      input,
      output: process.stdout,
    });
  } finally {
    signal.removeEventListener('abort', end);
    process.stdin.unpipe(input);
    process.stdin.pause();
  }
}

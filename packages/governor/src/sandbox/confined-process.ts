import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { inheritedDescriptors } from './inherited-descriptors.ts';

export interface ConfinedEnd {
  /** Whether the sandbox was set up and the command begun; otherwise `rc` is that of the setting up. */
  readonly begun: boolean;
  readonly rc: number;
}

export interface ConfinedProcess {
  /** When all of it has ended and its output has been told. */
  readonly ended: Promise<ConfinedEnd>;
  kill(): void;
}

export type TellOutput = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;

/** Begins one command in a sandbox of its own. */
export type ConfinedStart = (onOutput: TellOutput) => ConfinedProcess;

export interface Launcher {
  readonly program: string;
  readonly argv: readonly string[];
  /** Beside PATH; nothing of the governor's own, so that not even the launcher shows it. */
  readonly environment?: Readonly<Record<string, string>>;
  /** How many pipes it gets, from the first descriptor after the standard ones on. */
  readonly pipes: number;
}

/** The first descriptor after the standard ones. */
export const FIRST_PIPE = 3;

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGKILL: 9, SIGTERM: 15, SIGSYS: 31 };

/** As a shell would say how a process ended. */
export function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 1);
}

export function spawnLauncher(
  { program, argv, environment, pipes }: Launcher,
  onOutput: TellOutput,
): ChildProcess {
  const nothing = openSync('/dev/null', 'r');
  let child: ChildProcess;
  try {
    child = spawn(program, argv, {
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...environment },
      cwd: '/',
      detached: true,
      stdio: descriptors(pipes, nothing),
    });
  } finally {
    closeSync(nothing);
  }
  child.stdout?.on('data', (chunk: Buffer) => onOutput('stdout', chunk));
  child.stderr?.on('data', (chunk: Buffer) => onOutput('stderr', chunk));
  return child;
}

/** Descriptors that the governor's starter left open would reach the commands: they get nothing instead. */
function descriptors(pipes: number, nothing: number): ('ignore' | 'pipe' | number)[] {
  const own: ('ignore' | 'pipe' | number)[] = [
    'ignore',
    'pipe',
    'pipe',
    ...Array<'pipe'>(pipes).fill('pipe'),
  ];
  for (const descriptor of inheritedDescriptors()) {
    while (own.length <= descriptor) own.push('ignore');
    if (descriptor >= FIRST_PIPE + pipes) own[descriptor] = nothing;
  }
  return own;
}

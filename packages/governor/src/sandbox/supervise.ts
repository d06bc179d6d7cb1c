import { BoundedOutput } from './bounded-output.ts';
import type { ConfinedProcess, ConfinedStart } from './confined-process.ts';
import { watchDisk } from './disk-watch.ts';
import type { SandboxEnd, SandboxRun } from './sandbox.ts';

export interface Supervised {
  readonly rc: number;
  readonly end: SandboxEnd;
  readonly commands: number;
  readonly stdout: BoundedOutput;
  readonly stderr: BoundedOutput;
  /** False where a sandbox could not be set up for a command; then `rc` means nothing. */
  readonly begun: boolean;
}

const RC_TIMED_OUT = 124;
const RC_KILLED = 137;

/** Runs the commands one after the other, each in a sandbox of its own, until one fails or a limit ends them all. */
export async function supervise(run: SandboxRun, starts: readonly ConfinedStart[]): Promise<Supervised> {
  const output = { stdout: new BoundedOutput(), stderr: new BoundedOutput() };
  let end: SandboxEnd = 'exited';
  let current: ConfinedProcess | undefined;
  const stop = (why: SandboxEnd) => {
    if (end === 'exited') end = why;
    current?.kill();
  };
  const onOutput = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => {
    const room = run.limits.outputBytes - output.stdout.bytes - output.stderr.bytes;
    const part = chunk.subarray(0, Math.max(0, room));
    if (part.length > 0) {
      output[stream].add(part);
      run.onOutput?.(stream, part);
    }
    if (chunk.length > room) stop('output-limit');
  };
  const abort = () => stop('killed');
  const timer = setTimeout(() => stop('timed-out'), run.limits.timeoutMs);
  const disk = await watchDisk(run.folder, run.limits.diskBytes, () => stop('disk-limit'));
  run.signal?.addEventListener('abort', abort, { once: true });
  if (run.signal?.aborted === true) abort();
  let last = { begun: true, rc: 0 };
  let commands = 0;
  try {
    for (const start of starts) {
      if (end !== 'exited' || last.rc !== 0) break;
      commands++;
      current = start(onOutput);
      last = await current.ended;
      if (!last.begun) break;
    }
  } finally {
    clearTimeout(timer);
    disk.close();
    run.signal?.removeEventListener('abort', abort);
  }
  // Read through a function: the compiler does not see that the callbacks above change it.
  const ended = ((): SandboxEnd => end)();
  const rc = ended === 'exited' ? last.rc : ended === 'timed-out' ? RC_TIMED_OUT : RC_KILLED;
  return { rc, end: ended, commands, begun: ended !== 'exited' || last.begun, ...output };
}

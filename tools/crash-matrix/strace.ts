import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** strace counts per thread and call, and the thread pool shares the work: `nth` is of whichever thread is there first. */
export interface Kill {
  readonly call: string;
  readonly nth: number;
}

/** Children that run another program, PostgreSQL, are let go. */
const FOLLOW = ['-f', '-b', 'execve', '--seccomp-bpf'];
const QUIET = ['-qq', '-e', 'signal=none'];

/** Put before a program: it is killed at that call, and remains the child of whoever starts it. */
export function killedAt({ call, nth }: Kill): readonly string[] {
  return [
    'strace',
    '-D',
    ...FOLLOW,
    ...QUIET,
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:signal=SIGKILL:when=${nth}`,
  ];
}

/** Put before a program: writes down its calls. */
export function traced(
  calls: readonly string[],
  file: string,
  more: readonly string[] = [],
): readonly string[] {
  return ['strace', '-D', ...FOLLOW, ...QUIET, ...more, '-o', file, '-e', `trace=${calls.join(',')}`];
}

/** Attaches to running processes; resolves once every thread is held to it. */
export async function attach(
  pids: readonly number[],
  options: readonly string[],
): Promise<{ readonly detach: () => Promise<void> }> {
  const targets = pids.flatMap((pid) => ['-p', `${pid}`]);
  const child = spawn('strace', ['-f', ...options, ...targets], { stdio: ['ignore', 'ignore', 'pipe'] });
  await attached(child, pids.length);
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    async detach() {
      child.kill('SIGINT');
      await exited;
    },
  };
}

export function attachToKill(pids: readonly number[], { call, nth }: Kill) {
  return attach(pids, [
    '-o',
    '/dev/null',
    '-e',
    'signal=none',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:signal=SIGKILL:when=${nth}`,
  ]);
}

const ATTACH_MS = 20_000;

function attached(child: ChildProcess, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGINT');
      reject(new Error(`strace did not attach to ${count} processes in ${ATTACH_MS} ms: ${said}`));
    }, ATTACH_MS);
    child.once('close', () => clearTimeout(timer));
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += chunk;
      // One that has ended meanwhile, as helpers of PostgreSQL do, is passed over.
      if ((said.match(/ attached|No such process/g)?.length ?? 0) < count) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`strace did not attach: ${said}`)));
  });
}

/** How often each call was made by the thread that made it most, by call. */
export function mostPerThread(file: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const match = /^(\d+) +([a-z0-9_]+)\(/.exec(line);
    if (match === null) continue;
    const key = `${match[1]} ${match[2]}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const most = new Map<string, number>();
  for (const [key, count] of counts) {
    const call = key.split(' ')[1] ?? '';
    most.set(call, Math.max(most.get(call) ?? 0, count));
  }
  return most;
}

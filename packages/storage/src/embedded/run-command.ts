import { spawn } from 'node:child_process';

/** As whom and through what a program is started. */
export interface Identity {
  readonly uid?: number;
  readonly gid?: number;
  /** Put before the program and its arguments. */
  readonly prefix: readonly string[];
}

export interface Command {
  readonly identity: Identity;
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
}

/** Of this process's environment nothing is handed on: PGDATA and its like would change what is started. */
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' };

/** The options and words for `spawn`. */
export function spawnArguments({ identity, program, args, folder }: Command) {
  const [file = program, ...rest] = [...identity.prefix, program, ...args];
  const { uid, gid } = identity;
  const options = {
    cwd: folder,
    env: ENVIRONMENT,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  };
  return { file, args: rest, options };
}

const MAX_OUTPUT = 64 * 1024;

export interface Finished {
  readonly ok: boolean;
  readonly output: string;
}

/** Never throws: a program that cannot be started is one that failed. */
export async function runCommand(command: Command, input: string, timeoutMs: number): Promise<Finished> {
  const { file, args, options } = spawnArguments(command);
  return new Promise((resolve) => {
    let output = '';
    const add = (chunk: Buffer) => {
      if (output.length < MAX_OUTPUT) output += chunk.toString('utf8');
    };
    const child = spawn(file, args, { ...options, stdio: 'pipe', timeout: timeoutMs, killSignal: 'SIGKILL' });
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, output: error.code ?? 'failed' }),
    );
    child.on('close', (code) => resolve({ ok: code === 0, output }));
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(input);
  });
}

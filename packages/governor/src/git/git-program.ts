// Git runs with nothing of the machine's or the user's settings, and with whatever of the repository's own could start a
// program switched off: a repository is part of what is governed, and its config is not to be trusted.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { GovernorError } from '../errors.ts';

const USUAL_PLACES = ['/usr/bin/git', '/usr/local/bin/git', '/opt/homebrew/bin/git'];
const TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 256 * 1024 ** 2;
const MAX_SHOWN = 200;

/** The last of several values wins, and the command line's come last. */
const SETTINGS: readonly string[] = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.attributesFile=/dev/null',
  'core.excludesFile=/dev/null',
  'core.editor=false',
  'core.pager=cat',
  'core.sshCommand=false',
  'core.alternateRefsCommand=false',
  'core.gitProxy=false',
  'core.askPass=false',
  'credential.helper=',
  'gpg.program=false',
  'gpg.ssh.program=false',
  'commit.gpgSign=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'protocol.allow=never',
  'core.splitIndex=false',
  'core.untrackedCache=false',
  'index.sparse=false',
  'core.bare=false',
  'core.fsync=loose-object,pack,index,reference',
  'core.fsyncMethod=fsync',
];

const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/bin:/bin',
  HOME: '/dev/null',
  LC_ALL: 'C',
  TZ: 'UTC',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: '',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_COMMITTER_NAME: 'SAFE-AI Governor',
  GIT_COMMITTER_EMAIL: 'governor@safeai.invalid',
};

export interface GitRun {
  readonly input?: Uint8Array | string;
  /** Absent: the repository's own. */
  readonly index?: string;
  /** Exit codes other than 0 that are an answer. */
  readonly allow?: readonly number[];
}

export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
}

export type Git = (args: readonly string[], run?: GitRun) => Promise<GitResult>;

export function findGit(): string {
  const found = USUAL_PLACES.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found !== undefined) return found;
  throw new GovernorError(
    'GIT_FAILED',
    `expected git at ${USUAL_PLACES.map((path) => `\`${path}\``).join(' or ')}; install it`,
  );
}

/**
 * `empty` poses as the work tree: whenever git writes an index it looks at files that were changed in the same moment again,
 * through the filters that the repository names for them. Where there are no files, there is nothing to filter.
 */
export function gitIn(program: string, gitFolder: string, empty: string): Git {
  const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
  return (args, run = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, [...settings, '--no-pager', ...args], {
        cwd: empty,
        env: {
          ...ENVIRONMENT,
          GIT_DIR: gitFolder,
          GIT_WORK_TREE: empty,
          ...(run.index === undefined ? {} : { GIT_INDEX_FILE: run.index }),
        },
        stdio: ['pipe', 'pipe', 'pipe'],
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
      });
      const stdout: Buffer[] = [];
      let bytes = 0;
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_OUTPUT_BYTES) child.kill('SIGKILL');
        else stdout.push(chunk);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        if (stderr.length < MAX_SHOWN) stderr += chunk.toString('utf8');
      });
      child.on('error', (error) => reject(failed(args, 'it could not be started', error)));
      child.on('close', (code, signal) => {
        if (code !== null && (code === 0 || run.allow?.includes(code))) {
          resolve({ code, stdout: Buffer.concat(stdout) });
          return;
        }
        reject(
          failed(args, signal === null ? firstLine(stderr) || `exit code ${code}` : `ended by ${signal}`),
        );
      });
      // A program that ends early closes its input; its exit code says what was wrong.
      child.stdin.on('error', () => {});
      child.stdin.end(run.input ?? '');
    });
}

function failed(args: readonly string[], why: string, cause?: unknown): GovernorError {
  const command = args.find((arg) => !arg.startsWith('-')) ?? '';
  return new GovernorError('GIT_FAILED', `\`git ${command}\` failed: ${why}`, { cause });
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return [...line.slice(0, MAX_SHOWN)].map((char) => (char < ' ' ? '?' : char)).join('');
}

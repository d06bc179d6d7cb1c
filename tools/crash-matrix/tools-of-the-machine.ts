import { spawnSync } from 'node:child_process';

/** What a case may need of the machine, and how to find out whether it is there. */
const PROBES = {
  strace: {
    command: ['strace', '-f', '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO', 'true'],
    lacking: 'strace is missing, or not allowed to trace',
  },
  'small file systems': {
    command: [
      'sh',
      '-c',
      'd=$(mktemp -d) && mount -t tmpfs tmpfs "$d" && umount "$d"; r=$?; rmdir "$d"; exit $r',
    ],
    lacking: 'a small file system cannot be mounted',
  },
} as const;

export type Tool = keyof typeof PROBES;

/** undefined where everything is there. */
export function lacking(tools: readonly Tool[]): string | undefined {
  for (const tool of tools) {
    const { command, lacking: reason } = PROBES[tool];
    const [file, ...args] = command;
    if (spawnSync(file, args, { stdio: 'ignore' }).status !== 0) return reason;
  }
  return undefined;
}

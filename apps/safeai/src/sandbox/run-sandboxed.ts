import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { CommandError } from '@provability-fabric/command-line';
import { nodeCrypto } from '@provability-fabric/evidence';
import type { LocalPlace } from '@provability-fabric/fabric';
import { createSandbox, makeWorkspace, openTree, requireApart } from '@provability-fabric/governor';
import { codeOf } from '../exit-codes.ts';
import type { Shell } from '../shell.ts';

export interface RunLimits {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly pids: number;
  readonly readOnly: readonly string[];
}

const FILE_BYTES = 256 * 1024 * 1024;
const DISK_BYTES = 1024 * 1024 * 1024;
const OUTPUT_BYTES = 16 * 1024 * 1024;

/** Runs one program on a private copy of the tree, which is removed again, and answers with its exit code. */
export async function runSandboxed(
  shell: Shell,
  { projectRoot, dataDir, keysDir }: LocalPlace,
  command: readonly string[],
  { readOnly, ...asked }: RunLimits,
): Promise<number> {
  const { terminal } = shell;
  const limits = {
    ...asked,
    cpus: 1,
    fileBytes: FILE_BYTES,
    diskBytes: DISK_BYTES,
    outputBytes: OUTPUT_BYTES,
  };
  // Of folders that are there: a command sees the whole tree.
  await requireApart(
    projectRoot,
    [dataDir, keysDir].filter((path) => existsSync(path)),
  );
  const workspace = await makeWorkspace(tmpdir());
  try {
    await copyTree(projectRoot, workspace.folder, terminal.now);
    const hidden = [projectRoot, dataDir, keysDir];
    const sandbox = createSandbox({ now: () => performance.now(), workspaces: tmpdir(), hidden });
    const { folder } = workspace;
    const onOutput = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => terminal.relay(stream, chunk);
    const result = await terminal.interruptible((signal) =>
      sandbox.run({ folder, commands: [command], limits, readOnly, signal, onOutput }),
    );
    if (result.end === 'timed-out') shell.bad(`Timed out after ${limits.timeoutMs} ms`);
    else if (result.end !== 'exited') shell.bad(`Ended: ${result.end.replace('-', ' ')}`);
    return result.rc;
  } finally {
    await workspace.remove();
  }
}

async function copyTree(root: string, folder: string, now: () => number): Promise<void> {
  const tree = await openTree(root, { crypto: nodeCrypto(), now }).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new CommandError('INPUT_INVALID', `expected a folder at ${root}, came nothing there`, {
      cause: error,
    });
  });
  try {
    // The copy makes the folder itself, so that nobody else can have put anything into it.
    await rmdir(folder);
    await tree.copyInto(folder, []);
  } finally {
    tree.close();
  }
}

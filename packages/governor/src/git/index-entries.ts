import { GovernorError } from '../errors.ts';

export interface IndexEntry {
  readonly mode: string;
  readonly id: string;
  /** 0, or one side of a merge that was not finished. */
  readonly stage: number;
}

/** What `git ls-files --stage -z` prints; several entries of one path are a merge that was not finished. */
export function parseIndex(output: Buffer): ReadonlyMap<string, readonly IndexEntry[]> {
  const entries = new Map<string, IndexEntry[]>();
  for (const line of output.toString('utf8').split('\0')) {
    if (line === '') continue;
    const match = /^(\d{6}) ([0-9a-f]{40,64}) ([0-3])\t/.exec(line);
    const [head = '', mode = '', id = '', stage = ''] = match ?? [];
    if (match === null)
      throw new GovernorError('GIT_FAILED', 'git printed an index in another form than expected');
    const path = line.slice(head.length);
    entries.set(path, [...(entries.get(path) ?? []), { mode, id, stage: Number(stage) }]);
  }
  return entries;
}

/** A line for `git update-index -z --index-info`. */
export function indexLine(
  path: string,
  entry: { readonly mode: string; readonly id: string } | null,
  zero: string,
): string {
  return entry === null ? `0 ${zero} 0\t${path}\0` : `${entry.mode} ${entry.id} 0\t${path}\0`;
}

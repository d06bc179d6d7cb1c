import type { Commit, CommitEntry } from '@provability-fabric/enforcement';
import { asDigest, type Digest, utf8 } from '@provability-fabric/kernel';

interface Head {
  readonly seq: number;
  readonly digest: Digest;
}

/**
 * Commits with made-up content that differs in every byte field from one to the next, the same in every run.
 */
export function commitOf(
  tenant: string,
  session: string,
  head: Head | undefined,
  count = 1,
  mark = '',
): Commit {
  const first = (head?.seq ?? -1) + 1;
  const entries = Array.from({ length: count }, (_, position) =>
    entryOf(tenant, session, first + position, mark),
  );
  return { tenant, session, expectedSeq: first - 1, expectedDigest: head?.digest ?? null, entries };
}

/** Where a session ends once the commit is in. */
export function headAfter(commit: Commit): Head {
  const { seq, digest } = commit.entries.at(-1) as CommitEntry;
  return { seq, digest };
}

function entryOf(tenant: string, session: string, seq: number, mark: string): CommitEntry {
  const name = `${tenant}/${session}/${seq}/${mark}`;
  return {
    seq,
    digest: asDigest(spread(name, 64, (value) => (value % 16).toString(16)).join('')),
    envelope: utf8(JSON.stringify({ envelope: name })),
    salt: Uint8Array.from(spread(`salt ${name}`, 32, (value) => value % 256)),
    record: utf8(JSON.stringify({ record: name })),
  };
}

/** Not a hash, only different for different names. */
function spread<Value>(name: string, length: number, form: (value: number) => Value): Value[] {
  let state = 0x811c9dc5;
  const stir = (value: number) => {
    state = Math.imul(state ^ value, 0x01000193) >>> 0;
  };
  for (let i = 0; i < name.length; i++) stir(name.charCodeAt(i));
  return Array.from({ length }, (_, position) => {
    stir(position);
    return form(state >>> 8);
  });
}

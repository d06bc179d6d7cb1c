import type { Commit, CommitEntry } from '@provability-fabric/enforcement';
import type { FileLog } from '@provability-fabric/evidence';
import {
  canonicalBytes,
  concatBytes,
  digestOf,
  fromBase64,
  type JsonValue,
  parseEnvelope,
  parseJsonBytes,
  preAuthEncoding,
  strictCanonicalBytes,
  treeRoot,
} from '@provability-fabric/kernel';
import { type IntentInput, parseInput, type State, step } from '@provability-fabric/policy';
import { inputOf, parseInputRecord } from '@provability-fabric/statements';
import type { BenchFabric } from './fabric.ts';

/** One decision as it was recorded: what its stages work on when they are measured alone. */
export interface Recorded {
  readonly session: string;
  readonly state: State;
  readonly input: IntentInput;
  readonly statement: JsonValue;
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly record: JsonValue;
  /** What the record's root is over, each after the byte that makes it a leaf. */
  readonly leaves: readonly Uint8Array[];
  readonly entry: CommitEntry;
}

/** µs for one decision. */
export interface StageCosts {
  readonly step: number;
  /** The certificate and the input record that it commits to, once each. */
  readonly canonicalise: number;
  readonly sign: number;
  /** The certificate, and the record's leaves up to their root. */
  readonly hash: number;
  readonly append: number;
  /** Of `canonicalise` and `hash`, what the certificate takes by itself. */
  readonly canonicaliseCertificate: number;
  readonly hashCertificate: number;
}

/** The decisions in what was committed; `states` has the state of each session that they were made in. */
export function recordedDecisions(
  commits: readonly Commit[],
  states: ReadonlyMap<string, State>,
): Recorded[] {
  const found: Recorded[] = [];
  for (const { session, entries } of commits) {
    const state = states.get(session);
    const [entry] = entries;
    if (state === undefined || entry === undefined || entries.length > 1) continue; // the first also opens its session
    const { payloadType, payload: encoded } = parseEnvelope(parseJsonBytes(entry.envelope));
    const payload = fromBase64(encoded);
    const record = parseJsonBytes(entry.record);
    const { leaves } = parseInputRecord(record);
    const input = parseInput(inputOf({ leaves }));
    if (input.kind !== 'intent') throw new Error('expected commits of decisions only');
    const statement = parseJsonBytes(payload);
    found.push({
      session,
      state,
      input,
      statement,
      payloadType,
      payload,
      record,
      leaves: leaves.map(({ path, salt, value }) =>
        concatBytes(Uint8Array.of(0), canonicalBytes([path, salt, value])),
      ),
      entry,
    });
  }
  return found;
}

/** What each part of a decision costs by itself, over the same decisions: the least that all of it together can cost. */
export async function stageCosts(
  { crypto, bundle, signer }: BenchFabric,
  alone: FileLog,
  decisions: readonly Recorded[],
  mark: string,
): Promise<StageCosts> {
  const each = (work: (recorded: Recorded) => void) => {
    const started = performance.now();
    for (const recorded of decisions) work(recorded);
    return ((performance.now() - started) * 1000) / decisions.length;
  };
  const canonicaliseCertificate = each(({ statement }) => void strictCanonicalBytes(statement));
  const hashCertificate = each(({ payload }) => void digestOf(crypto, payload));
  const canonicaliseRecord = each(({ record }) => void canonicalBytes(record));
  const hashRecord = each(({ leaves }) => {
    treeRoot(
      crypto,
      leaves.map((leaf) => crypto.sha256(leaf)),
    );
  });
  return {
    step: each(({ state, input }) => void step(bundle, state, input)),
    canonicalise: canonicaliseCertificate + canonicaliseRecord,
    sign: each(({ payloadType, payload }) => void signer.sign(preAuthEncoding(payloadType, payload))),
    hash: hashCertificate + hashRecord,
    append: await appendCost(alone, decisions, mark),
    canonicaliseCertificate,
    hashCertificate,
  };
}

/** The log alone takes the same bytes from as many sessions at once, and signs them under a checkpoint. */
async function appendCost(log: FileLog, decisions: readonly Recorded[], mark: string): Promise<number> {
  const sessions = bySession(decisions);
  const started = performance.now();
  await Promise.all(
    [...sessions].map(async ([session, recorded]) => {
      let head: CommitEntry | undefined;
      for (const { entry } of recorded) {
        const next = { ...entry, seq: (head?.seq ?? -1) + 1 };
        const commit: Commit = {
          tenant: 'acme',
          session: `${session}-${mark}`,
          expectedSeq: head?.seq ?? -1,
          expectedDigest: head?.digest ?? null,
          entries: [next],
        };
        const result = await log.commit(commit);
        if (!result.ok) throw new Error('expected the log alone to take every commit');
        head = next;
      }
    }),
  );
  await log.flush();
  return ((performance.now() - started) * 1000) / decisions.length;
}

function bySession(decisions: readonly Recorded[]): Map<string, Recorded[]> {
  const sessions = new Map<string, Recorded[]>();
  for (const recorded of decisions) {
    const list = sessions.get(recorded.session) ?? [];
    list.push(recorded);
    sessions.set(recorded.session, list);
  }
  return sessions;
}

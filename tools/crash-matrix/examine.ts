import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportEvidence, nodeCrypto, openBundleArchive } from '@provability-fabric/evidence';
import { runVerifier } from '../../apps/fabric/src/quickstart/verifier.ts';
import { examine as readStory } from '../crash/examine.ts';
import { TENANT } from './bundle.ts';
import type { Said } from './said.ts';
import { contradictions, messageOf } from './shown-checkpoints.ts';
import {
  type FileEvidence,
  type LedgerEntry,
  LedgerEvidence,
  publishedSize,
  readFileEvidence,
} from './stored-evidence.ts';
import { ledgerOverHttp } from './tiles-over-http.ts';
import type { Witness } from './witness.ts';

export interface Scene {
  /** Of every fabric that took part. */
  readonly folders: readonly string[];
  /** The ledger's database, running; undefined where there is none. */
  readonly ledger: string | undefined;
  /** Where the ledger answers over HTTP. */
  readonly ledgerUrl: string | undefined;
  /** Of all agents. */
  readonly said: readonly Said[];
  readonly witnesses: readonly Witness[];
  /** Whether to export all of it and have `pf-verify` derive every verdict again. */
  readonly verify: boolean;
}

export interface Examined {
  readonly problems: readonly string[];
  readonly ambiguous: number;
  readonly ledgerEntries: number;
}

const QUIET_MS = 45_000;

/** Holds what is on record against what was said. The fabrics run, and nobody asks them anything. */
export async function examineEvidence(scene: Scene): Promise<Examined> {
  const { folders, ledger: url, said, witnesses } = scene;
  const ledger = url === undefined ? undefined : await LedgerEvidence.open(url, folders);
  try {
    const { logs, entries, notes: ledgerNotes, problems } = await quiet(scene, ledger);
    for (const { data, log, statements } of logs) {
      const notes = witnesses.flatMap((witness) => [...witness.shownBy(data)]);
      const proof = (oldSize: number, newSize: number) => log.consistencyProof(oldSize, newSize);
      const open = (note: string) => log.openCheckpoint(note);
      problems.push(...(await contradictions({ name: 'file log', entries: statements, notes, open, proof })));
    }
    const superseded = (await ledger?.superseded()) ?? new Set();
    const story = await readStory(inChains(logs, superseded));
    problems.push(...story.problems.map((problem) => `file log: ${problem}`));
    problems.push(...heldAgainst(said, story.permissions, story.outcomes));
    if (ledger !== undefined) {
      const notes = ledgerNotes;
      const open = (note: string) => ledger.openCheckpoint(note);
      const proof = (oldSize: number, newSize: number) => ledger.consistency(oldSize, newSize);
      problems.push(...(await contradictions({ name: 'ledger', entries, notes, open, proof })));
      problems.push(...(await missingFromLedger(logs, entries, superseded)));
    }
    if (scene.ledgerUrl !== undefined) problems.push(...(await ledgerOverHttp(scene.ledgerUrl, entries)));
    if (scene.verify) for (const log of logs) problems.push(...(await verified(log)));
    const ambiguous = [...story.outcomes.values()].filter((all) => all.includes('ambiguous')).length;
    return { problems, ambiguous, ledgerEntries: entries.length };
  } finally {
    await ledger?.close();
  }
}

/** Waits until everything is looked after: all published, all shipped, nothing open. What is not by then is told. */
async function quiet(scene: Scene, ledger: LedgerEvidence | undefined) {
  const timeUp = Date.now() + QUIET_MS;
  for (;;) {
    const problems: string[] = [];
    const logs: FileEvidence[] = [];
    for (const data of scene.folders) {
      const before = publishedSize(data);
      await sleep(200);
      const log = await readFileEvidence(data);
      logs.push(log);
      if (log.statements.length !== before) problems.push('the file log goes on growing');
      const shipped = await ledger?.position(log.writers);
      if (shipped !== undefined && shipped !== log.statements.length)
        problems.push(`the ledger has ${shipped} of ${log.statements.length} entries of a file log`);
    }
    const superseded = (await ledger?.superseded()) ?? new Set();
    const { permissions, outcomes } = await readStory(inChains(logs, superseded));
    for (const [certificate, effect] of permissions)
      if (effect === 'allow' && !outcomes.has(certificate) && !isLeftOpen(scene, certificate))
        problems.push(`allowed, and its outcome is neither known nor ambiguous: ${certificate}`);
    if (problems.length === 0 || Date.now() > timeUp) {
      // Heads go on being signed: what was shown comes first, and the entries have to cover it.
      const notes = scene.witnesses.flatMap(({ ledger: shown }) => [...shown]);
      return { logs, notes, entries: (await ledger?.entries()) ?? [], problems };
    }
    await sleep(200);
  }
}

function isLeftOpen({ said }: Scene, certificate: string): boolean {
  return said.some(({ abandoned }) => (abandoned as ReadonlySet<string>).has(certificate));
}

function* heldAgainst(
  all: readonly Said[],
  permissions: ReadonlyMap<string, string>,
  outcomes: ReadonlyMap<string, readonly string[]>,
): Generator<string> {
  const asked = new Set<string>();
  for (const said of all) {
    yield* said.problems;
    for (const certificate of said.asked.keys()) asked.add(certificate);
    for (const [certificate, effect] of said.answered) {
      if (permissions.get(certificate) !== effect)
        yield `answered ${effect}, certified ${permissions.get(certificate)}: ${certificate}`;
      // Whoever was told to go on may have acted: without a report nobody knows, and no fabric may say otherwise.
      if (effect === 'allow' && outcomes.get(certificate)?.includes('failed'))
        yield `answered allow, and on record as failed: ${certificate}`;
    }
    for (const certificate of said.recorded) {
      const done = outcomes.get(certificate)?.filter((outcome) => outcome === 'done').length ?? 0;
      if (done !== 1) yield `its outcome was taken, and is on record ${done} times: ${certificate}`;
    }
  }
  for (const certificate of permissions.keys())
    if (!asked.has(certificate)) yield `certified, and nobody asked: ${certificate}`;
}

/** A session that was taken over goes on in another log than it began in: by seq, and then by log. */
function inChains(logs: readonly FileEvidence[], superseded: ReadonlySet<string>) {
  const kept = logs.flatMap(({ statements }) => statements.filter(({ digest }) => !superseded.has(digest)));
  return logs.length === 1 ? kept : kept.sort((a, b) => a.seq - b.seq);
}

async function missingFromLedger(
  logs: readonly FileEvidence[],
  entries: readonly LedgerEntry[],
  superseded: ReadonlySet<string>,
): Promise<string[]> {
  const problems: string[] = [];
  const inSessions = entries.filter((entry) => entry.session !== null);
  const story = await readStory(inSessions.map((entry) => ({ ...entry, session: entry.session ?? '' })));
  problems.push(...story.problems.map((problem) => `ledger: ${problem}`));
  for (const [position, { index }] of entries.entries())
    if (position !== index) problems.push(`ledger: entry ${position} has the number ${index}`);
  const shipped = new Map(inSessions.map((entry) => [entry.digest, entry]));
  if (shipped.size !== inSessions.length) problems.push('ledger: one statement twice');
  let missing = 0;
  let known = 0;
  for (const { statements, writers } of logs) {
    for (const { digest, session, seq } of statements) {
      const entry = shipped.get(digest);
      if (entry === undefined) missing += 1;
      else if (entry.session !== session || entry.seq !== seq || !writers.includes(entry.writer))
        problems.push(`ledger: has ${digest} of session ${session}, seq ${seq}, in another place`);
      else known += 1;
    }
  }
  if (missing !== superseded.size)
    problems.push(`ledger: lacks ${missing} statements, ${superseded.size} are superseded`);
  if (known !== inSessions.length)
    problems.push(`ledger: has ${inSessions.length - known} statements that no file log has`);
  return problems;
}

/** All of a log, as a third party would check it. */
async function verified({ data, log }: FileEvidence): Promise<string[]> {
  if (log.size === 0) return [];
  try {
    const bundles = await openBundleArchive({ directory: join(data, 'bundles'), crypto: nodeCrypto() });
    const read = (digest: Parameters<typeof bundles.read>[0]) => bundles.read(digest);
    const { bytes } = await exportEvidence(log, { tenant: TENANT }, { bundles: read });
    const file = join(data, 'exported.json');
    await writeFile(file, bytes);
    const keys = join(data, 'keys');
    const { exitCode, output } = await runVerifier([file, '--keys', keys, '--require', 're-derived']);
    return exitCode === 0 ? [] : [`pf-verify: ${exitCode} ${output.slice(-500)}`];
  } catch (error) {
    return [`no export: ${messageOf(error)}`];
  }
}

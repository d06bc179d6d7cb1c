import { join } from 'node:path';
import {
  type Crypto,
  digestOf,
  type EnvelopeSigner,
  envelopeBytes,
  sealEnvelope,
} from '@provability-fabric/kernel';
import {
  encodeLedgerStatement,
  type HeadStatement,
  ledgerPayloadTypeOf,
  PLATFORM_TENANT,
  type SessionEnd,
} from '@provability-fabric/statements';
import { systemCode } from '../errors.ts';
import type { FileLog } from '../file-log/file-log.ts';
import { type LogFiles, nodeLogFiles } from '../file-log/log-files.ts';
import type { LedgerEntry } from '../ledger/ports.ts';
import type { Emit, SessionHead } from '../ports.ts';
import { headIn, keepHead, readHeadLines } from './heads-file.ts';
import { HeadsTree } from './heads-tree.ts';

/** Decisions are not to wait for longer than this while sessions are hashed. */
const SLICE_MS = 3;

export interface HeadsOptions {
  readonly log: Pick<FileLog, 'size' | 'heads' | 'onDurable'>;
  /** The data folder: heads are kept in `log/heads`. */
  readonly directory: string;
  readonly crypto: Crypto;
  readonly signer: EnvelopeSigner;
  /** Stable id of the log, as the shipper has it. */
  readonly writer: string;
  /** Takes each head for the ledger. */
  readonly add?: (entry: LedgerEntry) => void;
  readonly emit: Emit;
  /** ms since 1970. */
  readonly now: () => number;
  /** Random bytes from the operating system, for salts. */
  readonly random: (length: number) => Uint8Array;
  /** How soon after something new there is a head. */
  readonly everyMs?: number;
  /** How soon after the last one there is another, though nothing is new. */
  readonly idleMs?: number;
  /** What changes the disk; for tests. */
  readonly files?: LogFiles;
}

/** Signs, again and again, where all sessions of a log end. */
export interface Heads {
  /** The newest that was kept. */
  last(): HeadStatement | undefined;
  /** Signs one now, over everything that was durable when this was called. */
  sign(): Promise<HeadStatement>;
  /** Signs a last one, where anything is new, and stops. */
  close(): Promise<void>;
}

export async function createHeads(options: HeadsOptions): Promise<Heads> {
  const { log, crypto, signer, writer, emit, now, everyMs = 10_000, idleMs = 300_000 } = options;
  const files = options.files ?? nodeLogFiles();
  const path = join(options.directory, 'log', 'heads');
  let lines = await readHeadLines(path);
  const tree = new HeadsTree(crypto);
  /** Where sessions ended that the tree does not know yet, up to `size` entries. */
  let waiting = new Map<string, SessionEnd>();
  let size = 0;
  let last: HeadStatement | undefined;
  let signedAt = Number.NEGATIVE_INFINITY;
  let latest = headIn(lines.at(-1))?.at ?? '';
  let running: Promise<unknown> = Promise.resolve();
  let signing = 0;
  let closed = false;

  const stopListening = log.onDurable((entries) => entries.forEach(take));
  // In the same turn as the listening: nothing is missed and nothing is seen twice.
  let early: SessionHead[] = [...log.heads()];
  size = log.size;
  const timer = setInterval(tick, everyMs);
  timer.unref();

  function take({ index, tenant, session, seq, digest }: SessionHead & { readonly index: number }): void {
    waiting.set(`${tenant}\n${session}`, { tenant, session, seq, digest });
    size = index + 1;
  }

  function isNew(): boolean {
    return last === undefined || last.log_size !== size;
  }

  function tick(): void {
    if (signing > 0) return;
    if (!isNew() && now() - signedAt < idleMs && now() >= signedAt) return;
    signInTurn().catch((error: unknown) => emit('head_failed', { error: systemCode(error) }));
  }

  /** One at a time: heads of one log are in order. */
  function signInTurn(): Promise<HeadStatement> {
    signing++;
    const signed = running.then(signOne).finally(() => signing--);
    running = signed.catch(() => undefined);
    return signed;
  }

  async function signOne(): Promise<HeadStatement> {
    const logSize = size;
    const ends = [...early, ...waiting.values()];
    early = [];
    waiting = new Map();
    await inSlices(ends, (end) => tree.set(end));
    await inSlices(tree.changed, (bucket) => tree.rehash(bucket));
    // A clock that was set back does not make a later head an earlier one.
    const issuedAt = Math.max(now(), Date.parse(latest) || 0);
    const at = new Date(issuedAt).toISOString();
    const head: HeadStatement = {
      type: 'head',
      writer,
      count: tree.count,
      root: tree.root(),
      log_size: logSize,
      at,
    };
    const payload = encodeLedgerStatement(head);
    const envelope = envelopeBytes(sealEnvelope(ledgerPayloadTypeOf(head), payload, [signer]));
    lines = await keepHead(files, path, lines, envelope);
    [last, latest, signedAt] = [head, at, now()];
    options.add?.({
      type: head.type,
      tenant: PLATFORM_TENANT,
      session: null,
      seq: null,
      digest: digestOf(crypto, payload),
      issuedAt,
      envelope,
      salt: options.random(32),
      sealedRecord: null,
    });
    return head;
  }

  return {
    last: () => last,
    sign: signInTurn,
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      await running;
      stopListening();
      if (!isNew()) return;
      await signInTurn().catch((error: unknown) => emit('head_failed', { error: systemCode(error) }));
    },
  };
}

/** Lets everything else have its turn in between. */
async function inSlices<Item>(items: readonly Item[], work: (item: Item) => void): Promise<void> {
  let began = performance.now();
  for (const item of items) {
    work(item);
    if (performance.now() - began < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    began = performance.now();
  }
}

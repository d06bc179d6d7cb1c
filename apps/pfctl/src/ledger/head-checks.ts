// Heads say where all sessions of a fabric's own log end. What a fabric committed and the ledger never got, or lost
// before it was signed for, shows against them and nowhere else.
import {
  type Crypto,
  EnvelopeError,
  fromBase64,
  JsonError,
  openEnvelope,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import {
  decodeLedgerStatement,
  type HeadFinding,
  type HeadStatement,
  type SessionEnd,
  StatementError,
  verifyHeads,
} from '@provability-fabric/statements';
import type { StoredHead, StoredStatement } from '@provability-fabric/storage';
import type { Findings } from './findings.ts';

interface Writer {
  /** Statements of sessions that it shipped, so far. */
  count: number;
  /** Where sessions end in the first `size` of them. */
  readonly ends: Map<string, SessionEnd>;
  readonly newest: { readonly index: number; readonly size: number } | undefined;
  before: HeadStatement | undefined;
}

export interface HeadOptions {
  readonly crypto: Crypto;
  readonly findings: Findings;
  readonly keys: ReadonlyMap<string, Uint8Array>;
  readonly newest: readonly StoredHead[];
  /** How many by each writer were put aside: they count in its heads and have no place in the log. */
  readonly superseded: Readonly<Record<string, number>>;
}

export class HeadChecks {
  readonly #options: HeadOptions;
  readonly #writers = new Map<string, Writer>();
  /** Heads that nothing here can tell right or wrong, by why. */
  readonly unchecked = new Map<string, number>();
  #checked = 0;

  constructor(options: HeadOptions) {
    this.#options = options;
    for (const { writer, index, envelope } of options.newest) {
      const size = envelope === null ? undefined : decode(envelope)?.log_size;
      if (size === undefined) continue;
      this.#writers.set(writer, { count: 0, ends: new Map(), newest: { index, size }, before: undefined });
    }
  }

  get checked(): number {
    return this.#checked;
  }

  /** A statement of a session, in log order. */
  count(writer: string, end: SessionEnd): void {
    const known = this.#writer(writer);
    known.count++;
    if (known.newest !== undefined && known.count <= known.newest.size)
      known.ends.set(`${end.tenant}\0${end.session}`, end);
  }

  check(row: StoredStatement, envelope: Uint8Array): void {
    const { crypto, findings, superseded } = this.#options;
    const where = `head at entry ${row.index}`;
    const signed = this.#signed(envelope);
    if (signed === 'unknown key') {
      this.#leave('signed by a key that is not at hand');
      return;
    }
    const head = signed === 'yes' ? decode(envelope) : undefined;
    if (head === undefined || head.writer !== row.writer) {
      const message =
        signed === 'forged'
          ? 'its signature is not valid'
          : 'it is no head of the writer that it is stored under';
      findings.add('HEAD', where, message);
      return;
    }
    const writer = this.#writer(row.writer);
    const heads = writer.before === undefined ? [head] : [writer.before, head];
    writer.before = head;
    this.#checked++;
    const held = row.index === writer.newest?.index;
    const late = superseded[row.writer] ?? 0;
    if (held && late === 0 && writer.count < head.log_size) {
      const counts = `it counts ${head.log_size} statements of ${head.writer}, the ledger has ${writer.count} before it`;
      findings.add('HEAD', where, counts);
    }
    if (held && late > 0) this.#leave(`its writer has ${late} superseded statements`);
    const ends = held && late === 0 ? [...writer.ends.values()] : undefined;
    const problems = verifyHeads(crypto, heads, (size) => (size === head.log_size ? ends : undefined));
    for (const problem of problems)
      if (problem.head === heads.length - 1) findings.add('HEAD', where, describe(problem));
  }

  /** Whoever shipped statements of sessions has to have said how many. */
  requireFrom(writers: Iterable<string>): void {
    for (const name of writers)
      if (this.#writers.get(name)?.newest === undefined) this.#leave(`${name} has shipped none`);
  }

  #signed(envelope: Uint8Array): 'yes' | 'unknown key' | 'forged' {
    try {
      openEnvelope(this.#options.crypto, parseEnvelope(parseJsonBytes(envelope)), this.#options.keys);
      return 'yes';
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      return error.code === 'ENVELOPE_UNKNOWN_KEY' ? 'unknown key' : 'forged';
    }
  }

  #leave(reason: string): void {
    this.unchecked.set(reason, (this.unchecked.get(reason) ?? 0) + 1);
  }

  #writer(name: string): Writer {
    const writer = this.#writers.get(name) ?? {
      count: 0,
      ends: new Map(),
      newest: undefined,
      before: undefined,
    };
    this.#writers.set(name, writer);
    return writer;
  }
}

function decode(envelope: Uint8Array): HeadStatement | undefined {
  try {
    const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
    const statement = decodeLedgerStatement(payloadType, fromBase64(payload));
    return statement.type === 'head' ? statement : undefined;
  } catch (error) {
    const foreseen =
      error instanceof StatementError || error instanceof EnvelopeError || error instanceof JsonError;
    if (foreseen) return undefined;
    throw error;
  }
}

function describe(problem: HeadFinding): string {
  switch (problem.code) {
    case 'OTHER_WRITER':
      return `it is of the writer ${problem.got}, the one before it of ${problem.expected}`;
    case 'WENT_BACK':
      return `its ${problem.member} went back from ${problem.before} to ${problem.got}`;
    case 'CHANGED_WITHOUT_GROWING':
      return 'it differs from the one before it, and the log had not grown';
    case 'SESSIONS_MISSING':
      return `it counts ${problem.expected} sessions, the ledger has ${problem.got} of them`;
    case 'SESSIONS_ADDED':
      return `it counts ${problem.expected} sessions, the ledger has ${problem.got}`;
    case 'TAIL_CHANGED':
      return 'a session ends elsewhere than it says: its tail was dropped or exchanged';
  }
}

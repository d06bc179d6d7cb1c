import { type Crypto, equalBytes } from '@provability-fabric/kernel';
import { CHANGES_SESSION_PREFIX, parseRecordSession } from '@provability-fabric/statements';
import { GovernorError } from '../../errors.ts';
import { continuesLine, genesisLine } from '../audit-record.ts';
import type { ChangeSource, SourcedChange } from '../change-source.ts';
import { type TextLine, viewLines } from './parts.ts';
import { type OpenedLine, readLine, signatureProblem } from './read-line.ts';

export interface AuditVerification {
  readonly valid: boolean;
  /** One line for people; null where all holds. */
  readonly error: string | null;
  /** After the last line; null where there is none that says. */
  readonly current_root: string | null;
  readonly records: number;
  /** How many records the file lacks at its end; 0 where there was nothing to hold it against. */
  readonly behind: number;
  /** At most 50. */
  readonly problems: readonly string[];
}

export interface AuditVerifying {
  readonly crypto: Crypto;
  readonly tenant: string;
  readonly keys: ReadonlyMap<string, Uint8Array>;
  /** What the view is held against: each line must be what was put on record there. undefined: chain and signatures alone. */
  readonly source: ChangeSource | undefined;
  /** Resolves after that many ms. */
  readonly pause: (ms: number) => Promise<void>;
}

const MOST_PROBLEMS = 50;
/** So often the source is looked at again for a line that it lacks: a log read from outside shows it a little later. */
const LOOKS = 8;
const LOOK_AGAIN_MS = 250;

/**
 * The view of this path with all its parts: genesis, chain, order, signatures, and that each line is what is on record at that
 * place. Nothing is changed, and the governor may go on writing.
 */
export async function verifyAudit(
  options: AuditVerifying & { readonly path: string },
): Promise<AuditVerification> {
  return verifyLines(viewLines(options.path), options);
}

/** The same of lines from anywhere. */
export async function verifyLines(
  lines: AsyncIterable<TextLine & { readonly file: string }>,
  options: AuditVerifying,
): Promise<AuditVerification> {
  const walk = new Walk(options);
  try {
    for await (const line of lines) if (line.whole) await walk.take(line.text, line.file);
  } catch (error) {
    const isMissing = (error as { code?: string }).code === 'ENOENT';
    if (isMissing) walk.add('expected an audit log, there is none');
    else if (error instanceof GovernorError && error.code === 'CHANGE_AUDIT_DAMAGED') walk.add(error.message);
    else throw error;
  }
  return walk.finish();
}

interface LogEnd {
  readonly number: number;
  readonly seq: number;
  readonly digest: string;
}

class Walk {
  readonly #options: AuditVerifying;
  readonly #problems: string[] = [];
  #lines = 0;
  /** Whether all lines from the genesis on were read; where not, that is a problem of its own. */
  #isComplete = false;
  #records = 0;
  #next = 0;
  /** undefined where the line before did not say. */
  #root: string | undefined;
  /** By log: where its chain is. */
  readonly #ends = new Map<string, LogEnd>();
  #onRecord: AsyncIterator<SourcedChange> | undefined;
  #sourceAt = 0;
  #looks = 0;
  /** The first record that nothing is on record for. */
  #surplus: number | undefined;

  constructor(options: AuditVerifying) {
    this.#options = options;
  }

  add(problem: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(problem);
  }

  async take(text: string, file: string): Promise<void> {
    const { crypto } = this.#options;
    this.#lines += 1;
    const where = `${file}, line ${this.#lines}`;
    const read = readLine(crypto, text);
    if (this.#lines === 1 && read.kind !== 'genesis')
      this.add(
        `${where}: expected the genesis, came another line; older parts are missing, or it was forged`,
      );
    switch (read.kind) {
      case 'genesis':
        if (this.#lines > 1) this.add(`${where}: expected one genesis, came another`);
        else if (text !== genesisLine(crypto)) this.add(`${where}: expected the genesis, came a forged one`);
        this.#isComplete ||= this.#lines === 1;
        this.#root = read.root;
        return;
      case 'continues':
        if (this.#lines > 1 && text !== continuesLine(this.#next, this.#root ?? read.root))
          this.add(`${where}: expected a part that continues the one before it, came another`);
        this.#next = read.index;
        this.#root = read.root;
        return;
      case 'bad':
        this.add(`${where}: ${read.problem}`);
        this.#root = read.said?.root;
        // What follows it in its log's chain cannot be told.
        this.#isComplete = false;
        this.#ends.clear();
        this.#next = read.said === undefined ? this.#next + 1 : Math.max(this.#next, read.said.index + 1);
        this.#records += 1;
        return;
      case 'change':
        await this.#change(read.line, where);
    }
  }

  async finish(): Promise<AuditVerification> {
    // It may hold a file of the journal open.
    await this.#onRecord?.return?.();
    if (this.#lines === 0 && this.#problems.length === 0)
      this.add('expected the genesis, came an empty audit log');
    if (this.#surplus !== undefined)
      this.add(
        `from record ${this.#surplus} on nothing is on record under a signed checkpoint: lines more than there may be; after ` +
          'a crash start the governor, which signs one, and verify again',
      );
    const count = (await this.#options.source?.count()) ?? this.#next;
    const behind = Math.max(0, count - this.#next);
    const [first] = this.#problems;
    const lag = behind === 0 ? null : `${behind} behind`;
    return {
      valid: first === undefined && behind === 0,
      error: first ?? lag,
      current_root: this.#root ?? null,
      records: this.#records,
      behind,
      problems: this.#problems,
    };
  }

  async #change(line: OpenedLine, where: string): Promise<void> {
    const { crypto, keys } = this.#options;
    const { record, envelope } = line;
    const { index } = record;
    this.#records += 1;
    if (index !== this.#next)
      this.add(
        `${where}: expected record ${this.#next}, came record ${index}: some are missing, or out of order`,
      );
    else if (this.#root !== undefined && record.prev_root !== this.#root)
      this.add(
        `${where}: expected record ${index} to follow the line before it, its \`prev_root\` is another`,
      );
    const signature = signatureProblem(crypto, envelope, keys);
    if (signature !== undefined) this.add(`${where}: record ${index}: ${signature}`);
    const chain = this.#chainProblem(line);
    if (chain !== undefined) this.add(`${where}: record ${index}: ${chain}`);
    const onRecord = await this.#compare(index, envelope);
    if (onRecord !== undefined) this.add(`${where}: record ${index}: ${onRecord}`);
    this.#root = record.merkle_root;
    this.#next = Math.max(this.#next, index + 1);
  }

  /** Each log's statements are a chain of their own, whatever the order of several logs is. */
  #chainProblem({ statement, digest }: OpenedLine): string | undefined {
    const { tenant, session, seq, previous, continues } = statement;
    if (tenant !== this.#options.tenant) return "expected a change of this governor's tenant, came another's";
    const place = parseRecordSession(session);
    if (place?.prefix !== CHANGES_SESSION_PREFIX) return 'expected a session of changes, came another';
    const { log, number } = place;
    const before = this.#ends.get(log);
    this.#ends.set(log, { number, seq, digest });
    if (before === undefined)
      return (number === 0 && seq === 0) || !this.#isComplete
        ? undefined
        : 'expected the first statement of its log, came a later one';
    const follows =
      number === before.number
        ? seq === before.seq + 1 && previous === before.digest
        : number === before.number + 1 && seq === 0 && continues === before.digest;
    return follows ? undefined : 'its statement does not follow the one before it in its chain';
  }

  async #compare(index: number, envelope: Uint8Array): Promise<string | undefined> {
    const { source } = this.#options;
    if (source === undefined || index < this.#sourceAt) return undefined;
    const stored = await this.#sourced(source, index);
    if (stored === undefined) {
      this.#surplus ??= index;
      return undefined;
    }
    if (!equalBytes(stored.envelope, envelope)) return 'it is not what was put on record there';
    return undefined;
  }

  async #sourced(source: ChangeSource, index: number): Promise<SourcedChange | undefined> {
    for (;;) {
      this.#onRecord ??= source.from(index)[Symbol.asyncIterator]();
      for (let next = await this.#onRecord.next(); !next.done; next = await this.#onRecord.next()) {
        this.#sourceAt = next.value.index + 1;
        if (next.value.index >= index) return next.value;
      }
      this.#onRecord = undefined;
      if (this.#looks >= LOOKS || source.refresh === undefined) return undefined;
      this.#looks += 1;
      await this.#options.pause(LOOK_AGAIN_MS);
      await source.refresh();
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Agents, type AgentsOptions } from './agents.ts';
import type { Trial } from './case.ts';
import { type Examined, examineEvidence } from './examine.ts';
import { type Exit, type FabricProcess, ledgerOf, type StartOptions } from './fabric-process.ts';
import { Said } from './said.ts';
import { messageOf } from './shown-checkpoints.ts';
import { Witness } from './witness.ts';
import type { Variant } from './workbench.ts';

export interface SiteOptions extends Partial<Omit<AgentsOptions, 'said' | 'random'>> {
  readonly data: string;
  readonly variant?: Variant;
  readonly assurance?: 'standard' | 'high';
  /** Absent: the fabric's own PostgreSQL. */
  readonly database?: string;
  readonly ahead?: () => number;
  readonly node?: readonly string[];
}

const END_TOLD_MS = 500;

/** One data folder over all its restarts: its fabric, its agents, and who remembers what they were told. */
export class Site {
  readonly data: string;
  readonly agents: Agents;
  readonly said = new Said();
  readonly witness = new Witness();
  readonly #trial: Trial;
  readonly #options: SiteOptions;
  #fabric: FabricProcess | undefined;
  #starts = 0;

  constructor(trial: Trial, options: SiteOptions) {
    this.data = options.data;
    this.#trial = trial;
    this.#options = options;
    const { random } = trial;
    this.agents = new Agents({ prefix: 'a', ...options, said: this.said, random });
  }

  get fabric(): FabricProcess {
    if (this.#fabric === undefined) throw new Error('expected a fabric that was started');
    return this.#fabric;
  }

  /** All of `how` is for starts that are to fail. */
  async start(how: Pick<StartOptions, 'through' | 'mayEnd' | 'begun'> = {}): Promise<void> {
    const { data, variant, assurance, database, node } = this.#options;
    this.#fabric = await this.#trial.bench.start({
      data,
      ...(variant && { variant }),
      ...(assurance && { assurance }),
      ...(database && { database }),
      ...(node && { node }),
      ...how,
    });
    this.said.restarted();
    this.#starts += 1;
    if (this.#starts > 1) this.#trial.tally.restarts += 1;
    if (how.through === undefined && how.mayEnd !== true)
      this.#trial.tally.startsMs.push(this.#fabric.startedMs);
    this.witness.watch({ data, ledgerUrl: this.#fabric.ledgerUrl });
  }

  get place() {
    const { ahead } = this.#options;
    return { url: this.fabric.url, data: this.data, ...(ahead === undefined ? {} : { ahead }) };
  }

  /** Agents act until `answers` more were given, the time is up, or the fabric is gone. */
  async load({ answers = Number.POSITIVE_INFINITY, ms = 60_000 } = {}): Promise<void> {
    const enough = this.agents.answers + answers;
    const timeUp = Date.now() + ms;
    const { fabric } = this;
    await this.agents.act(
      this.place,
      () => !fabric.running || this.agents.answers >= enough || Date.now() > timeUp,
    );
  }

  /** Whether the fault has ended the fabric, which may be told a moment later than agents notice it. */
  async hasEnded(): Promise<boolean> {
    await Promise.race([this.fabric.exited, sleep(END_TOLD_MS)]);
    return !this.fabric.running;
  }

  /** Kills the fabric where the fault has not, and counts what was in flight. */
  async killed(): Promise<Exit> {
    this.fabric.kill();
    const exit = await this.fabric.exited;
    this.#trial.tally.points += 1;
    this.#trial.tally.inFlight += this.said.interrupted();
    return exit;
  }

  /** Starts again without any fault, has the agents end what they began, and examines everything. */
  recover(point: string, { touch = true } = {}): Promise<Examined | undefined> {
    return this.#examined(point, async () => {
      await this.start();
      if (touch) await this.agents.touchLeftBehind(this.place);
    });
  }

  /** The same without a restart. */
  goOn(point: string): Promise<Examined | undefined> {
    this.#trial.tally.points += 1;
    return this.#examined(point, async () => undefined);
  }

  async #examined(point: string, before: () => Promise<void>): Promise<Examined | undefined> {
    const { problems } = this.#trial.tally;
    try {
      await before();
      await this.agents.settle(this.place);
      const examined = await this.examine({ verify: false });
      problems.push(...examined.problems.map((problem) => `${point}: ${problem}`));
      return examined;
    } catch (error) {
      const last = this.fabric.log.slice(-5).map((entry) => `${entry.event} ${entry.problem ?? ''}`.trim());
      const said = this.fabric.running ? `; the fabric said last: ${last.join(', ')}` : '';
      problems.push(`${point}: ${messageOf(error)}${said}`);
      return undefined;
    } finally {
      // Told once: the next point begins with a clean record.
      this.said.problems.length = 0;
    }
  }

  examine({ verify }: { readonly verify: boolean }): Promise<Examined> {
    return examineEvidence({
      folders: [this.data],
      ledger: this.ledger,
      ledgerUrl: this.fabric.ledgerUrl,
      said: [this.said],
      witnesses: [this.witness],
      verify,
    });
  }

  get ledger(): string | undefined {
    if (this.#options.database !== undefined) return this.#options.database;
    return this.fabric.ledgerUrl === undefined ? undefined : ledgerOf(this.data);
  }

  /** Examines a last time, with `pf-verify`, adds up, and stops as an operator would. */
  async finish(): Promise<void> {
    const { tally } = this.#trial;
    tally.answered += this.said.answered.size;
    if (!this.fabric.running) {
      this.witness.close();
      await this.fabric.endPostgres();
      return;
    }
    // What the last load left in the middle comes to an end first.
    await this.agents.settle(this.place);
    const examined = await this.examine({ verify: true });
    tally.problems.push(...examined.problems.map((problem) => `at the end: ${problem}`));
    tally.ambiguous += examined.ambiguous;
    tally.ledgerEntries += examined.ledgerEntries;
    const exit = await this.fabric.stop();
    if (exit.code !== 0) tally.problems.push(`stopped with ${JSON.stringify(exit)}: ${this.fabric.errors}`);
    this.witness.close();
  }
}

import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';

/** As the functions of the schema take them. */
interface WrittenCharge {
  readonly clause: string;
  readonly unit: string;
  readonly key: string;
  readonly amount: number;
  readonly reach: number | null;
  readonly certificate: string;
  readonly attempt: string;
  readonly at: number;
}

interface WrittenRelease {
  readonly certificate: string;
  readonly attempt: string;
  readonly clause: string;
}

interface Waiting {
  readonly charges: readonly WrittenCharge[];
  readonly releases: readonly WrittenRelease[];
  resolve(used: readonly number[]): void;
  reject(cause: unknown): void;
}

const TIMEOUT_MS = 5_000;
const MOST_AT_ONCE = 256;
const MOST_WAITING = 10_000;

/**
 * Reservations of one tenant, one transaction at a time: those that come meanwhile share the next one. Each for itself
 * would hold a count's lock over a commit of its own, and a busy tenant would wait for connections.
 */
export class UsageBatches {
  readonly #database: Database;
  /** By tenant; there while a transaction of it is under way. */
  readonly #waiting = new Map<string, Waiting[]>();
  /** By tenant, what failed transactions may have left: whoever reserved was refused, so it goes with the next one. */
  readonly #doubtful = new Map<string, readonly WrittenRelease[]>();

  constructor(database: Database) {
    this.#database = database;
  }

  reserve(tenant: string, charges: readonly WrittenCharge[]): Promise<readonly number[]> {
    return this.#add(tenant, charges, []);
  }

  async release(tenant: string, releases: readonly WrittenRelease[]): Promise<void> {
    await this.#add(tenant, [], releases);
  }

  #add(
    tenant: string,
    charges: readonly WrittenCharge[],
    releases: readonly WrittenRelease[],
  ): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      const one = { charges, releases, resolve, reject };
      const waiting = this.#waiting.get(tenant);
      if (waiting === undefined) {
        this.#waiting.set(tenant, [one]);
        void this.#work(tenant);
      } else if (waiting.length < MOST_WAITING) waiting.push(one);
      else reject(new LedgerError('LEDGER_UNAVAILABLE', `more than ${MOST_WAITING} reservations wait`));
    });
  }

  async #work(tenant: string): Promise<void> {
    const waiting = this.#waiting.get(tenant) as Waiting[];
    while (waiting.length > 0) {
      const batch = waiting.splice(0, ownCertificates(waiting));
      try {
        const used = await this.#commit(tenant, batch);
        let from = 0;
        for (const { charges, resolve } of batch) {
          resolve(used.slice(from, from + charges.length));
          from += charges.length;
        }
      } catch (cause) {
        this.#doubt(tenant, batch);
        for (const { reject } of batch) reject(cause);
      }
    }
    this.#waiting.delete(tenant);
  }

  #doubt(tenant: string, batch: readonly Waiting[]): void {
    const left = batch.flatMap(({ charges, releases }) => [
      ...releases,
      ...charges.map(({ certificate, attempt, clause }) => ({ certificate, attempt, clause })),
    ]);
    // What is too much to remember stays counted: stricter than it need be.
    this.#doubtful.set(tenant, [...(this.#doubtful.get(tenant) ?? []), ...left].slice(0, MOST_WAITING));
  }

  /** What was used by others, charge by charge. What was given back is so before anything is taken. */
  async #commit(tenant: string, batch: readonly Waiting[]): Promise<readonly number[]> {
    const releases = [...(this.#doubtful.get(tenant) ?? []), ...batch.flatMap((one) => one.releases)];
    const charges = batch.flatMap((one) => one.charges);
    const options = { tenant, timeoutMs: TIMEOUT_MS };
    // Each takes its locks in their order. In one transaction the second would begin anew, holding those of the first.
    if (releases.length > 0) {
      const given = JSON.stringify(releases);
      await this.#database.transaction(
        'pf_writer',
        (tx) => tx.query('select pf.release_usage($1, $2)', [tenant, given]),
        options,
      );
      this.#doubtful.delete(tenant);
    }
    if (charges.length === 0) return [];
    return this.#database.transaction(
      'pf_writer',
      async (tx) => {
        const rows = await tx.query<{ place: number; used: number }>(
          'select place, used from pf.reserve_usage($1, $2)',
          [tenant, JSON.stringify(byCount(charges))],
        );
        const byPlace = new Map(rows.map(({ place, used }) => [place, used]));
        return charges.map((_, place) => byPlace.get(place) ?? Number.MAX_SAFE_INTEGER);
      },
      options,
    );
  }
}

/** How many of those that wait may go at once: a certificate that reserves again sees what it held. */
function ownCertificates(waiting: readonly Waiting[]): number {
  const seen = new Set<string>();
  for (const [index, { charges }] of waiting.slice(0, MOST_AT_ONCE).entries()) {
    const certificate = charges[0]?.certificate;
    if (certificate === undefined) continue;
    if (seen.has(certificate)) return index;
    seen.add(certificate);
  }
  return MOST_AT_ONCE;
}

function byCount(charges: readonly WrittenCharge[]) {
  const counts = new Map<string, { clause: string; unit: string; key: string; charges: object[] }>();
  for (const [place, { clause, unit, key, ...charge }] of charges.entries()) {
    const name = JSON.stringify([clause, unit, key]);
    const count = counts.get(name) ?? { clause, unit, key, charges: [] };
    counts.set(name, count);
    count.charges.push({ place, ...charge });
  }
  return [...counts.values()];
}

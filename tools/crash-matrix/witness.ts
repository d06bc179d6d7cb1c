import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HttpClient } from './http-client.ts';

export interface Watched {
  /** The data folder with `log/checkpoint`. */
  readonly data: string;
  readonly ledgerUrl: string | undefined;
}

const EVERY_MS = 25;

/** Keeps every checkpoint that a log ever showed: no later log may contradict one of them. */
export class Witness {
  readonly fileLogs = new Map<string, Set<string>>();
  readonly ledger = new Set<string>();
  readonly #client = new HttpClient();
  readonly #watching: NodeJS.Timeout;
  readonly #places = new Map<string, string | undefined>();
  #asking = false;

  constructor() {
    this.#watching = setInterval(() => {
      this.#lookAtFiles();
      void this.#askLedgers();
    }, EVERY_MS);
  }

  /** From now on; a folder that is watched already may have moved to another address. */
  watch({ data, ledgerUrl }: Watched): void {
    this.#places.set(data, ledgerUrl);
  }

  shownBy(data: string): ReadonlySet<string> {
    return this.fileLogs.get(data) ?? new Set();
  }

  close(): void {
    clearInterval(this.#watching);
    this.#client.close();
  }

  #lookAtFiles(): void {
    for (const data of this.#places.keys()) {
      try {
        const note = readFileSync(join(data, 'log', 'checkpoint'), 'utf8');
        const shown = this.fileLogs.get(data) ?? new Set();
        this.fileLogs.set(data, shown.add(note));
      } catch {
        // None was published yet.
      }
    }
  }

  async #askLedgers(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    for (const url of this.#places.values()) {
      if (url === undefined) continue;
      const answer = await this.#client.get(`${url}/checkpoint`).catch(() => undefined);
      if (answer?.status === 200) this.ledger.add(answer.text);
    }
    this.#asking = false;
  }
}

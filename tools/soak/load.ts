import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from '../crash-matrix/http-client.ts';
import { messageOf } from '../crash-matrix/shown-checkpoints.ts';
import { tokenFor } from '../crash-matrix/tokens.ts';
import { Figures } from './figures.ts';
import { McpOverHttp } from './mcp-over-http.ts';

export interface LoadOptions {
  readonly url: string;
  readonly ledgerUrl: string;
  readonly data: string;
  /** Actions a second, over all agents. */
  readonly rate: number;
}

const AGENTS = 32;
/** They stay in one session for all of the time. */
const LONG = 4;
const SHORT_SESSION = 20;
const MCP_EVERY_MS = 250;
const MCP_SESSION_CALLS = 100;
const LIST_EVERY_MS = 500;

/** Agents, one MCP client and one auditor, at a steady rate until stopped. */
export class Load {
  readonly errors: string[] = [];
  errorCount = 0;
  mcpCalls = 0;
  lists = 0;
  /** Actions that had to wait for their turn: the fabric was not fast enough for the rate. */
  late = 0;
  readonly all = new Figures();
  minute = new Figures();
  readonly #options: LoadOptions;
  readonly #client = new HttpClient({ resends: true });
  #stopped = false;
  #sessions = 0;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    const agents = Array.from({ length: AGENTS }, (_, index) => this.#agent(index));
    this.#running = Promise.all([...agents, this.#mcp(), this.#auditor()]);
  }

  /** Figures of the minute that ends now. */
  nextMinute(): Figures {
    const { minute } = this;
    this.minute = new Figures();
    return minute;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.#client.close();
  }

  async #agent(index: number): Promise<void> {
    const period = (AGENTS * 1000) / this.#options.rate;
    let due = performance.now() + (index / AGENTS) * period;
    for (let number = 0, session = '', token = ''; !this.#stopped; number += 1) {
      if (session === '' || (index >= LONG && number % SHORT_SESSION === 0)) {
        this.#sessions += 1;
        session = `soak-${this.#sessions}`;
        token = '';
      }
      // Tokens last for an hour at most, and a long session may too.
      if (token === '' || number % 1000 === 0)
        token = await tokenFor(this.#options.data, { audience: 'sidecar-watcher', session });
      const early = due - performance.now();
      if (early > 0) await sleep(early);
      else if (early < -1000) this.late += 1;
      due = Math.max(due + period, performance.now() - period);
      await this.#counted(() => this.#act(session, token, number));
    }
  }

  async #act(session: string, token: string, number: number): Promise<void> {
    const { url } = this.#options;
    const tool = number % 10 === 9 ? 'forbidden' : 'act';
    const action = { kind: 'call', tool, args: { number, note: 'x'.repeat(300) } };
    const asked = { request_id: `${session}-${number}`, action };
    const answer = await this.#timed(() => this.#client.post(`${url}/v1/authorize`, token, asked));
    const wanted = tool === 'act' ? 'allow' : 'block';
    if (answer.status !== 200 || answer.body.effect !== wanted)
      throw new Error(`expected ${wanted}, came ${answer.status} ${answer.text.slice(0, 200)}`);
    if (wanted === 'allow') {
      const { certificate_id } = answer.body;
      const report = { session, certificate_id, outcome: 'done', result: { number } };
      const told = await this.#timed(() => this.#client.post(`${url}/v1/outcome`, token, report));
      if (told.status !== 200) throw new Error(`outcome: ${told.status} ${told.text.slice(0, 200)}`);
    }
    this.all.actions += 1;
    this.minute.actions += 1;
  }

  async #mcp(): Promise<void> {
    const { url, data } = this.#options;
    while (!this.#stopped)
      await this.#counted(async () => {
        const session = `soak-mcp-${this.mcpCalls}`;
        const token = await tokenFor(data, { audience: 'sidecar-watcher', session });
        const client = new McpOverHttp(`${url}/mcp/slow`, token);
        await client.open();
        for (let call = 0; call < MCP_SESSION_CALLS && !this.#stopped; call += 1) {
          await client.call('act', { number: call });
          this.mcpCalls += 1;
          await sleep(MCP_EVERY_MS);
        }
        await client.close();
      });
  }

  async #auditor(): Promise<void> {
    const { ledgerUrl, data } = this.#options;
    for (let token = ''; !this.#stopped; this.lists += 1) {
      if (token === '' || this.lists % 1000 === 0)
        token = await tokenFor(data, { audience: 'ledger', roles: ['auditor'] });
      const since = encodeURIComponent(new Date(Date.now() - 60_000).toISOString());
      for (const path of [`/permission-certificates?limit=50&since=${since}`, '/checkpoint'])
        await this.#counted(async () => {
          const { status, text } = await this.#client.get(`${ledgerUrl}${path}`, token);
          if (status !== 200 && !(status === 404 && this.lists === 0))
            throw new Error(`${path}: ${status} ${text.slice(0, 200)}`);
        });
      await sleep(LIST_EVERY_MS);
    }
  }

  async #timed<T>(work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const value = await work();
    const ms = performance.now() - began;
    this.all.took(ms);
    this.minute.took(ms);
    return value;
  }

  async #counted(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.errorCount += 1;
      if (this.errors.length < 20) this.errors.push(messageOf(error));
      await sleep(100);
    }
  }
}

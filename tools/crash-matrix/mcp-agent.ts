import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Exit } from './fabric-process.ts';

export type ToolAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly code: string }
  /** The program ended without an answer. */
  | { readonly kind: 'none' };

interface Message {
  readonly id?: number;
  readonly result?: {
    readonly isError?: boolean;
    readonly _meta?: Readonly<Record<string, { code?: string }>>;
  };
  readonly error?: { readonly message: string; readonly data?: { readonly code?: string } };
}

/** `pf run` before a server, and the agent that talks through it. */
export class McpAgent {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, (message: Message | undefined) => void>();
  #ended = false;
  errors = '';
  #id = 0;

  constructor(program: string, args: readonly string[], folder: string) {
    const { PATH, HOME } = process.env;
    this.#child = spawn(process.execPath, [program, 'run', ...args], {
      cwd: folder,
      env: { PATH, HOME },
      stdio: 'pipe',
    });
    this.#child.stdin.on('error', () => undefined); // it may have ended
    this.#child.stderr.on('data', (chunk) => {
      this.errors = `${this.errors}${chunk}`.slice(-4000);
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      try {
        const message = JSON.parse(line) as Message;
        if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
      } catch {
        // Cut short by a kill: nobody was answered.
      }
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#ended = true;
        for (const answer of this.#waiting.values()) answer(undefined);
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return !this.#ended;
  }

  async open(): Promise<void> {
    const clientInfo = { name: 'crash-matrix', version: '1' };
    await this.#ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
    this.#send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  async call(tool: string, number: number): Promise<ToolAnswer> {
    const message = await this.#ask('tools/call', { name: tool, arguments: { number } });
    if (message === undefined) return { kind: 'none' };
    const { result, error } = message;
    if (result !== undefined && result.isError !== true) return { kind: 'done' };
    const code = result?._meta?.['provability-fabric/refusal']?.code ?? error?.data?.code ?? 'no code';
    return { kind: 'refused', code };
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  leave(): Promise<Exit> {
    this.#child.stdin.end();
    return this.exited;
  }

  #ask(method: string, params: object): Promise<Message | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    this.#id += 1;
    const id = this.#id;
    return new Promise((resolve) => {
      this.#waiting.set(id, (message) => {
        this.#waiting.delete(id);
        resolve(message);
      });
      this.#send({ jsonrpc: '2.0', id, method, params });
    });
  }

  #send(message: object): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }
}

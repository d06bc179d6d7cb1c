// Test code only: `pf run` and `pf serve` as built, each before its own data folder.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalBytes, type JsonValue } from '@provability-fabric/kernel';
import { transformSync } from 'esbuild';
import { afterAll, expect, vi } from 'vitest';
import { loadBundleFrom } from '../load-bundle.ts';
import { PF, ROOT } from './built-programs.fixture.ts';
import { Program, type ProgramOptions } from './program.fixture.ts';

export type Json = Readonly<Record<string, unknown>>;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pf-test-'));
  folders.push(folder);
  return folder;
}

const compiled = new Map<string, Promise<string>>();

/** A bundle of the checkout, compiled: `pf` then starts in half the time. */
export function compiledBundle(name: 'quickstart' | 'everything'): Promise<string> {
  const path = compiled.get(name) ?? compile(name);
  compiled.set(name, path);
  return path;
}

async function compile(name: string): Promise<string> {
  const bundle = await loadBundleFrom(join(ROOT, 'bundles', name));
  const path = join(temporaryFolder(), `${name}.json`);
  writeFileSync(path, canonicalBytes(bundle as unknown as JsonValue));
  return path;
}

/** A server command that writes down what it is sent: a refused call must not be in there. */
export function recordingUpstream(...tools: readonly string[]) {
  const folder = temporaryFolder();
  const [script, record] = [join(folder, 'recording-upstream.mjs'), join(folder, 'record')];
  const source = readFileSync(join(import.meta.dirname, 'recording-upstream.fixture.ts'), 'utf8');
  writeFileSync(script, transformSync(source, { loader: 'ts', format: 'esm' }).code);
  writeFileSync(record, '');
  const command = [process.execPath, script, record, ...tools];
  const received = () => readFileSync(record, 'utf8').split('\n').slice(0, -1);
  const calls = () => received().filter((line) => line.includes('"tools/call"'));
  return {
    command,
    /** The lines it was sent, byte for byte. */
    received,
    calls,
    async hasCalls(count: number): Promise<void> {
      await vi.waitUntil(() => calls().length >= count, { timeout: 25_000 });
      expect(calls()).toHaveLength(count);
    },
  };
}

/** `pf run … -- COMMAND`, with the agent's side of the connection. */
export class PfRun extends Program {
  constructor(options: readonly string[], upstream: readonly string[], more?: ProgramOptions) {
    super(process.execPath, [PF, 'run', ...options, '--', ...upstream], { cwd: tmpdir(), ...more });
  }

  /** Objects are sent as JSON, texts and bytes as they are; each is one line. */
  async send(...messages: readonly (Json | string | Uint8Array)[]): Promise<void> {
    for (const message of messages) {
      const raw = typeof message === 'string' || message instanceof Uint8Array;
      await this.write(raw ? message : JSON.stringify(message));
      await this.write('\n');
    }
  }

  answer(id: number | string | null): Promise<Json> {
    return this.out.first(`an answer to ${id}`, (line) => {
      const message = JSON.parse(line) as Json;
      return message.id === id && message.method === undefined ? message : undefined;
    });
  }

  async ask(message: Json): Promise<Json> {
    await this.send(message);
    return this.answer(message.id as number);
  }

  logged(event: string): Promise<Json> {
    return loggedIn(this.err, event);
  }

  /** As a client leaves: it closes, and waits. */
  async leave() {
    this.closeInput();
    return this.ended;
  }
}

/** `pf serve`; its log is on stdout. */
export class PfServe extends Program {
  constructor(options: readonly string[], more?: ProgramOptions) {
    super(process.execPath, [PF, 'serve', 'sidecar-watcher', ...options], { cwd: tmpdir(), ...more });
  }

  logged(event: string): Promise<Json> {
    return loggedIn(this.out, event);
  }

  async url(): Promise<string> {
    return `http://127.0.0.1:${(await this.logged('listening')).port}`;
  }

  async stop() {
    this.kill('SIGTERM');
    return this.ended;
  }
}

export function loggedIn(lines: Program['out'], event: string): Promise<Json> {
  return lines.first(`\`${event}\` in the log`, (line) => {
    if (!line.startsWith('{')) return undefined;
    const entry = JSON.parse(line) as Json;
    return entry.event === event ? entry : undefined;
  });
}

/** `pf` with arguments that make it end by itself. */
export async function pf(args: readonly string[], options?: ProgramOptions) {
  const program = new Program(process.execPath, [PF, ...args], { cwd: tmpdir(), ...options });
  program.closeInput();
  const exit = await program.ended;
  return { ...exit, out: program.out.text, err: program.err.text };
}

export function call(id: number, name: string, args: Json = {}): Json {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
}

/** What a refusal says for machines, in a tool result or in an error. */
export function refusalIn(answer: Json): Json | undefined {
  const { result, error } = answer as { result?: { _meta?: Record<string, Json> }; error?: { data?: Json } };
  return result?._meta?.['provability-fabric/refusal'] ?? error?.data;
}

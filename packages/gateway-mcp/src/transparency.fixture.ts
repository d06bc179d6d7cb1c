// Test code only: the fixed list of calls that must look the same with and without the relay, played against
// a real @modelcontextprotocol/server-everything. Also used by the test of `pf run`.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

type Json = Readonly<Record<string, unknown>>;

export const SERVER_EVERYTHING: readonly [command: string, ...args: string[]] = [
  process.execPath,
  join(serverFolder('@modelcontextprotocol/server-everything'), 'dist/index.js'),
  'stdio',
];

export function serverFolder(name: string): string {
  return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
}

const PROTOCOL = '2025-11-25';
const CAPABILITIES = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
  tasks: { list: {}, cancel: {}, requests: { sampling: { createMessage: {} }, elicitation: { create: {} } } },
};

/** Plays the list and returns every line the server sent, in order. The connection stays open. */
export async function playFixedList(server: { input: Writable; output: Readable }): Promise<string[]> {
  const client = new ScriptedClient(server.input, server.output);
  const { ask, call } = client;

  await ask('initialize', {
    protocolVersion: PROTOCOL,
    capabilities: CAPABILITIES,
    clientInfo: { name: 'fixed-list', version: '1.0.0' },
  });
  client.tell('notifications/initialized');
  await client.sees('Roots updated: 1'); // the server asks by itself, a moment later
  await ask('ping');
  await ask('logging/setLevel', { level: 'debug' });

  await ask('tools/list');
  await ask('tools/list', { _meta: { note: 'a second time' } });
  await call('echo', { message: 'hello' });
  await call('echo', { message: 'ünïcödé \u{1f600} \u2028 "quoted" \\ \n\t' });
  await call('echo', { message: 'x'.repeat(300_000) });
  await call('get-sum', { a: 1e21, b: 0.1 });
  await call('get-sum', { a: 12345678, b: -1 });
  await call('get-sum', { a: 'one', b: 2 }); // an error as result
  await call('no-such-tool', {});
  await call('get-tiny-image');
  await call('get-annotated-message', { messageType: 'error', includeImage: true });
  await call('get-resource-links', { count: 3 });
  await call('get-resource-reference', { resourceType: 'Blob', resourceId: 2 });
  await call('get-structured-content', { location: 'Chicago' });
  await call('gzip-file-as-resource', {
    name: 'a.gz',
    data: 'data:text/plain,hello',
    outputType: 'resourceLink',
  });
  await ask('resources/read', { uri: 'demo://resource/session/a.gz' });

  await ask('resources/list');
  await ask('resources/templates/list', {});
  await ask('resources/read', { uri: 'demo://resource/static/document/architecture.md' });
  await ask('resources/read', { uri: 'demo://resource/dynamic/text/1' });
  await ask('resources/read', { uri: 'demo://resource/dynamic/blob/2' });
  await ask('resources/read', { uri: 'demo://resource/nowhere' }); // an error as error
  await ask('resources/subscribe', { uri: 'demo://resource/dynamic/text/1' });
  await call('toggle-subscriber-updates');
  await call('toggle-subscriber-updates');
  await ask('resources/unsubscribe', { uri: 'demo://resource/dynamic/text/1' });

  await ask('prompts/list');
  await ask('prompts/get', { name: 'simple-prompt' });
  await ask('prompts/get', { name: 'args-prompt', arguments: { city: 'Bern', state: 'BE' } });
  await ask('prompts/get', { name: 'args-prompt', arguments: {} });
  await ask('prompts/get', { name: 'resource-prompt', arguments: { resourceType: 'Text', resourceId: '3' } });
  await ask('prompts/get', { name: 'no-such-prompt' });
  const department = { ref: { type: 'ref/prompt', name: 'completable-prompt' } };
  await ask('completion/complete', { ...department, argument: { name: 'department', value: 'S' } });
  const context = { arguments: { department: 'Sales' } };
  await ask('completion/complete', { ...department, argument: { name: 'name', value: 'E' }, context });
  const template = { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' };
  await ask('completion/complete', { ref: template, argument: { name: 'resourceId', value: '7' } });

  await call('get-roots-list');
  client.roots.push({ uri: 'file:///second', name: 'second' });
  client.tell('notifications/roots/list_changed');
  await client.sees('Roots updated: 2');
  await call('trigger-sampling-request', { prompt: 'say something', maxTokens: 10 });
  await call('trigger-elicitation-request');
  await call('trigger-url-elicitation', { url: 'https://example.com/a', elicitationId: 'e-1' });
  await call('trigger-url-elicitation', { url: 'https://example.com/b', errorPath: true });
  await call('trigger-sampling-request-async', { prompt: 'in the background' });

  const operation = { duration: 0.2, steps: 4 };
  await call('trigger-long-running-operation', operation, { _meta: { progressToken: 'p-1' } });
  await call('trigger-long-running-operation', operation, { _meta: { progressToken: 17 } });
  const cancelled = client.send('tools/call', {
    name: 'trigger-long-running-operation',
    arguments: { duration: 30 },
  });
  client.tell('notifications/cancelled', { requestId: cancelled, reason: 'no longer needed' });
  await Promise.all([call('echo', { message: 'one of two' }), call('echo', { message: 'two of two' })]);

  const created = await call(
    'simulate-research-query',
    { topic: 'python', ambiguous: true },
    { task: { ttl: 60_000 } },
  );
  const { taskId } = (created.result as { task: { taskId: string } }).task;
  await ask('tasks/get', { taskId });
  await ask('tasks/list');
  await ask('tasks/result', { taskId });
  await ask('tasks/result', { taskId });
  await ask('tasks/cancel', { taskId });
  await call('simulate-research-query', { topic: 'no task asked for' });
  return client.lines;
}

/**
 * What two transcripts must have in common: ids that the server draws and times masked, all else byte for
 * byte.
 */
export function comparable(lines: readonly string[]): string[] {
  return lines.map((line) => maskText(line.replace(/"blob":"([^"]*)"/g, maskBlob)));
}

function maskBlob(_: string, blob: string): string {
  const bytes = Buffer.from(blob, 'base64');
  const text = maskText(bytes.toString('latin1'));
  return `"blob":"${Buffer.from(text, 'latin1').toString('base64')}"`;
}

function maskText(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replace(/\b\d{1,2}:\d\d:\d\d(\s[AP]M)?/g, '<time>')
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<id>')
    .replace(/"(taskId|Task created: )":?"?[0-9a-f]{32}"?/g, '"$1":"<id>"');
}

/** Answers what the server asks, always the same; sends requests with ids 1, 2, 3, … */
class ScriptedClient {
  readonly lines: string[] = [];
  readonly roots = [{ uri: 'file:///workspace', name: 'workspace' }];
  private readonly waiting = new Map<number, (message: Json) => void>();
  private readonly watching: (() => void)[] = [];
  private lastId = 0;

  constructor(
    private readonly input: Writable,
    output: Readable,
  ) {
    createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) =>
      this.hear(line),
    );
  }

  readonly ask = (method: string, params?: Json): Promise<Json> => {
    const id = this.send(method, params);
    return new Promise((resolve) => this.waiting.set(id, resolve));
  };

  readonly call = (name: string, args: Json = {}, more: Json = {}): Promise<Json> => {
    return this.ask('tools/call', { name, arguments: args, ...more });
  };

  send(method: string, params?: Json): number {
    const id = ++this.lastId;
    this.write({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) });
    return id;
  }

  tell(method: string, params?: Json): void {
    this.write({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) });
  }

  async sees(text: string): Promise<void> {
    while (!this.lines.some((line) => line.includes(text))) {
      await new Promise<void>((resolve) => this.watching.push(resolve));
    }
  }

  private write(message: Json): void {
    this.input.write(`${JSON.stringify(message)}\n`);
  }

  private hear(line: string): void {
    this.lines.push(line);
    for (const wake of this.watching.splice(0)) wake();
    const message = JSON.parse(line) as Json;
    if (typeof message.method !== 'string') this.waiting.get(message.id as number)?.(message);
    else if (message.id !== undefined) {
      const result = this.answer(message.method, (message.params ?? {}) as Json);
      this.write({ jsonrpc: '2.0', id: message.id, result });
    }
  }

  private answer(method: string, params: Json): Json {
    const said = { role: 'assistant', model: 'scripted', content: { type: 'text', text: 'something' } };
    const times = {
      createdAt: '2026-01-01T00:00:00.000Z',
      lastUpdatedAt: '2026-01-01T00:00:00.000Z',
      ttl: null,
    };
    switch (method) {
      case 'roots/list':
        return { roots: this.roots };
      case 'sampling/createMessage':
        return params.task === undefined
          ? said
          : { task: { taskId: 'client-task', status: 'working', ...times } };
      case 'tasks/get':
        return { taskId: 'client-task', status: 'completed', ...times };
      case 'tasks/result':
        return said;
      case 'elicitation/create':
        return params.mode === 'url'
          ? { action: 'accept' }
          : { action: 'accept', content: { name: 'Ada', interpretation: 'programming' } };
      default:
        return {};
    }
  }
}

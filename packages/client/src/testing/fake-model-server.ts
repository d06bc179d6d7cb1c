import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ModelCall {
  readonly name: string;
  /** As the model writes it. */
  readonly text: string;
}

/**
 * Stands in for OpenAI's servers: answers with the calls of a script, one answer a request, and then with
 * `over`.
 */
export class FakeModelServer {
  readonly requests: { readonly path: string; readonly body: Record<string, unknown> }[] = [];
  readonly script: (readonly ModelCall[])[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const path = request.url ?? '';
      this.requests.push({ path, body: JSON.parse(Buffer.concat(chunks).toString()) });
      const calls = this.script.shift() ?? [];
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(path.endsWith('/responses') ? responseOf(calls) : completionOf(calls)));
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What the model was given to read, in the end. */
  get told(): string {
    return JSON.stringify(this.requests.at(-1)?.body);
  }
}

function completionOf(calls: readonly ModelCall[]): object {
  const tool_calls = calls.map(({ name, text }, at) => ({
    id: `call-${at}`,
    type: 'function',
    function: { name, arguments: text },
  }));
  const message =
    calls.length === 0
      ? { role: 'assistant', content: 'over', refusal: null }
      : { role: 'assistant', content: null, refusal: null, tool_calls };
  const finish_reason = calls.length === 0 ? 'stop' : 'tool_calls';
  const choices = [{ index: 0, message, finish_reason, logprobs: null }];
  return { id: 'chat-1', object: 'chat.completion', created: 1, model: 'fake', choices };
}

function responseOf(calls: readonly ModelCall[]): object {
  const output = calls.map(({ name, text }, at) => ({
    type: 'function_call',
    id: `fc-${at}`,
    call_id: `call-${at}`,
    name,
    arguments: text,
    status: 'completed',
  }));
  return { id: 'resp-1', object: 'response', created_at: 1, model: 'fake', status: 'completed', output };
}

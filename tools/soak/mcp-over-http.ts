import { HttpClient } from '../crash-matrix/http-client.ts';

/** One MCP session over streamable HTTP, as small as a client can be: a request, and its answer in JSON or as an event. */
export class McpOverHttp {
  readonly #client = new HttpClient();
  readonly #url: string;
  readonly #token: string;
  #session: string | undefined;
  #id = 0;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async open(): Promise<void> {
    const clientInfo = { name: 'soak', version: '1' };
    await this.#ask('initialize', { protocolVersion: VERSION, capabilities: {}, clientInfo });
    await this.#send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  /** Throws where the call was not done. */
  async call(name: string, args: object): Promise<void> {
    const result = await this.#ask('tools/call', { name, arguments: args });
    if (result.isError === true)
      throw new Error(`the call was refused: ${JSON.stringify(result).slice(0, 300)}`);
  }

  async close(): Promise<void> {
    await this.#client.send('DELETE', this.#url, this.#headers, undefined);
    this.#client.close();
  }

  async #ask(method: string, params: object): Promise<{ readonly isError?: boolean }> {
    this.#id += 1;
    const { headers, text, status } = await this.#send({ jsonrpc: '2.0', id: this.#id, method, params });
    if (status !== 200) throw new Error(`${method} was answered ${status}: ${text.slice(0, 300)}`);
    const session = headers['mcp-session-id'];
    if (typeof session === 'string') this.#session = session;
    for (const line of text.split('\n')) {
      const data = line.startsWith('data:') ? line.slice('data:'.length) : line;
      if (!data.trimStart().startsWith('{')) continue;
      const message = JSON.parse(data);
      if (message.id !== this.#id) continue;
      if (message.error !== undefined)
        throw new Error(`${method}: ${JSON.stringify(message.error).slice(0, 300)}`);
      return message.result;
    }
    throw new Error(`${method} was not answered`);
  }

  #send(message: object) {
    return this.#client.send('POST', this.#url, this.#headers, JSON.stringify(message));
  }

  get #headers() {
    return {
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${this.#token}`,
      ...(this.#session === undefined
        ? {}
        : { 'mcp-session-id': this.#session, 'mcp-protocol-version': VERSION }),
    };
  }
}

const VERSION = '2025-06-18';

import { Agent, type IncomingHttpHeaders, request } from 'node:http';

const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2025-06-18',
};

/** One MCP session over one connection. */
export class Session {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;
  readonly #token: string | undefined;
  #id = '';
  #lastRequest = 0;

  constructor(url: string, token?: string) {
    this.#url = url;
    this.#token = token;
  }

  async begin(): Promise<void> {
    const clientInfo = { name: 'bench', version: '1' };
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
    const { headers } = await this.#post({ id: 0, method: 'initialize', params });
    this.#id = String(headers['mcp-session-id']);
    await this.#post({ method: 'notifications/initialized' });
  }

  async call(): Promise<void> {
    const id = ++this.#lastRequest;
    const params = { name: 'echo', arguments: { message: `call ${id}`, to: 'desk@acme.example' } };
    const { text } = await this.#post({ id, method: 'tools/call', params });
    if (!text.includes(`call ${id}`)) throw new Error(`expected the answer to call ${id}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(message: object): Promise<{ headers: IncomingHttpHeaders; text: string }> {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    const session = this.#id === '' ? {} : { 'mcp-session-id': this.#id };
    const bearer = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const headers = { ...HEADERS, ...session, ...bearer, 'content-length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const sent = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => resolve({ headers: response.headers, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

import type { McpMount } from '../sidecar/ports.ts';

type Exchange = Parameters<McpMount['handle']>[0];

/** Stands in for the MCP endpoint: GET opens a stream that lasts, POST answers with its body, DELETE with nothing. */
export class FakeMount implements McpMount {
  readonly upstreams = ['mail', 'files'];
  readonly seen: Exchange[] = [];
  readonly written: boolean[] = [];
  fault: Error | undefined;
  release: () => void = () => undefined;
  #released: Promise<void> | undefined;

  /** Has every POST wait until released. */
  hold(): void {
    this.#released = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  async handle(exchange: Exchange): Promise<void> {
    this.seen.push(exchange);
    const { request, response } = exchange;
    if (this.fault !== undefined) throw this.fault;
    switch (request.method) {
      case 'GET': {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const writing = setInterval(() => this.written.push(response.write('data: {}\n\n')), 20);
        await new Promise((resolve) => response.once('close', resolve));
        clearInterval(writing);
        // An endpoint that has not heard yet that its client is gone.
        response.write('data: late\n\n');
        return;
      }
      case 'POST': {
        let body = '';
        for await (const chunk of request) body += chunk;
        await this.#released;
        response.writeHead(200, { 'content-type': 'text/plain' }).end(body);
        return;
      }
      default:
        response.writeHead(204).end();
    }
  }
}

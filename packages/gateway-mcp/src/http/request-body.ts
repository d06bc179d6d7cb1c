import type { IncomingMessage } from 'node:http';
import type { ByteBudget } from './byte-budget.ts';
import { EndpointRefusal } from './http-answer.ts';
import type { McpLimits } from './limits.ts';

/** A body, and what it takes of the budget until it is given back. */
export interface HeldBody {
  readonly bytes: Buffer;
  release(): void;
}

/** Reads a body whole, within its size and time and what all bodies together may take. */
export async function readRequestBody(
  request: IncomingMessage,
  limits: Pick<McpLimits, 'maxClientLineBytes' | 'bodyTimeoutMs'>,
  budget: ByteBudget,
): Promise<HeldBody> {
  const limit = limits.maxClientLineBytes;
  const tooLarge = () =>
    new EndpointRefusal('MESSAGE_TOO_LARGE', `expected a message of at most ${limit} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge();
  let held = 0;
  const release = () => {
    budget.give(held);
    held = 0;
  };
  const chunks: Buffer[] = [];
  let settle: (error?: Error) => void = () => {};
  const complete = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  const timer = setTimeout(() => {
    settle(new EndpointRefusal('BODY_TIMEOUT', `expected the body within ${limits.bodyTimeoutMs} ms`));
  }, limits.bodyTimeoutMs);
  const onData = (chunk: Buffer) => {
    if (held + chunk.length > limit) return settle(tooLarge());
    if (!budget.take(chunk.length)) {
      return settle(new EndpointRefusal('TOO_MANY_BYTES', 'expected fewer bytes under way; try again later'));
    }
    held += chunk.length;
    chunks.push(chunk);
  };
  const onCut = () => {
    // `close` follows a whole body too.
    if (!request.readableEnded) settle(new EndpointRefusal('BODY_UNFINISHED', 'expected the whole body'));
  };
  request.on('data', onData);
  request.once('end', settle);
  request.once('close', onCut);
  request.once('error', onCut);
  try {
    await complete;
    return { bytes: Buffer.concat(chunks), release };
  } catch (error) {
    release();
    request.pause();
    throw error;
  } finally {
    clearTimeout(timer);
    request.off('data', onData);
    request.off('close', onCut);
  }
}
